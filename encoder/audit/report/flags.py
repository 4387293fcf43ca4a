"""Flags: the figures of a report beside the limits that a lab sets, each passed, warned of or failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from encoder.audit.confounders.result import ConfounderAudit, Verdict
from encoder.audit.report.limits import COUNTED, HIGHER, Limit, Limits
from encoder.audit.report.report_data import Flag
from encoder.audit.segments.result import Figures, SegmentAudit
from encoder.audit.slices.result import Slices
from encoder.evaluation.confusion import Confusion
from encoder.evaluation.evaluation import Scored
from kb.errors import UsageError
from kb.language.label_names import plain_label
from kb.statistics.interval import Interval

GAP = "subgroup_gap_"
CALLED: Mapping[str, Verdict] = {"confounders": "confounder", "harmful_leans": "harmful lean"}
SHARES = ("sensitivity", "specificity", "ppv", "npv", "alerts")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a label with its interval, if it has one; without a value, `about` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All that is known of one label; a part that could not be made is None, as all are of one not shown `in_full`."""

    scored: Scored
    in_full: bool = True
    segments: SegmentAudit | None
    confounders: ConfounderAudit | None
    slices: Slices | None

    def figure(self, measure: str) -> Figure:
        """One of `MEASURES`."""
        if not self.in_full and (measure in COUNTED or measure.startswith(GAP)):
            return Figure(None, about="the label is not shown in full, as those are that are named")
        if measure in SHARES:
            return _share(self.scored.confusion, measure)
        if measure.startswith(GAP):
            return _gap(self.segments, measure.removeprefix(GAP))
        if measure in CALLED:
            if self.confounders is None:
                return Figure(None, about="they could not be looked for")
            return _counted([one.name for one in self.confounders.called(CALLED[measure])])
        if measure == "low_slices":
            found = self.slices
            if found is None:
                return Figure(None, about="slices could not be made")
            return _counted([f"slice {one.number}" for one in found.slices if one.verdict == "low"])
        low, high = self.scored.intervals.get(measure) or (None, None)
        value = self.scored.values.get(measure)
        return Figure(value, low, high, "" if value is not None else "it could not be computed")


def check_labels(limits: Limits, known: Sequence[str]) -> None:
    """Refuse limits of a label that is not scored (UsageError)."""
    scored = {plain_label(label) for label in known}
    if unknown := [limits.names[name] for name in limits.labels if name not in scored]:
        raise UsageError(f"limits of '{unknown[0]}': the labels that are scored are {', '.join(known)}")


def flags_of(limits: Limits, judged: Mapping[str, Judged]) -> list[Flag]:
    """The flags of each label, in the order of the measures; those that fail come first."""
    order = ("fail", "warn", "not judged", "pass")
    return sorted(_flags(limits, judged), key=lambda one: order.index(one.verdict))


def _flags(limits: Limits, judged: Mapping[str, Judged]) -> Iterator[Flag]:
    for label, known in judged.items():
        for measure, limit in limits.of(label).items():
            figure = known.figure(measure)
            at = _judged(figure, measure, limits.by)
            yield Flag(
                label=label,
                measure=measure,
                value=figure.value,
                judged=at,
                warn=limit.warn,
                fail=limit.fail,
                verdict=_verdict(at, measure, limit),
                about=figure.about,
            )


def _judged(figure: Figure, measure: str, by: str) -> float | None:
    """What is held against the limits: of what should be high the lower end, of what should be low the upper."""
    end = figure.low if measure in HIGHER else figure.high
    return end if by == "interval" and end is not None else figure.value


def _verdict(at: float | None, measure: str, limit: Limit) -> Literal["pass", "warn", "fail", "not judged"]:
    if at is None:
        return "not judged"

    def beyond(value: float | None) -> bool:
        return value is not None and (at < value if measure in HIGHER else at > value)

    if beyond(limit.fail):
        return "fail"
    return "warn" if beyond(limit.warn) else "pass"


def _share(confusion: Confusion | None, measure: str) -> Figure:
    if confusion is None:
        return Figure(None, about="there is no threshold")
    found: Interval | None = getattr(confusion, measure)
    return Figure(None, about="there is no row to take it from") if found is None else Figure(*found)


def _gap(found: SegmentAudit | None, measure: str) -> Figure:
    """How far the weakest group lies under all rows: of the values of attributes, each at the threshold all share."""
    overall = _value(found.overall if found is not None else None, measure)
    groups = [group for group in found.groups if group.kind == "attribute"] if found is not None else []
    known = [(value, group.name) for group in groups if (value := _value(group.figures, measure)) is not None]
    if overall is None or not known:
        return Figure(None, about="no group can be judged")
    lowest, name = min(known)
    return Figure(max(0.0, overall - lowest), about=name)


def _value(figures: Figures | None, measure: str) -> float | None:
    found: Interval | None = getattr(figures, measure) if figures is not None else None
    return None if found is None else found.value


def _counted(names: Sequence[str]) -> Figure:
    return Figure(float(len(names)), about=", ".join(names[:3]) + (", ..." if len(names) > 3 else ""))
