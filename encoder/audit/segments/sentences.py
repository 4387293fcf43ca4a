"""What an audit by segments found, in sentences, for the terminal and the page."""

from __future__ import annotations

from encoder.audit.segments.chance import DRAWS
from encoder.audit.segments.outcomes import Measure
from encoder.audit.segments.result import Figures, Segment, SegmentAudit
from kb.statistics.interval import Interval
from kb.statistics.p_values import floor_of, told_p

WORST: dict[Measure, str] = {
    "false alarms": "false alarms",
    "misses": "misses",
    "bpsn": "negatives score higher than elsewhere",
    "bnsp": "positives score lower than elsewhere",
    "auroc": "positives and negatives are mixed up",
}
"""In what a segment does worst, in words."""

MOST_DIGITS = 6

FLOOR = floor_of(DRAWS)
"""No p of a search that draws so often is smaller."""


def tell(one: Segment) -> list[str]:
    """One segment: what is wrong with it, then its size and harm, its errors, its scores, and what it explains."""
    here, there = one.here, one.elsewhere
    lines = [
        f"{WORST[one.measure]}, p {told_p(one.p, is_floor=one.p <= FLOOR)}",
        f"{here.n:,} rows of {here.patients:,} patients, {here.positives:,} positives. Of 100 such rows "
        f"{one.per_100:.1f} more are missed or falsely alarmed than elsewhere, {one.extra:.0f} in all.",
        f"False alarms {wrong(here.specificity)}, elsewhere {wrong(there.specificity)}{_gap(one.more_false_alarms)}. "
        f"Missed {wrong(here.sensitivity)}, elsewhere {wrong(there.sensitivity)}{_gap(one.more_misses)}.",
        f"AUROC {between(here.auroc)}, elsewhere {between(there.auroc)}. Its negatives against positives elsewhere "
        f"(BPSN) {between(here.bpsn)}, its positives against negatives elsewhere (BNSP) {between(here.bnsp)}"
        + (f"; logit at the same truth {signed(one.higher_scores)}." if one.higher_scores else "."),
    ]
    if one.covers:
        lines.append(f"Without its rows no longer worse: {'; '.join(one.covers)}.")
    return lines


def overall(figures: Figures) -> str:
    """Errors over all rows."""
    return (
        f"sensitivity {between(figures.sensitivity)}, specificity {between(figures.specificity)}, "
        f"{percent(figures.alerts)} alerts per 100"
    )


def power(found: SegmentAudit) -> str:
    """That no segment was found, and what would have been."""
    gaps = [
        f"{100 * gap:.0f} points in {what}"
        for gap, what in ((found.power.false_alarms, "false alarms"), (found.power.misses, "misses"))
        if gap is not None
    ]
    text = f"No segment of the {found.looked_at:,} that were looked at does worse than the others beyond chance."
    if not gaps:
        return f"{text} No gap in a tenth of the rows would have been seen 8 times of 10: there are too few rows."
    return f"{text} A gap of {' or '.join(gaps)} in a tenth of the rows would have been seen 8 times of 10."


def between(interval: Interval | None, digits: int = 2) -> str:
    """A share with its interval: "0.71 (0.66-0.75)"; "-" where there is none."""
    return _spelt(interval, 1, digits) if interval else "-"


def percent(interval: Interval | None) -> str:
    """A share as per cent with its interval: "12.3 (10-15)"."""
    return _spelt(interval, 100, 0, more=1) if interval else "-"


def wrong(right: Interval | None) -> str:
    """The share of errors, where that of what is right is known: "42.7 % (38-47)"."""
    if right is None:
        return "-"
    return percent(Interval(1 - right.value, 1 - right.high, 1 - right.low)).replace(" (", " % (")


def _spelt(interval: Interval, times: int, digits: int, more: int = 0) -> str:
    """An interval in so many digits, or in as many as it takes to see that it is no point."""
    value, low, high = (times * one for one in interval)
    while digits < MOST_DIGITS and f"{low:.{digits}f}" == f"{high:.{digits}f}":
        digits += 1
    return f"{value:.{digits + more}f} ({low:.{digits}f}-{high:.{digits}f})"


def signed(interval: Interval) -> str:
    """A difference with its interval: "+0.52 (0.31 to 0.73)"."""
    return f"{interval.value:+.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _gap(gap: Interval | None) -> str:
    if gap is None:
        return ""
    return f" ({100 * gap.value:+.1f} points, {100 * gap.low:.0f} to {100 * gap.high:.0f})"
