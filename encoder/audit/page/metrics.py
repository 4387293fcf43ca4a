"""Metrics by label: a chart of AUROC with its intervals, and the tables."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.page.charts.intervals import Dot, intervals_chart
from encoder.audit.page.numbers import NONE, count, known, share, with_interval
from encoder.audit.page.views import Chart, Table
from encoder.audit.report.report_data import ReportData
from encoder.evaluation import Evaluation
from encoder.evaluation.evaluation import MEAN, Scored


def metrics(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    rows = list(data.evaluation.rows)
    return {
        "chart": _chart(rows) if rows else None,
        "tables": _tables(rows),
        "left_out": _left_out(data.evaluation),
        "notes": [*data.evaluation.notes, *data.notes_of("metrics")],
        "external": None
        if data.external is None
        else {"tables": _tables(list(data.external.rows)), "notes": data.external.notes},
    }


def name_of(row: Scored) -> str:
    """The label of a row as a reader knows it: how many labels a mean is of, and what stands apart from it."""
    name = f"{row.label} ({row.labels})" if row.label == MEAN else row.label
    return name if row.in_mean else f"{name} (apart)"


def _chart(rows: Sequence[Scored]) -> Chart:
    dots = [
        Dot(name_of(row), value, *(row.intervals.get("auroc") or (None, None)))
        for row in rows
        if (value := row.values.get("auroc")) is not None
    ]
    drawn = intervals_chart("metrics-auroc", "AUROC by label", dots)
    return Chart(drawn, "AUROC by label, with 95% intervals. Its numbers stand in a table, too.")


def _tables(rows: Sequence[Scored]) -> list[Table]:
    return [_ranked(rows), _called(rows)] if rows else []


def _ranked(rows: Sequence[Scored]) -> Table:
    unknown = any(row.unknown for row in rows)
    cells = [
        (
            name_of(row),
            count(row.n),
            count(row.positives),
            *([count(row.unknown)] if unknown else []),
            count(row.patients),
            *(with_interval(row.values.get(name), row.intervals.get(name)) for name in ("auroc", "auprc")),
        )
        for row in rows
    ]
    counted = ("n", "positives", *(["unknown"] if unknown else []), "patients")
    return Table("How well each label is ranked", ("label", *counted, "AUROC (95%)", "AUPRC (95%)"), cells)


def _called(rows: Sequence[Scored]) -> Table:
    cells = [
        (
            name_of(row),
            count(row.n),
            share(row.threshold) if known(row.threshold) else NONE,
            row.threshold_from or NONE,
            *(
                with_interval(row.values.get(name), row.intervals.get(name))
                for name in ("sensitivity", "specificity", "f1", "mcc")
            ),
        )
        for row in rows
    ]
    figures = ("sensitivity (95%)", "specificity (95%)", "F1 (95%)", "MCC (95%)")
    return Table("At a threshold", ("label", "n", "threshold", "chosen on", *figures), cells, texts=(3,))


def _left_out(evaluation: Evaluation) -> Table | None:
    left = [
        (one.label, count(one.n), count(one.positives), count(one.negatives), one.reason) for one in evaluation.left_out
    ]
    columns = ("label", "n", "positives", "negatives", "why")
    return Table("Labels that were not scored", columns, left, texts=(4,)) if left else None
