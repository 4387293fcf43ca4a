"""How runs are evaluated: on which rows, with which thresholds and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from encoder.evaluation.thresholds import ThresholdBy
from kb.images.patient_split import Part
from kb.images.view_choice import FRONTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to evaluate.

    Attributes:
        labels: these only; default: all that the runs predict.
        split: default: "test" for what was trained here (an encoder, a probe, a bottleneck), else "all"; and beside it
            "external", where there are such rows, as figures of their own.
        where: SQL over the images: "sex = 'F' AND age > 60".
        views: of the images; see `kb.images.view_choice`.
        source: the source of labels to go by, if several contradict each other.
        min_positives: labels with fewer positives, or negatives, are left out.
        bootstrap: resamples of the patients; 0: only intervals that need none.
        seed: of the resamples.
        threshold_by: what a threshold is chosen by.
        threshold_from: "auto": given with the run, else of a validation, else cross-fitted; one of these by its name;
            "target:sensitivity=0.9" for what is to be reached; the name of another run, or the threshold itself.
    """

    labels: Sequence[str] = ()
    split: Part | None = None
    where: str | None = None
    views: str = FRONTAL
    source: str | None = None
    min_positives: int = 10
    bootstrap: int = 1000
    seed: int = 0
    threshold_by: ThresholdBy = "youden"
    threshold_from: str | float = "auto"
