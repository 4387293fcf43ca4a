"""How runs are evaluated: on which rows, with which thresholds and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoder.evaluation.thresholds import ThresholdBy
from kb.images.patient_split import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to evaluate.

    Attributes:
        labels: these only; default: all that the runs predict.
        split: default: "test" for what was trained here (an encoder, a probe, a bottleneck), else "all"; and beside it
            "external", where there are such rows, as figures of their own.
        where: SQL over the images: "view = 'PA' AND age > 60".
        source: the source of labels to go by, if several contradict each other.
        min_positives: labels with fewer positives, or negatives, are left out.
        bootstrap: resamples of the patients; 0: no intervals.
        seed: of the resamples.
        threshold_by: what a threshold is chosen by.
        threshold_from: "validation", the name of another run, or the threshold itself.
    """

    labels: Sequence[str] = ()
    split: Part | None = None
    where: str | None = None
    source: str | None = None
    min_positives: int = 10
    bootstrap: int = 1000
    seed: int = 0
    threshold_by: ThresholdBy = "youden"
    threshold_from: str | float = "validation"
