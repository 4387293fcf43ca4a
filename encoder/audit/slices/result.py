"""What an audit by slices finds: clusters of images alike, how the model does in each, and what the poor ones hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from encoder.audit.segments.outcomes import Measure
from encoder.audit.segments.result import Figures, Threshold, extra_errors
from kb.display import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceConcept:
    """A concept that a poor slice holds more (or less) of than a good one: by so many standard deviations."""

    concept_id: str
    text: str
    finding: str
    difference: float
    low: float
    high: float
    q: float


@dataclass(frozen=True, slots=True)
class Trait:
    """An attribute, or a finding that reports state, and the shares of images that have it in a slice and elsewhere."""

    name: str
    share: float
    elsewhere: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One cluster of images.

    Attributes:
        number: from 1 on, the largest first.
        data: which data set it is of: "" where there is only one.
        n: images of known truth.
        positives: of them.
        patients: of them.
        auroc: of the run on them; None under the minimum of positives or negatives.
        auroc_low: lower end of its 95% interval, patients as clusters.
        auroc_high: upper end.
        mean_score: of all its images.
        verdict: "low" where the run surely does worse than in the other slices, "small" where there is too little to
            say, else "".
        against: the number of the nearest good slice, for a low one.
        concepts: what it holds more or less of than that one, the surest first.
        traits: attributes and stated findings whose shares differ most from those of the other images.
        images: those nearest to its centre.
        wrong: those that the model gets most wrong.
        here: its errors at the threshold, calibration and ranking; None where it is small or there is no threshold.
        elsewhere: those of all other images or, of the second of two data sets, of the same slice of the first.
        worse_in: in what the run surely does worse, the surest first.
        q: the false discovery rate at which the surest of these is called.
    """

    number: int
    data: str
    n: int
    positives: int
    patients: int
    auroc: float | None
    auroc_low: float | None
    auroc_high: float | None
    mean_score: float
    verdict: str
    against: int | None
    concepts: tuple[SliceConcept, ...]
    traits: tuple[Trait, ...]
    images: tuple[str, ...]
    wrong: tuple[str, ...]
    here: Figures | None = None
    elsewhere: Figures | None = None
    worse_in: tuple[Measure, ...] = ()
    q: float | None = None

    @property
    def extra(self) -> float | None:
        """How many of its images more are falsely alarmed or missed than as many elsewhere are."""
        return extra_errors(self.here, self.elsewhere) if self.here and self.elsewhere else None

    def to_dict(self) -> dict[str, Any]:
        """The slice as plain data, for JSON."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told |= {name: [asdict(one) for one in told[name]] for name in ("concepts", "traits")}
        told |= {name: list(told[name]) for name in ("images", "wrong", "worse_in")}
        for name in ("here", "elsewhere"):
            figures: Figures | None = told[name]
            told[name] = figures.to_dict() if figures is not None else None
        return told | {"extra": self.extra}


@dataclass(frozen=True, kw_only=True)
class Slices:
    """The slices of one run and label: `auroc` is that over all of its images, `threshold` what all slices share."""

    run: str
    label: str
    source: str
    split: str
    n: int
    positives: int
    patients: int
    auroc: float
    slices: Listing[Slice]
    notes: tuple[str, ...] = ()
    threshold: Threshold | None = None

    def to_dict(self) -> dict[str, Any]:
        """The slices as plain data, for JSON."""
        names = ("run", "label", "source", "split", "n", "positives", "patients", "auroc")
        named = {name: getattr(self, name) for name in names}
        told = None if self.threshold is None else asdict(self.threshold)
        return {**named, "threshold": told, "notes": list(self.notes), "slices": self.slices.rows()}
