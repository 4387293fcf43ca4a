"""The audits that take long: what each is called, what makes it, and what is shown of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encoder.audit.confounders.flat import flat_confounders
from encoder.audit.drift.flat import flat_periods
from encoder.audit.face import confounders, drift, segments, slices
from encoder.audit.page.confounders import confounders_of_label
from encoder.audit.page.segments import segments_of_label
from encoder.audit.page.slices import slices_of_label
from encoder.audit.page.timeline import timeline_of_label
from encoder.audit.segments.flat import flat_groups
from encoder.audit.segments.result import SegmentAudit
from encoder.audit.slices.flat import flat_slices
from encoder.audit.slices.result import Slices
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher
from workbench.audit.asked import Asked
from workbench.audit.galleries import Pictured

MOST_SLICES = 6
"""Slices that are shown with what they hold."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of audit.

    Attributes:
        name: in addresses and on the command line.
        title: of its page.
        about: what it tells, in a sentence.
        section: the template of its section.
        look: makes the audit of one run on one part of the rows.
        view: what its section shows, with pictures of images.
        flat: its rows, and their columns.
    """

    name: str
    title: str
    about: str
    section: str
    look: Callable[[KnowledgeBase, Asked, Watcher], Any]
    view: Callable[[Any, Pictured], dict[str, object]]
    flat: Callable[[Sequence[Any]], tuple[list[dict[str, object]], Sequence[str]]]


def _rows(asked: Asked) -> Mapping[str, Any]:
    return {"source": asked.source, "split": asked.split, "where": asked.where, "views": asked.views}


def _images(asked: Asked) -> Mapping[str, Any]:
    """The rows, and whose image vectors count."""
    return {**_rows(asked), "encoder": asked.encoder}


def _segments(found: SegmentAudit, pictured: Pictured) -> dict[str, object]:
    galleries = {
        one.text: [("The model gets most wrong", pictured(one.wrong))] if one.wrong else [] for one in found.segments
    }
    return segments_of_label(0, found, galleries)


def _slices(found: Slices, pictured: Pictured) -> dict[str, object]:
    told = sorted((one for one in found.slices if one.verdict != "small"), key=lambda one: one.verdict != "low")
    return slices_of_label(0, found, pictured, told[:MOST_SLICES])


KINDS: Mapping[str, Kind] = {
    one.name: one
    for one in (
        Kind(
            "segments",
            "Subgroups",
            "Every group of patients at one threshold that all share, and the segments in which the run does worse.",
            "segments",
            lambda base, asked, watcher: segments(base, asked.of, asked.label, **_rows(asked), watcher=watcher),
            _segments,
            flat_groups,
        ),
        Kind(
            "confounders",
            "Confounders",
            "What the run leans on for this label that is not the disease, the most harmful first, with the proof.",
            "confounders",
            lambda base, asked, watcher: confounders(base, asked.of, asked.label, **_images(asked), watcher=watcher),
            lambda found, _: confounders_of_label(0, found),
            flat_confounders,
        ),
        Kind(
            "slices",
            "Slices",
            "Images that look alike, cut into slices: where the run does worse, and what these images hold.",
            "slices",
            lambda base, asked, watcher: slices(base, asked.of, asked.label, **_images(asked), watcher=watcher),
            _slices,
            flat_slices,
        ),
        Kind(
            "drift",
            "Drift",
            "What changed over time, since when, and what it fits: other patients, other images, or a poorer ranking.",
            "timeline",
            lambda base, asked, watcher: drift(
                base, asked.of, asked.label, by=asked.by, **_images(asked), watcher=watcher
            ),
            lambda found, _: timeline_of_label(0, found),
            flat_periods,
        ),
    )
}
"""The audits by name, in the order of the page."""
