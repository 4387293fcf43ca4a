"""Where in its image each explained prediction comes from, as pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from encoder.audit.report.report_data import Example
from encoder.audit.report.thumbnails import data_uri
from encoder.explanation.explanation import Explainer
from encoder.explanation.heatmap import lay_over
from encoder.explanation.locating import Locator
from kb.errors import UsageError
from kb.progress import Watcher


def heatmaps_of(
    explainer: Explainer, examples: Sequence[Example], watcher: Watcher
) -> tuple[dict[tuple[str, str], str], list[str]]:
    """The pictures by image and label, and what is to be said of those that there are not."""
    found: dict[tuple[str, str], str] = {}
    locator = Locator(explainer)
    watcher.stage("heat maps", len(examples))
    for number, one in enumerate(examples, start=1):
        image = one.explanation.image_id
        try:
            pixels, relevant = locator.locate(image, one.label)
        except UsageError as error:
            return found, [f"no heat map is shown: {error}"]
        found[image, one.label] = data_uri(Image.fromarray(lay_over(pixels, relevant)))
        watcher.advance(number, number)
    return found, []
