"""What an audit by segments finds: how a run does in every group at one threshold, and the segments it fails in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from encoder.audit.segments.attributes import Kind
from encoder.audit.segments.outcomes import Measure
from kb.display import Listing
from kb.statistics.interval import Interval

FIGURES = (
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "alerts",
    "calibration",
    "slope",
    "auroc",
    "bpsn",
    "bnsp",
)
"""The figures of a group that have an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Where scores are cut into yes and no, and what chose that."""

    value: float
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How a run does on some rows at the threshold; patients are clusters, None where there are no such rows.

    Attributes:
        n: rows of known truth.
        patients: of them.
        positives: of them.
        false_alarms: negatives that are called positive.
        missed: positives that are called negative.
        sensitivity: the share of the positives that are called positive.
        specificity: the share of the negatives that are called negative.
        ppv: the share of those called positive that are.
        npv: the share of those called negative that are.
        alerts: the share of the rows that are called positive.
        calibration: mean truth less mean score: above 0 the scores are too low (calibration in the large).
        slope: of a logistic regression of the truth on the logit: below 1 the scores are too extreme.
        auroc: within these rows.
        bpsn: AUROC of all other positives against the negatives here (background positive, subgroup negative).
        bnsp: AUROC of the positives here against all other negatives.
    """

    n: int
    patients: int
    positives: int
    false_alarms: int
    missed: int
    sensitivity: Interval | None
    specificity: Interval | None
    ppv: Interval | None
    npv: Interval | None
    alerts: Interval | None
    calibration: Interval | None
    slope: Interval | None
    auroc: Interval | None
    bpsn: Interval | None
    bnsp: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain data: each of `FIGURES` with the ends of its interval beside it."""
        found: dict[str, Any] = {
            name: getattr(self, name) for name in ("n", "patients", "positives", "false_alarms", "missed")
        }
        for name in FIGURES:
            known: Interval | None = getattr(self, name)
            value, low, high = known or (None, None, None)
            found |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return found


def extra_errors(here: Figures, elsewhere: Figures) -> float:
    """How many rows here are falsely alarmed or missed beyond the shares of them elsewhere.

    What is better here does not count against what is worse.
    """
    more = 0.0
    for mine, theirs, n in (
        (here.specificity, elsewhere.specificity, here.n - here.positives),
        (here.sensitivity, elsewhere.sensitivity, here.positives),
    ):
        if mine is not None and theirs is not None:
            more += max(0.0, theirs.value - mine.value) * n
    return more


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The rows of one value of one attribute, of a finding that reports state or not, or of a part of a number.

    Attributes:
        attribute: "sex".
        value: "F"; of a number "18 to 40".
        kind: what tells of it: "attribute", "report" or "image".
        figures: how the run does on them; None where there are too few rows to say.
    """

    attribute: str
    value: str
    kind: Kind
    n: int
    figures: Figures | None

    @property
    def name(self) -> str:
        """The attribute and the value."""
        return f"{self.attribute} {self.value}"

    def to_dict(self) -> dict[str, Any]:
        """The group as plain data."""
        told = {"attribute": self.attribute, "value": self.value, "kind": self.kind, "n": self.n}
        return told | (self.figures.to_dict() if self.figures is not None else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Rows in which a run does worse than in all others, as the search found them.

    Attributes:
        text: the conditions that hold for all of its rows: "sex F and age >= 70".
        measure: in what it does worst: false alarms, misses, bpsn, bnsp or auroc.
        p: the chance that a search through rows in which nothing is wrong names anything as far out.
        here: how the run does in it.
        elsewhere: in all other rows.
        more_false_alarms: the share of negatives falsely alarmed here less elsewhere. Its interval, as that of
            `more_misses`, holds for all segments that were looked at together.
        more_misses: the share of positives missed here less elsewhere.
        higher_scores: how much higher the logit is here at the same truth.
        per_100: of 100 rows here, how many more are falsely alarmed or missed than elsewhere; what is better here
            does not count against what is worse.
        extra: how many that makes of all rows here.
        covers: other segments that did worse no longer, once the rows of this one were left out.
        wrong: the images that the threshold calls wrongly, the furthest on the wrong side first; none of studies.
    """

    text: str
    measure: Measure
    p: float
    here: Figures
    elsewhere: Figures
    more_false_alarms: Interval | None
    more_misses: Interval | None
    higher_scores: Interval | None
    per_100: float
    extra: float
    covers: tuple[str, ...]
    wrong: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The segment as plain data."""
        told = asdict(self)
        for name in ("more_false_alarms", "more_misses", "higher_scores"):
            known: Interval | None = getattr(self, name)
            value, low, high = known or (None, None, None)
            told |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return told | {
            "here": self.here.to_dict(),
            "elsewhere": self.elsewhere.to_dict(),
            "covers": list(self.covers),
            "wrong": list(self.wrong),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The gaps between a tenth of the rows and the others that the search would have found 8 times of 10."""

    false_alarms: float | None
    misses: float | None


@dataclass(frozen=True, kw_only=True)
class SegmentAudit:
    """How one run does for one label in every group, and the segments in which it does worse than elsewhere.

    Attributes:
        run: which run.
        label: of which label.
        source: whose labels count.
        split: of the rows.
        threshold: the one that all groups share.
        overall: how the run does on all rows.
        segments: those that were found, the most harmful first.
        groups: every value of every attribute.
        looked_at: segments that the search looked at.
        power: what it would have found.
        notes: what was left out, and why.
    """

    run: str
    label: str
    source: str
    split: str
    threshold: Threshold
    overall: Figures
    segments: Listing[Segment]
    groups: Listing[Group]
    looked_at: int
    power: Power
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in ("run", "label", "source", "split", "looked_at")}
        return {
            **fields,
            "threshold": asdict(self.threshold),
            "overall": self.overall.to_dict(),
            "power": asdict(self.power),
            "notes": list(self.notes),
            "segments": self.segments.rows(),
            "groups": self.groups.rows(),
        }
