"""What the page of an audit shows, and how it is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.images.patient_split import Part
from kb.images.view_choice import FRONTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What a report shows, and how it is computed.

    Attributes:
        labels: shown in full; default: those with the most positives, six at most.
        source: the source of labels to go by, if several contradict each other.
        split: "test" by default for what was trained here, else "all"; the metrics of external rows stand apart.
        where: SQL over the images.
        views: of the images; see `kb.images.view_choice`.
        encoder: the folder of a checkpoint, or its id; not needed if there is one only.
        min_positives: labels and groups with fewer positives, or negatives, are left out.
        bootstrap: resamples of the patients.
        seed: of the resamples.
        beside: further runs whose figures and curves stand beside those of the run.
        limits: a file of limits that figures are held against; see `encoder.audit.report.limits`.
        card: a file that states what the model is for; see `encoder.audit.report.card`.
        heatmaps: whether pictures of explained examples show where in the image the prediction comes from.
        evidence: whether report sentences are shown.
        images: whether thumbnails are shown.
        ids: whether ids are shown; without them no report sentences are; see `encoder.audit.report.without_ids`.
        title: of the page.
    """

    labels: Sequence[str] = ()
    source: str | None = None
    split: Part | None = None
    where: str | None = None
    views: str = FRONTAL
    encoder: str | None = None
    min_positives: int = 10
    bootstrap: int = 1000
    seed: int = 0
    beside: Sequence[str] = ()
    limits: str | Path | None = None
    card: str | Path | None = None
    heatmaps: bool = True
    evidence: bool = True
    images: bool = True
    ids: bool = True
    title: str | None = None
