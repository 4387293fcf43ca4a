"""Confounders by label: the ranked table, what it means in words, and ROC curves with and without the first few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from encoder.audit.confounders.result import Confounder, ConfounderAudit, Estimate
from encoder.audit.confounders.sentences import conclusion, in_general, tell
from encoder.audit.page.charts.curves import Line, roc_chart
from encoder.audit.page.numbers import NONE, between, chance, count, share, signed, signed_interval
from encoder.audit.page.views import Cell, Chart, Table
from encoder.audit.report.report_data import ReportData
from kb.statistics.ranking import Ranking

MOST_ROWS, MOST_CURVES = 8, 3
RATES = (0.05, 0.1, 0.2, 0.4)
LIKELY = 0.5
"""A q from which on a row that was not called says nothing, and is folded."""

KINDS = {"report": "stated by reports", "image": "score in the image", "attribute": "attribute"}
TESTED = {"report": "findings that reports state", "image": "concepts by their scores", "attribute": "attributes"}
NOT_ESTABLISHED = "not established"
COLUMNS = (
    "what",
    "verdict",
    "n with it",
    "leans, r (95%)",
    "effect in the logit",
    "q of r",
    "goes with it, d (95%)",
    "q of both",
    "with it",
    "without it",
    "against it (95%)",
    "erased",
)


def confounders(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    return {
        "labels": [confounders_of_label(number, audit) for number, audit in enumerate(data.confounders)],
        "notes": data.notes_of("confounders"),
    }


def confounders_of_label(number: int, audit: ConfounderAudit) -> dict[str, object]:
    """What is shown of one label: rows that were called, and folded those of which nothing could be shown."""
    telling = [one for one in audit.found if one.verdict or one.q < LIKELY]
    shown = telling[:MOST_ROWS]
    rest = [one for one in audit.found if one not in shown]
    curves, undrawn = _curves(number, audit)
    return {
        "id": f"confounders-{number}",
        "label": audit.label,
        "conclusion": [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in conclusion(audit)],
        "told": [(one.name, tell(one, audit.label)) for one in _told(audit)],
        "table": _table(audit, shown) if shown else None,
        "rest": _table(audit, rest[:MOST_ROWS]) if rest else None,
        "rest_title": _rest_title(rest),
        "curves": curves,
        "notes": [*_counts(audit), *undrawn, *audit.notes],
    }


def _rest_title(rest: Sequence[Confounder]) -> str:
    what = "rows" if any(one.verdict for one in rest) else "of which nothing could be shown"
    first = f", the first {MOST_ROWS}" if len(rest) > MOST_ROWS else ""
    return f"{count(len(rest))} more {what}{first}"


def _told(audit: ConfounderAudit) -> list[Confounder]:
    """The rows that are told in sentences: all that may be wrong."""
    return [one for one in audit.found[:MOST_ROWS] if one.verdict in ("confounder", "harmful lean", "correlate")]


def _counts(audit: ConfounderAudit) -> list[str]:
    tested = ", ".join(f"{count(number)} {TESTED.get(kind, kind)}" for kind, number in audit.tested.items())
    entries = [
        f"{count(audit.n)} rows, {count(audit.positives)} positive, {count(audit.patients)} patients; labels of "
        f"{audit.source}; split: {audit.split}; AUROC {share(audit.auroc)}",
        f"tested: {tested or 'nothing'}; what counts as the disease itself: {', '.join(audit.disease) or 'nothing'}",
    ]
    if general := in_general(audit.found):
        entries.append(general)
    return entries + ([f"compared with {audit.against}"] if audit.against else [])


def _table(audit: ConfounderAudit, shown: Sequence[Confounder]) -> Table:
    caption = f"What the model may lean on for {audit.label}, by verdict, then by harm"
    return Table(caption, COLUMNS, [_row(one) for one in shown], texts=(1,))


def _row(one: Confounder) -> list[str | Cell]:
    strata: Any = one.strata
    against = None if one.harm is None else one.harm.against
    interval = "" if against is None else between(against.low, against.high)
    aurocs = {
        name: NONE if strata is None else share(getattr(strata, name))
        for name in ("auroc_present", "auroc_absent", "auroc_against", "erased", "erased_against")
    }
    return [
        Cell(one.name, KINDS.get(one.kind, one.kind)),
        Cell(one.verdict or NOT_ESTABLISHED, strong=one.verdict in ("confounder", "harmful lean")),
        NONE if strata is None else f"{count(strata.present)} of {count(strata.present + strata.absent)}",
        _estimate(one.leans),
        _estimate(one.effect),
        chance(one.leans.q),
        _estimate(one.goes_with),
        chance(one.q),
        aurocs["auroc_present"],
        aurocs["auroc_absent"],
        Cell(aurocs["auroc_against"], interval),
        Cell(aurocs["erased"], "" if strata is None else f"{aurocs['erased_against']} against it"),
    ]


def _estimate(found: Estimate) -> Cell:
    return Cell(signed(found.value), signed_interval(found.low, found.high))


def _curves(number: int, audit: ConfounderAudit) -> tuple[list[Chart], list[str]]:
    """ROC curves of the first few that are called, where their scores are at hand; and of which there are none."""
    present = audit.scores.get("present", {})
    wanted = [one for one in _told(audit) if one.name in present][:MOST_CURVES]
    made, missing = [], []
    for at, one in enumerate(wanted):
        lines = _lines(audit, one)
        if lines:
            made.append(_chart(f"confounder-{number}-{at}", audit, one, lines))
        else:
            missing.append(f"{one.name}: no stratum has rows of both truths, so no curve can be drawn")
    return made, missing


def _lines(audit: ConfounderAudit, one: Confounder) -> list[Line]:
    """The ROC curves of all rows, of those with it and of those without, where there are both truths."""
    truth, logit = audit.scores["truth"], audit.scores["logit"]
    there = np.asarray(audit.scores["present"][one.name], dtype=bool)
    high = one.kind == "image"
    parts = [
        ("all rows", np.ones(len(truth), dtype=bool)),
        ("its score is high" if high else "with it", there),
        ("its score is low" if high else "without it", ~there),
    ]
    return [line for said, chosen in parts if (line := _line(said, truth[chosen], logit[chosen])) is not None]


def _chart(name: str, audit: ConfounderAudit, one: Confounder, lines: Sequence[Line]) -> Chart:
    rows = [(line.name, share(line.area), *(share(_sensitivity_at(line, rate)) for rate in RATES)) for line in lines]
    columns = ("rows", "AUROC", *(f"at {rate}" for rate in RATES))
    numbers = Table(f"{one.name}: AUROC, and sensitivity at false positive rates", columns, rows)
    drawn = roc_chart(name, f"{audit.label}: ROC curves with and without {one.name}", lines)
    caption = f"{audit.label}, with and without {one.name}.{_errors(one)}"
    points = [
        {"rows": line.name, "false_positive_rate": x, "sensitivity": y}
        for line in lines
        for x, y in zip(line.x, line.y, strict=True)
    ]
    return Chart(drawn, caption, numbers, name=name, points=points)


def _errors(one: Confounder) -> str:
    """What is wrong with it and without it, in a sentence."""
    if one.strata is None:
        return ""
    rates, high = one.strata.errors, one.kind == "image"
    there, gone = ("where its score is high", "where it is low") if high else ("with it", "without it")
    return (
        f" At the cut of the highest Youden index, {share(rates.false_positives_present)} of the negatives {there} are "
        f"called positive, and {share(rates.false_positives_absent)} {gone}; {share(rates.false_negatives_present)} of "
        f"the positives {there} are missed, and {share(rates.false_negatives_absent)} {gone}."
    )


def _line(said: str, truth: Any, logit: Any) -> Line | None:
    """The ROC curve of some rows; None if they are all of one truth."""
    if not truth.any() or truth.all():
        return None
    ranking = Ranking(truth, logit)
    curve = ranking.curve()
    rates, sensitivity = curve.false_positive_rate.tolist(), curve.sensitivity.tolist()
    return Line(f"{said} (n {count(len(truth))})", ranking.auroc, rates, sensitivity)


def _sensitivity_at(line: Line, rate: float) -> float:
    """The best sensitivity at no more than this false positive rate."""
    return max((y for x, y in zip(line.x, line.y, strict=True) if x <= rate), default=0.0)
