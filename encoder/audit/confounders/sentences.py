"""What was found, in sentences: for the terminal, the page, and whoever has to act on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from encoder.audit.confounders.across import is_technique
from encoder.audit.confounders.families import Family
from encoder.audit.confounders.result import (
    LEVEL,
    Across,
    Confounder,
    ConfounderAudit,
    Estimate,
    Harm,
    Kind,
    Verdict,
)
from kb.statistics.interval import Interval

WHERE: dict[Kind, str] = {
    "report": "a report states it",
    "image": "its score is one standard deviation higher",
    "attribute": "it holds",
}
BY: dict[Kind, str] = {"report": "reports", "image": "images", "attribute": "attributes"}
NAMED = 3
"""Things of one verdict that a conclusion names."""

FEW_GROUPS = 4
"""Groups up to which each is named."""

MEANING: dict[Verdict, str] = {
    "confounder": "the model leans on it, and it goes with the label in this data",
    "harmful lean": "the model leans on it and errs by it, though no link to the label could be shown in this data",
    "correlate": "the model leans on it, and it goes with the label as what belongs to a disease does: may be biology "
    "or treatment",
    "leaned on": "no link to the label and no such harm could be shown",
}


def conclusion(audit: ConfounderAudit) -> list[str]:
    """What was called, a sentence a verdict: confounders, harmful leans, correlates, what else is leaned on."""
    found = []
    for verdict in ("confounder", "harmful lean", "correlate", "leaned on"):
        rows = audit.called(verdict)
        if rows:
            named = ", ".join(f"{one.name}{_briefly(one)}" for one in rows[:NAMED])
            more = max(audit.verdicts.get(verdict, 0), len(rows)) - len(rows[:NAMED])
            found.append(f"{verdict}: {named}{f' and {more:,} more' if more else ''}: {MEANING[verdict]}")
    return found or [f"nothing is called at q < {LEVEL}: what stands first is only what is most worth a look"]


def _briefly(one: Confounder) -> str:
    """What a conclusion says of one thing, in brackets."""
    parts = [f"q {small(one.q if one.verdict in ('confounder', 'correlate') else one.leans.q)}"]
    if one.verdict == "correlate":
        alike = next((across for across in one.across if across.told == "alike"), None)
        parts += [f"known {one.known}"] if one.known else []
        parts += [f"alike in {len(alike.groups)} groups by {alike.by}"] if alike is not None else []
    if one.verdict != "leaned on" and one.harm is not None and one.harm.against is not None:
        parts.append(f"AUROC against it {one.harm.against.value:.3f}")
    return f" ({', '.join(parts)})"


def tell(found: Confounder, label: str) -> str:
    """One thing in a few sentences: how the model leans on it, what it goes with, where, and what that does."""
    entries = [
        f"At the same truth the logit of {label} is {moved(found.effect)} where {WHERE[found.kind]} "
        f"(correlation {signed(found.leans)}{usual(found.leans)}, q {small(found.leans.q)}).",
        f"{_link(found)}: {signed(found.goes_with)} standard deviations{usual(found.goes_with)} "
        f"(q {small(found.goes_with.q)}).",
        *(_everywhere(found, label) if found.verdict in ("confounder", "correlate") else ()),
    ]
    strata, harm = found.strata, found.harm
    if strata is not None:
        against = (
            "the positives with it against the negatives without it"
            if harm is not None and harm.drawn < 0
            else "the positives without it against the negatives with it"
        )
        told = number(strata.auroc_against) if harm is None or harm.against is None else str(harm.against)
        entries.append(
            f"AUROC {number(strata.auroc)}: {number(strata.auroc_present)} with it, {number(strata.auroc_absent)} "
            f"without, {told} of {against}; once it is erased {number(strata.erased)} and "
            f"{number(strata.erased_against)}."
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
    if harm is not None and harm.bad:
        entries.append(f"That is harm: {told_harm(harm)}.")
    return " ".join(entries)


def _link(found: Confounder) -> str:
    if not found.goes_with.q < LEVEL:
        return "No link to the label could be shown in this data"
    return f"It goes {'with' if found.goes_with.excess > 0 else 'against'} the label in this data"


def told_harm(harm: Harm) -> str:
    """What leaning does, as numbers with their intervals."""
    parts = [] if harm.against is None else [f"AUROC {harm.against} against it"]
    alarmed, missed = ("with it", "without it") if harm.drawn > 0 else ("without it", "with it")
    for what, gap in ((f"false alarms {alarmed}", harm.false_alarms), (f"misses {missed}", harm.misses)):
        parts += [] if gap is None else [f"{points(gap)} more {what}"]
    return ", ".join(parts)


def points(gap: Interval) -> str:
    """A difference of shares in percentage points: "43 (35 to 51) points"."""
    return f"{100 * gap.value:.0f} ({100 * gap.low:.0f} to {100 * gap.high:.0f}) points"


def _everywhere(found: Confounder, label: str) -> list[str]:
    """Whether it belongs to the disease or to a place, as far as that can be told."""
    entries = []
    if found.known:
        entries.append(f"It is a known {found.known} of {label}, by the table of known correlates.")
    if found.kind == "attribute" and is_technique(found.name.split(": ")[0]):
        return [*entries, "Where and how an image is made is no part of a disease."]
    if not found.across:
        return [
            *entries,
            "No two sites, scanners or months have enough patients of both truths: whether it belongs to the disease "
            "or to the place cannot be told.",
        ]
    return [*entries, *(told_across(one) for one in found.across)]


def told_across(one: Across) -> str:
    """Whether a thing goes with the label alike in all groups of an attribute, with what was tested."""
    groups: Sequence = sorted(one.groups, key=lambda group: -group.d.value)
    if len(groups) > FEW_GROUPS:
        groups = (groups[0], groups[-1])
    by_group = ", ".join(f"{group.d.value:+.2f} at {group.name}" for group in groups)
    said = f"d {by_group}{f' of {len(one.groups)}' if len(one.groups) > FEW_GROUPS else ''}; p of a difference "
    said += f"{small(one.p)}, I\u00b2 {100 * one.i2:.0f} %"
    if one.told == "differs":
        return (
            f"It does not go with the label at every {one.by} alike ({said}): it belongs to the {one.by}, not to the "
            "disease."
        )
    if one.told == "alike":
        return (
            f"It goes with the label at every {one.by} alike ({said}; no difference above {one.hidden:.2f} could "
            "hide): may be biology or treatment."
        )
    return (
        f"Whether it goes with the label at every {one.by} alike cannot be told ({said}; a difference of "
        f"{one.hidden:.2f} could hide)."
    )


def called_in_general(families: Iterable[Family]) -> list[str]:
    """How large a thing has to be to be called, in a sentence a kind."""
    found = []
    for family in families:
        reach = family.least_called()
        if reach is None:
            continue
        if reach[0] >= 1:
            found.append(
                f"by {BY[family.kind]} hardly anything can be called: concepts differ too much among themselves"
            )
            continue
        sizes = f"r is {reach[0]:.2f} and d {reach[1]:.2f}"
        if family.kind == "image":
            sizes = f"own part lies so far from the middle of all concepts: r {reach[0]:.2f} and d {reach[1]:.2f}"
        found.append(f"by {BY[family.kind]} a thing is called a confounder 8 times in 10 if its {sizes}")
    return found


def signed(estimate: Estimate) -> str:
    """An estimate with its interval: "+0.23 (0.12 to 0.34)"."""
    return str(estimate)


def usual(estimate: Estimate) -> str:
    """What is tested of a score, where it is one: "; its own part +0.31, of concepts in general +0.02"."""
    if estimate.own is None:
        return ""
    return f"; its own part {estimate.own:+.2f}, of concepts in general {estimate.usual:+.2f}"


def in_general(found: Iterable[Confounder]) -> str:
    """What the rows that are measured by scores are held against, in a sentence; "" if there are none such."""
    one = next((row for row in found if row.leans.own is not None), None)
    if one is None:
        return ""
    return (
        f"own parts of concepts in general have r {one.leans.usual:+.2f} and d {one.goes_with.usual:+.2f} here: by "
        "images, q is of the distance of a concept's own part from that"
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
