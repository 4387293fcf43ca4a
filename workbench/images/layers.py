"""What is laid over the picture of an image: a heat map with its scale, as bytes for a browser."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from encoder.explanation.grouped import GroupedExplainer
from encoder.explanation.heatmap import smoothed
from encoder.explanation.map_side import MapSide, side_of_map
from kb.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatLayer:
    """A heat map as a see-through picture, on the square that the encoder reads.

    Attributes:
        png: RGBA; the stronger, the less see-through.
        most: what the strongest place adds to the logit, or to a finding's score, by size; the ends of the scale.
        side: on which side of the patient it lies; None where the view tells none.
    """

    png: bytes
    most: float
    side: MapSide | None


def heat_layer(explainer: GroupedExplainer, image_id: str, label: str, finding: str, view: str | None) -> HeatLayer:
    """Where in an image a prediction comes from, or with a finding where the image shows that.

    Raises:
        UsageError: the image's pixels are missing, or the run does not predict the label or know the finding.
    """
    if finding:
        numbers = [n for n, group in enumerate(explainer.groups) if group.finding == finding]
        if not numbers:
            raise UsageError(f"no concept of '{finding}' is accepted or well-formed")
        pixels, relevant = explainer.locator.along(image_id, explainer.shown_direction(numbers[0]))
    else:
        pixels, relevant = explainer.locator.locate(image_id, explainer.explainer.run.head(label).label)
    smooth = smoothed(relevant, len(pixels))
    return HeatLayer(png=_painted(smooth), most=float(np.abs(relevant).max()), side=side_of_map(smooth, view))


def _painted(smooth: np.ndarray) -> bytes:
    """Red speaks for it, blue against; what says little lets the picture through."""
    from matplotlib import colormaps

    colours = (colormaps["seismic"]((smooth + 1) / 2) * 255).astype(np.uint8)
    colours[..., 3] = (np.abs(smooth) * 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(colours).save(file, "PNG")
    return file.getvalue()
