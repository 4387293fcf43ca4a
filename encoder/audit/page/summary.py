"""The summary: what was looked at and what was found, in plain sentences, before any figure."""

from __future__ import annotations

from collections.abc import Iterator

from encoder.audit.confounders.result import VERDICTS, ConfounderAudit
from encoder.audit.confounders.sentences import conclusion
from encoder.audit.page.card import card
from encoder.audit.page.flags import flags
from encoder.audit.page.numbers import between, count, known, share, with_interval
from encoder.audit.page.operating import in_words
from encoder.audit.page.segments import weakest
from encoder.audit.page.views import Said
from encoder.audit.report.report_data import Operating, ReportData
from encoder.audit.segments.sentences import tell
from encoder.audit.slices.result import Slice, Slices
from encoder.evaluation.evaluation import MEAN, Scored

MOST_LEFT = 8
"""Labels that were not scored of which the summary speaks one by one."""


def summary(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    entries = [*_what(data), *_ranking(data), *_confounding(data), *_segments(data), *_drift(data), _slices(data)]
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
    """What was called of each label, the labels of the worst first; those of which nothing was, in one sentence."""
    clear: list[str] = []
    for audit in sorted(data.confounders, key=_worst):
        if not any(one.verdict for one in audit.found):
            clear.append(audit.label)
            continue
        sentences = [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in conclusion(audit)]
        yield Said("", f"{audit.label}: ", " ".join(sentences))
    if clear:
        yield Said(f"Nothing that the model leans on was called for {', '.join(clear)}.")


def _worst(audit: ConfounderAudit) -> tuple[int, float]:
    """Where an audit stands: by its first row."""
    first = next(iter(audit.found), None)
    if first is None:
        return len(VERDICTS), 0.0
    return VERDICTS.index(first.verdict), -(0.0 if first.harm is None else first.harm.size)


def _segments(data: ReportData) -> Iterator[Said]:
    """The most harmful segment of each label; where there is none, that there is none."""
    clear = []
    for found in data.segments:
        one = weakest(found)
        if one is None:
            clear.append(found.label)
        else:
            more = f" And {count(len(found.segments) - 1)} more." if len(found.segments) > 1 else ""
            yield Said("", f"{found.label} fails in a segment: {one.text}", f": {'. '.join(tell(one)[:2])}{more}")
    if clear:
        yield Said(f"No segment was found in which {', '.join(clear)} does worse than elsewhere.")


def _drift(data: ReportData) -> Iterator[Said]:
    """What changed over time, by label."""
    for found in data.drift:
        if found.drifted and found.sentences:
            yield Said("", f"{found.label} changed over time.", f" {found.sentences[0]}")
    if steady := [found.label for found in data.drift if not found.drifted]:
        yield Said(f"No change over time was shown for {', '.join(steady)}.")


def _slices(data: ReportData) -> Said | None:
    """The weakest slice of all labels: a low one before any other."""
    found = [(weak, slices) for slices in data.slices if (weak := weak_slice(slices)) is not None]
    if not found:
        judged = any(one.auroc is not None for slices in data.slices for one in slices.slices)
        return Said("In no slice does the AUROC lie under that of all rows.") if judged else None
    worst, slices = min(found, key=lambda pair: _harm(pair[0]))
    held = ", ".join(concept.text for concept in worst.concepts[:3])
    low = "surely worse than in the other slices" if worst.verdict == "low" else "not surely low"
    return Said(
        f"The worst slice: number {worst.number} of {slices.label}, {count(worst.n)} rows, "
        f"{'; '.join(_measured(worst, slices))} ({low}){'; told apart by ' + held if held else ''}."
    )


def _measured(one: Slice, slices: Slices) -> Iterator[str]:
    """The AUROC of a slice beside that of all, and its errors beside those elsewhere."""
    if one.auroc is not None:
        interval = between(one.auroc_low, one.auroc_high)
        yield f"AUROC {share(one.auroc)} ({interval}) against {share(slices.auroc)} over all"
    if one.here is not None and one.elsewhere is not None:
        for what, here, there in (
            ("false alarms", one.here.specificity, one.elsewhere.specificity),
            ("missed", one.here.sensitivity, one.elsewhere.sensitivity),
        ):
            if here is not None and there is not None:
                yield f"{what} {share(1 - here.value)} against {share(1 - there.value)} elsewhere"


def _harm(one: Slice) -> tuple[bool, float, float]:
    """What orders slices: low ones first, then by errors beyond those elsewhere, then by AUROC."""
    return one.verdict != "low", -(one.extra or 0.0), one.auroc if one.auroc is not None else 1.0


def weak_slice(slices: Slices) -> Slice | None:
    """The slice that does worst, low ones first; None if none is low by its errors, or ranks less well than all."""
    weak = [one for one in slices.slices if one.worse_in or (one.auroc is not None and one.auroc < slices.auroc)]
    return min(weak, key=_harm, default=None)


def _unsaid(data: ReportData) -> list[str]:
    """What is missing, and why; what is said of every label in the same words is said once."""
    left = [f"{row.label} was not scored: {row.reason}" for row in data.evaluation.left_out]
    if len(left) > MOST_LEFT:
        left[MOST_LEFT:] = [f"{len(left) - MOST_LEFT:,} more labels were not scored: see the table of metrics"]
    return list(dict.fromkeys([*left, *(note for notes in data.notes.values() for note in notes)]))
