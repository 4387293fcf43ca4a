"""What was found, in sentences: for the terminal, the page, and whoever has to act on it."""

from __future__ import annotations

from collections.abc import Iterable

from encoder.audit.confounders.result import Confounder, Estimate, Kind

WHERE: dict[Kind, str] = {
    "report": "a report states it",
    "image": "its score is one standard deviation higher",
    "attribute": "it holds",
}
LIKENESS: dict[Kind, str] = {"report": "", "image": " beyond its likeness to the disease", "attribute": ""}


def tell(found: Confounder, label: str) -> str:
    """One confounder in a few sentences: how the model leans on it, what it goes with, and what that does."""
    entries = [
        f"At the same truth the logit of {label} is {moved(found.effect)} where {WHERE[found.kind]} "
        f"(correlation {signed(found.leans)}{usual(found.leans)}, q {small(found.leans.q)}).",
        f"It goes {'with' if found.goes_with.value > 0 else 'against'} the label in this data: "
        f"{signed(found.goes_with)} standard deviations{LIKENESS[found.kind]}"
        f"{usual(found.goes_with)} (q {small(found.goes_with.q)}).",
    ]
    strata = found.strata
    if strata is not None:
        entries.append(
            f"AUROC {number(strata.auroc)}: {number(strata.auroc_present)} with it, {number(strata.auroc_absent)} "
            f"without, {number(strata.auroc_against)} of the positives without it against the negatives with it; "
            f"once it is erased {number(strata.erased)} and {number(strata.erased_against)}."
        )
        before, after = strata.errors, strata.erased_errors
        negatives = strata.present - strata.positives_present, strata.absent - strata.positives_absent
        entries.append(
            f"False alarms: {share(before.false_positives_present)} of {negatives[0]:,} with it, "
            f"{share(before.false_positives_absent)} of {negatives[1]:,} without "
            f"(erased: {share(after.false_positives_present)}, {share(after.false_positives_absent)}). "
            f"Missed: {share(before.false_negatives_present)} of {strata.positives_present:,} with it, "
            f"{share(before.false_negatives_absent)} of {strata.positives_absent:,} without "
            f"(erased: {share(after.false_negatives_present)}, {share(after.false_negatives_absent)})."
        )
    return " ".join(entries)


def signed(estimate: Estimate) -> str:
    """An estimate with its interval: "+0.23 (0.12 to 0.34)"."""
    return str(estimate)


def usual(estimate: Estimate) -> str:
    """What an estimate is held against, where that is not 0: ", concepts in general +0.80"."""
    return f", concepts in general {estimate.usual:+.2f}" if estimate.usual else ""


def in_general(found: Iterable[Confounder]) -> str:
    """What the rows that are measured by scores are held against, in a sentence; "" if there are none such."""
    one = next((row for row in found if row.kind == "image" and (row.leans.usual or row.goes_with.usual)), None)
    if one is None:
        return ""
    return (
        f"concepts in general have r {one.leans.usual:+.2f} and d {one.goes_with.usual:+.2f} here: by images, q is of "
        "the distance from that"
    )


def moved(estimate: Estimate) -> str:
    """An effect as a move: "1.47 (0.75 to 2.19) higher"."""
    if estimate.value >= 0:
        return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f}) higher"
    return f"{-estimate.value:.2f} ({-estimate.high:.2f} to {-estimate.low:.2f}) lower"


def small(q: float) -> str:
    """A q or p: two digits, and "<0.001" below that; "-" if there is none."""
    if q != q:
        return "-"
    return "<0.001" if q < 0.001 else f"{q:.2g}"


def number(value: float | None) -> str:
    """An AUROC: three digits; "-" if there is none."""
    return "-" if value is None or value != value else f"{value:.3f}"


def share(value: float | None) -> str:
    """A share as a percentage; "-" if there is none."""
    return "-" if value is None else f"{100 * value:.0f} %"
