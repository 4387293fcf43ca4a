"""What a label is at its threshold: ROC and precision-recall curves, scores by truth, and counts of 100."""

from __future__ import annotations

from encoder.audit.page.charts.curves import Line, precision_chart, roc_chart
from encoder.audit.page.charts.histogram import histogram_chart
from encoder.audit.page.numbers import NONE, count, hundred, share, with_interval
from encoder.audit.page.views import Cell, Chart, Table
from encoder.audit.points import precision_points, roc_points, score_points
from encoder.audit.report.report_data import Operating, ReportData
from encoder.evaluation.confusion import Confusion

ORIGINS = {
    "given": "given with the run",
    "validation": "chosen on validation rows, which are not judged by it",
    "cross-fitted": "the middle of five: each fifth of the patients is judged by what the others choose",
    "fixed": "as asked for",
}
"""Where a threshold comes from, in words."""


def operating(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    return {
        "labels": [_one(number, one) for number, one in enumerate(data.operating)],
        "notes": data.notes_of("operating"),
    }


def _one(number: int, found: Operating) -> dict[str, object]:
    name = f"operating-{number}"
    return {
        "id": name,
        "label": found.label,
        "sentence": in_words(found),
        "tables": confusion_tables(found),
        "charts": _charts(name, found),
    }


def _charts(name: str, found: Operating) -> list[Chart]:
    roc, precision = lines_of(found, found.label)
    rate = found.positives / found.n
    return [
        Chart(
            roc_chart(f"{name}-roc", f"{found.label}: ROC curve", [roc]),
            "ROC curve; the ring is the threshold." if roc.point else "ROC curve.",
            name="roc",
            points=roc_points([found]),
        ),
        Chart(
            precision_chart(f"{name}-precision", f"{found.label}: precision-recall curve", [precision], rate),
            f"Precision-recall curve; the dashed line is what calling everything positive has ({share(rate)}).",
            name="precision",
            points=precision_points([found]),
        ),
        scores_chart(name, found),
    ]


def scores_chart(name: str, found: Operating) -> Chart:
    """The scores of both truths; ids begin with `name`."""
    drawn = histogram_chart(f"{name}-scores", f"{found.label}: scores by truth", found.scores, found.threshold)
    caption = "Scores by truth, each as shares of its own rows."
    return Chart(drawn, caption, name="scores", points=score_points([found]))


def lines_of(found: Operating, name: str) -> tuple[Line, Line]:
    """The ROC and the precision-recall curve, with the point that the threshold makes."""
    at: tuple[float, float] | None = None
    precise: tuple[float, float] | None = None
    counts = found.confusion
    if counts is not None and counts.sensitivity is not None:
        sensitivity = counts.sensitivity.value
        at = (1 - counts.specificity.value, sensitivity) if counts.specificity is not None else None
        precise = (sensitivity, counts.ppv.value) if counts.ppv is not None else None
    return (
        Line(name, found.auroc, found.roc.x, found.roc.y, at),
        Line(name, found.auprc, found.precision.x, found.precision.y, precise),
    )


def in_words(found: Operating) -> str:
    """What the threshold does to 100 cases, as a clinician reads it."""
    counts = found.confusion
    if counts is None or not counts.n:
        return "No threshold was chosen, so nothing is called positive or negative."
    alerts, right, wrong = (
        hundred(100 * value / counts.n) for value in (counts.called, counts.true_positives, counts.false_positives)
    )
    told = f"Of 100 such {found.unit}, {alerts} raise an alert: {right} rightly, {wrong} falsely."
    if not counts.positives:
        return told
    return f"{told} Of 100 that have it, {hundred(100 * counts.false_negatives / counts.positives)} are missed."


def confusion_tables(found: Operating) -> list[Table]:
    """The confusion at the threshold, and the shares that are made of it; none without a threshold."""
    return [_table(found, found.confusion), _shares(found, found.confusion)] if found.confusion else []


def _table(found: Operating, counts: Confusion) -> Table:
    """The confusion of the rows that are judged, as counts and of 100."""

    def cell(value: int) -> Cell:
        return Cell(count(value), f"{hundred(100 * value / counts.n)} of 100")

    called, left = counts.called, counts.n - counts.called
    rows: list[tuple[str | Cell, ...]] = [
        ("alert", cell(counts.true_positives), cell(counts.false_positives), cell(called)),
        ("no alert", cell(counts.false_negatives), cell(counts.true_negatives), cell(left)),
        ("all", cell(counts.positives), cell(counts.negatives), cell(counts.n)),
    ]
    caption = f"{found.label} at {share(found.threshold)} ({ORIGINS.get(found.threshold_from, found.threshold_from)})"
    return Table(caption, ("", "has it", "has it not", "all"), rows, name="confusion")


def _shares(found: Operating, counts: Confusion) -> Table:
    """The shares that are made of it, with their intervals."""
    shares = [
        ("sensitivity: called, of those that have it", counts.sensitivity),
        ("specificity: not called, of those that have it not", counts.specificity),
        ("PPV: have it, of the alerts", counts.ppv),
        ("NPV: have it not, of the others", counts.npv),
        ("alerts, of all", counts.alerts),
    ]
    rows = [(said, with_interval(one.value, (one.low, one.high)) if one else NONE) for said, one in shares]
    return Table(f"{found.label}: shares at the threshold", ("share", "value (95%)"), rows, name="confusion")
