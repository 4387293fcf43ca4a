"""What a drift audit finds: a timeline, what changed and since when, and what is in the images that was not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from encoder.audit.confounders.result import LEVEL
from kb.display import Listing
from kb.statistics.interval import Interval

Cause = Literal["prevalence", "scores at the same truth", "performance lost", "performance gained", "scores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFigures:
    """One period of the timeline; figures with their 95% intervals, None where there is nothing to tell them by.

    Attributes:
        period: its name.
        n: predictions.
        patients: whose they are.
        labelled: predictions of known truth.
        positives: of these.
        prevalence: share of positives.
        alerts: share of scores at the threshold or above.
        mean_score: of all predictions.
        sensitivity: share of the positives that are alerts.
        specificity: share of the negatives that are none.
        auroc: among the rows of the period.
        calibration: mean truth less mean score (calibration in the large): below 0 scores are too high.
        score_quantiles: the scores that 10, 50 and 90 % lie under.
    """

    period: str
    n: int
    patients: int
    labelled: int
    positives: int
    prevalence: Interval | None
    alerts: Interval | None
    mean_score: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    auroc: Interval | None
    calibration: Interval | None
    score_quantiles: tuple[float, float, float]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data, for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """Where a measure changes.

    Attributes:
        since: the first period that is other.
        before: the measure in the periods before it, back to the change before.
        after: since then, up to the next change.
        p: how often patients exchanged over time give as much, adjusted (Holm) over all tests of the audit.
        within: the periods that it may have begun with, as a 95% confidence set.
    """

    since: str
    before: float
    after: float
    p: float
    within: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether chance is ruled out."""
        return self.p < LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One measure over time: the last period against the first (or the reference), and where it changes.

    Attributes:
        measure: which.
        first: in the first or reference period.
        last: in the last one.
        change: the last less the first.
        p: of that change, by patients exchanged over time, adjusted (Holm) over all tests of the audit.
        points: where it changes, in their order: the best one, sure or not, and further ones that are sure.
        values: of each period.
    """

    measure: str
    first: Interval | None
    last: Interval | None
    change: Interval | None
    p: float
    points: tuple[ChangePoint, ...]
    values: tuple[float, ...]

    @property
    def point(self) -> ChangePoint | None:
        """The surest change point."""
        return min(self.points, key=lambda one: one.p, default=None)

    @property
    def sure(self) -> bool:
        """Whether the measure changed: by the last period against the first, or by a change point."""
        return self.p < LEVEL or (self.point is not None and self.point.sure)

    def to_dict(self) -> dict[str, Any]:
        """The change as plain data, for JSON."""
        return {**plain_fields(self), "changed": self.sure}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreShift:
    """How far the scores of two spans of time lie apart, whatever is true.

    Attributes:
        kolmogorov_smirnov: the largest distance of the two distribution functions.
        p: of that, patients exchanged between the two spans, adjusted (Holm) over all tests of the audit.
        wasserstein: the mean way that scores moved, with its 95% interval (patients resampled).
        by_chance: what that distance is on average where patients are exchanged.
    """

    kolmogorov_smirnov: float
    p: float
    wasserstein: Interval
    by_chance: float

    @property
    def sure(self) -> bool:
        """Whether chance is ruled out."""
        return self.p < LEVEL

    def to_dict(self) -> dict[str, Any]:
        """The shift as plain data, for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptShift:
    """A concept that images of later hold more, or less, of: in standard deviations of its score.

    Attributes:
        concept_id: of the concept.
        text: its words.
        finding: what it is of; it stands for all concepts of that finding.
        difference: later less before, with its 95% interval.
        usual: the same of concepts in general, which it is held against.
        q: the false discovery rate at which it is called.
    """

    concept_id: str
    text: str
    finding: str
    difference: Interval
    usual: float
    q: float

    def to_dict(self) -> dict[str, Any]:
        """The shift as plain data, for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareShift:
    """A finding that reports state, or a value of an attribute, and the share of rows that have it before and after.

    Attributes:
        name: of the finding, or "scanner: portable".
        kind: "report" or "attribute".
        before: its share.
        after: later.
        change: later less before.
        q: the false discovery rate at which it is called.
    """

    name: str
    kind: str
    before: Interval
    after: Interval
    change: Interval
    q: float

    def to_dict(self) -> dict[str, Any]:
        """The shift as plain data, for JSON."""
        return plain_fields(self)


@dataclass(frozen=True, kw_only=True)
class DriftAudit:
    """The drift of one run and label.

    Attributes:
        run: its name.
        label: as the run spells it.
        source: of the labels; None where none speaks.
        split: of the rows.
        by: the kind of periods.
        n: predictions.
        patients: whose they are.
        labelled: predictions of known truth.
        threshold: what scores are cut at; None where nothing chose one.
        threshold_from: the rows that it was chosen on, or "told".
        timeline: each period.
        changes: each measure.
        reference: the period that the last one is held against.
        since: where the surest change lies; None where none is sure.
        causes: what kind of change it is; empty where none is sure.
        scores: how far the scores of the last period lie from those of the reference.
        spans: what `concepts`, `shares` and `told_apart` compare: before and since the surest change, or those two.
        told_apart: how well images of the spans can be told apart: the AUROC of a classifier on image vectors, on
            patients that it did not see; None without vectors.
        concepts: concepts whose scores shifted, the surest first.
        shares: findings of reports and attributes that shifted, the surest first.
        permutations: draws behind each p.
        smallest_p: what no adjusted p can be below with as many draws.
        sentences: all of this in words.
        notes: what was left out, and why.
    """

    run: str
    label: str
    source: str | None
    split: str
    by: str
    n: int
    patients: int
    labelled: int
    threshold: float | None
    threshold_from: str
    timeline: Listing[PeriodFigures]
    changes: Listing[Change]
    reference: str
    since: ChangePoint | None
    causes: tuple[Cause, ...]
    scores: ScoreShift
    spans: tuple[str, str]
    told_apart: Interval | None
    concepts: Listing[ConceptShift]
    shares: Listing[ShareShift]
    permutations: int
    smallest_p: float
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether any measure, or the scores as a whole, changed beyond what chance does."""
        return self.scores.sure or any(change.sure for change in self.changes)

    def change(self, measure: str) -> Change | None:
        """The change of one measure; None where it could not be followed."""
        return next((one for one in self.changes if one.measure == measure), None)

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data, for JSON."""
        return {"drifted": self.drifted, **plain_fields(self)}


def plain_fields(one: Any) -> dict[str, Any]:
    """The fields of a result as plain data: intervals as value, low and high; NaN, which JSON has not, as None."""
    return {field.name: _plain(getattr(one, field.name)) for field in fields(one)}


def _plain(value: Any) -> Any:
    if isinstance(value, Interval):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, float):
        return value if value == value else None
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return plain_fields(value) if hasattr(value, "__dataclass_fields__") else value
