"""What a label is at its threshold: ROC and precision-recall curves, scores by truth, and counts of 100."""

from __future__ import annotations

from encoder.audit.page.charts.curves import Line, precision_chart, roc_chart
from encoder.audit.page.charts.histogram import histogram_chart
from encoder.audit.page.numbers import count, hundred, share
from encoder.audit.page.views import Cell, Chart, Table
from encoder.audit.report.report_data import Operating, ReportData
from encoder.evaluation.evaluation import Confusion


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
        "table": _table(found, found.confusion) if found.confusion else None,
        "charts": _charts(name, found),
    }


def _charts(name: str, found: Operating) -> list[Chart]:
    roc, precision = lines_of(found, found.label)
    scores = histogram_chart(f"{name}-scores", f"{found.label}: scores by truth", found.scores, found.threshold)
    rate = found.positives / found.n
    return [
        Chart(
            roc_chart(f"{name}-roc", f"{found.label}: ROC curve", [roc]),
            "ROC curve; the ring is the threshold." if roc.point else "ROC curve.",
        ),
        Chart(
            precision_chart(f"{name}-precision", f"{found.label}: precision-recall curve", [precision], rate),
            f"Precision-recall curve; the dashed line is what calling everything positive has ({share(rate)}).",
        ),
        Chart(scores, "Scores by truth, each as shares of its own rows."),
    ]


def lines_of(found: Operating, name: str) -> tuple[Line, Line]:
    """The ROC and the precision-recall curve, with the point that the threshold makes."""
    counts = found.confusion
    at: tuple[float, float] | None = None
    precise: tuple[float, float] | None = None
    if counts is not None and counts.positives and counts.n > counts.positives:
        sensitivity = counts.true_positives / counts.positives
        at = (counts.false_positives / (counts.n - counts.positives), sensitivity)
        precise = (sensitivity, counts.true_positives / counts.called) if counts.called else None
    return (
        Line(name, found.auroc, found.roc.x, found.roc.y, at),
        Line(name, found.auprc, found.precision.x, found.precision.y, precise),
    )


def in_words(found: Operating) -> str:
    """What the threshold does to 100 cases, as a clinician reads it."""
    counts = found.confusion
    if counts is None or not counts.n:
        return "No threshold was chosen, so nothing is called positive or negative."
    of = 100 / counts.n
    return (
        f"Of 100 such {found.unit}, {hundred(of * counts.called)} raise an alert: {hundred(of * counts.true_positives)} "
        f"rightly, {hundred(of * counts.false_positives)} falsely. Of the {hundred(of * counts.positives)} that have it, "
        f"{hundred(of * counts.false_negatives)} are missed."
    )


def _table(found: Operating, counts: Confusion) -> Table:
    """The confusion of the rows that are judged, as counts and of 100."""

    def cell(value: int) -> Cell:
        return Cell(count(value), f"{hundred(100 * value / counts.n)} of 100")

    called, left = counts.called, counts.n - counts.called
    negatives = counts.n - counts.positives
    rows: list[tuple[str | Cell, ...]] = [
        ("alert", cell(counts.true_positives), cell(counts.false_positives), cell(called)),
        ("no alert", cell(counts.false_negatives), cell(counts.true_negatives), cell(left)),
        ("all", cell(counts.positives), cell(negatives), cell(counts.n)),
    ]
    caption = f"{found.label} at {share(found.threshold)} (chosen on: {found.threshold_from})"
    return Table(caption, ("", "has it", "has it not", "all"), rows)
