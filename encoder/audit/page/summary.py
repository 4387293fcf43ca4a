"""The summary: what was looked at and what was found, in plain sentences, before any figure."""

from __future__ import annotations

from collections.abc import Iterator

from encoder.audit.confounders.result import Confounder, ConfounderAudit, Estimate
from encoder.audit.page.card import card
from encoder.audit.page.flags import flags
from encoder.audit.page.numbers import between, count, known, share, signed, with_interval
from encoder.audit.page.operating import in_words
from encoder.audit.page.views import Said
from encoder.audit.report.report_data import Operating, ReportData
from encoder.audit.slices.result import Slice, Slices
from encoder.evaluation.evaluation import MEAN, Scored

MOST_LEFT = 8
"""Labels that were not scored of which the summary speaks one by one."""


def summary(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    entries = [*_what(data), *_ranking(data), *_confounding(data), _subgroups(data), _slices(data)]
    return {
        "flags": flags(data.flags),
        "glance": [_glance(one, data) for one in data.operating],
        "entries": [one for one in entries if one is not None],
        "card": card(data.card),
        "untold": _unsaid(data),
    }


def _glance(found: Operating, data: ReportData) -> dict[str, str]:
    """One label at one look: how well it is ranked, and what its threshold does to 100 cases."""
    interval = data.evaluation.get(data.run, found.label).intervals.get("auroc")
    return {"label": found.label, "auroc": with_interval(found.auroc, interval), "sentence": in_words(found)}


def _what(data: ReportData) -> Iterator[Said]:
    rows = [row for row in data.evaluation.rows if row.n is not None]
    n = max((row.n or 0 for row in rows), default=0)
    patients = max((row.patients or 0 for row in rows), default=0)
    whole = {"all": "all rows", "internal": "all rows that are not external"}
    split = whole.get(data.evaluation.split, f"the {data.evaluation.split} split")
    of = f"{count(n)} images or studies of {count(patients)} patients" if rows else "no row"
    yield Said("Run ", data.run, f" ({data.method}) was judged on {of}, {split}, by {data.source}.")


def _ranking(data: ReportData) -> Iterator[Said]:
    rows = [row for row in data.evaluation.rows if row.in_mean and row.label != MEAN and known(row.values.get("auroc"))]
    mean = next((row for row in data.evaluation.rows if row.label == MEAN), None)
    if mean is not None:
        stated = with_interval(mean.values.get("auroc"), mean.intervals.get("auroc"))
        yield Said(f"Mean AUROC over {mean.labels} labels: ", stated, ".")
    if rows:
        lowest = min(rows, key=_auroc)
        stated = with_interval(lowest.values.get("auroc"), lowest.intervals.get("auroc"))
        which = f"The lowest is {lowest.label}" if len(rows) > 1 else f"AUROC for {lowest.label}"
        yield Said(f"{which}: {stated}.")


def _auroc(row: Scored) -> float:
    value = row.values.get("auroc")
    return 1.0 if value is None else value


def _confounding(data: ReportData) -> Iterator[Said]:
    clear: list[str] = []
    for audit in sorted(
        data.confounders, key=lambda audit: -max((one.weight for one in audit.confounders), default=0.0)
    ):
        if not audit.confounders:
            clear.append(audit.label)
        for number, one in enumerate(audit.confounders[:2]):
            yield _confounder(audit, one, first=number == 0)
        if (more := len(audit.confounders) - 2) > 0:
            yield Said(f"{count(more)} more are called for {audit.label}: see the table.")
    for audit in data.confounders:
        leaned = [one for one in audit.found if one.verdict == "leaned on"]
        if leaned and not audit.confounders:
            yield _leaned_on(audit, leaned[0], len(leaned) - 1)
    if clear:
        yield Said(f"No confounder was called for {', '.join(clear)}.")


def _leaned_on(audit: ConfounderAudit, one: Confounder, more: int) -> Said:
    """What is leaned on most if nothing is called: it may well be what goes wrong."""
    r = f"{signed(one.leans.value)}{_usual(one.leans)}"
    words = f" (r {r}), which goes with the label in no way that could be shown here."
    strata = one.strata
    if strata is not None and strata.errors.false_positives_present is not None:
        words += (
            f" False alarms: {share(strata.errors.false_positives_present)} with it, "
            f"{share(strata.errors.false_positives_absent)} without it."
        )
    others = f" And on {count(more)} more: see the table." if more else ""
    return Said("", f"{audit.label}: the model leans on {one.name}", words + others)


def _usual(estimate: Estimate) -> str:
    """What an estimate is held against, where that is not 0."""
    return f"; concepts in general {signed(estimate.usual)}" if estimate.usual else ""


def _confounder(audit: ConfounderAudit, one: Confounder, *, first: bool) -> Said:
    per = "for one standard deviation of its score" if one.kind == "image" else "with it than without it"
    more = "higher" if one.effect.value >= 0 else "lower"
    goes = "more" if one.goes_with.value >= 0 else "less"
    entries = [
        f" At equal truth the logit is {signed(abs(one.effect.value)).lstrip('+')} {more} {per}{_usual(one.effect)}, "
        f"and positives have {goes} of it (d {signed(one.goes_with.value)}{_usual(one.goes_with)}, q {_q(one.q)}).",
    ]
    strata = one.strata
    if strata is not None:
        entries.append(f" AUROC {share(strata.auroc)} over all")
        if strata.auroc_against is not None:
            entries.append(f", {share(strata.auroc_against)} where it speaks against the truth")
        if strata.erased is not None:
            entries.append(f", {share(strata.erased)} once it is erased")
        if strata.erased_against is not None:
            entries.append(f" ({share(strata.erased_against)} where it spoke against the truth)")
        entries.append(".")
    return Said("", f"{audit.label}: {'' if first else 'also '}the model leans on {one.name}.", "".join(entries))


def _q(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def _subgroups(data: ReportData) -> Said | None:
    """The group that lies furthest under all rows of its label, where its whole interval does."""
    if not _has_groups(data):
        return None
    under = [
        (label.auroc - group.auroc, label, group)
        for label in data.subgroups
        for group in label.groups
        if label.auroc is not None and group.auroc is not None and group.high is not None and group.high < label.auroc
    ]
    if not under:
        return Said("In no subgroup does the whole interval lie under the AUROC of all rows.")
    _, label, group = max(under, key=lambda one: one[0])
    return Said(
        f"The weakest subgroup: {label.label}, {group.by} {group.value}, AUROC {share(group.auroc)} "
        f"({between(group.low, group.high)}) against {share(label.auroc)} over all."
    )


def _slices(data: ReportData) -> Said | None:
    """The weakest slice of all labels: a low one before any other."""
    found = [(weak, slices) for slices in data.slices if (weak := weak_slice(slices)) is not None]
    if not found:
        judged = any(one.auroc is not None for slices in data.slices for one in slices.slices)
        return Said("In no slice does the AUROC lie under that of all rows.") if judged else None
    worst, slices = min(found, key=lambda pair: (pair[0].verdict != "low", pair[0].auroc or 0.0))
    held = ", ".join(concept.text for concept in worst.concepts[:3])
    low = "the whole interval lies under that of the other slices" if worst.verdict == "low" else "not surely low"
    return Said(
        f"The worst slice: number {worst.number} of {slices.label}, {count(worst.n)} rows, AUROC "
        f"{share(worst.auroc)} ({between(worst.auroc_low, worst.auroc_high)}) against {share(slices.auroc)} over "
        f"all ({low}){'; told apart by ' + held if held else ''}."
    )


def weak_slice(slices: Slices) -> Slice | None:
    """The slice of the lowest AUROC, low ones first; None if none lies under all rows."""
    weak = [one for one in slices.slices if one.auroc is not None and one.auroc < slices.auroc]
    return min(weak, key=lambda one: (one.verdict != "low", one.auroc or 0.0)) if weak else None


def _has_groups(data: ReportData) -> bool:
    return any(group.auroc is not None for label in data.subgroups for group in label.groups)


def _unsaid(data: ReportData) -> list[str]:
    """What is missing, and why; what is said of every label in the same words is said once."""
    left = [f"{row.label} was not scored: {row.reason}" for row in data.evaluation.left_out]
    if len(left) > MOST_LEFT:
        left[MOST_LEFT:] = [f"{len(left) - MOST_LEFT:,} more labels were not scored: see the table of metrics"]
    groups = [note for label in data.subgroups for note in label.notes]
    if data.subgroups and not _has_groups(data):
        words = "; ".join(dict.fromkeys(groups)) or "no group has enough positives and negatives"
        left.append(f"nothing can be said of subgroups: {words}")
    return list(dict.fromkeys([*left, *(note for notes in data.notes.values() for note in notes)]))
