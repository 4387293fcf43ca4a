"""Runs side by side: their areas on the same rows, how each differs, and their curves in one square."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.page.charts.curves import DRAWN, precision_chart, roc_chart
from encoder.audit.page.numbers import NONE, signed, signed_interval, with_interval
from encoder.audit.page.operating import lines_of
from encoder.audit.page.views import Cell, Chart, Table
from encoder.audit.points import precision_points, roc_points
from encoder.audit.report.report_data import Operating, ReportData
from encoder.evaluation import Evaluation
from encoder.evaluation.evaluation import Comparison, LeftOut, Scored
from kb.statistics.p_values import told_p


def runs(data: ReportData) -> dict[str, object]:
    """What the section shows; nothing where there is one run."""
    if data.beside is None:
        return {"labels": [], "notes": []}
    return {
        "labels": [
            {
                "id": f"runs-{number}",
                "label": one.label,
                "table": _table(one.label, data, data.beside),
                "charts": curves(
                    f"runs-{number}", [one, *(other for other in data.beside_operating if other.label == one.label)]
                ),
            }
            for number, one in enumerate(data.operating)
        ],
        "notes": [note for note in data.beside.notes if note not in data.evaluation.notes],
    }


def _table(label: str, data: ReportData, beside: Evaluation) -> Table:
    mine = [row for row in data.evaluation.rows if row.label == label]
    others = [row for row in beside.rows if row.label == label]
    compared = [one for one in beside.comparisons if one.label == label]
    return runs_table(label, [*mine, *others], compared, [one for one in beside.left_out if one.label == label])


def runs_table(
    label: str, scored: Sequence[Scored], comparisons: Sequence[Comparison], missing: Sequence[LeftOut] = ()
) -> Table:
    """The figures of runs on one label, each beside the first; of those that are missing the reason."""
    compared = {one.run: one for one in comparisons}
    rows = [_row(row, compared.get(row.run), first=number == 0) for number, row in enumerate(scored)]
    rows += [[Cell(one.run, one.reason), *[NONE] * 6] for one in missing]
    columns = (
        "run",
        "AUROC (95%)",
        "AUPRC (95%)",
        "sensitivity (95%)",
        "specificity (95%)",
        "AUROC less the first",
        "p",
    )
    return Table(f"{label}: runs side by side", columns, rows, name="figures")


def _row(row: Scored, compared: Comparison | None, *, first: bool) -> list[str | Cell]:
    areas = [with_interval(row.values.get(name), row.intervals.get(name)) for name in ("auroc", "auprc")]
    shares = [with_interval(row.values.get(name), row.intervals.get(name)) for name in ("sensitivity", "specificity")]
    if compared is None:
        return [Cell(row.run, strong=first), *areas, *shares, NONE, NONE]
    difference = Cell(signed(compared.difference), signed_interval(compared.low, compared.high))
    return [row.run, *areas, *shares, difference, told_p(compared.p, is_floor=compared.p_is_floor) or NONE]


def curves(name: str, found: Sequence[Operating]) -> list[Chart]:
    """The curves of the first few runs on one label; more cannot be told apart."""
    shown = found[: len(DRAWN)]
    mine = shown[0]
    lines = [lines_of(one, one.run) for one in shown]
    roc = roc_chart(f"{name}-roc", f"{mine.label}: ROC curves of {_and(shown)}", [roc for roc, _ in lines])
    precision = precision_chart(
        f"{name}-precision",
        f"{mine.label}: precision-recall curves of {_and(shown)}",
        [precision for _, precision in lines],
        mine.positives / mine.n,
    )
    return [
        Chart(
            roc, f"{mine.label}: ROC curves; rings are thresholds, numbers AUROC.", name="roc", points=roc_points(shown)
        ),
        Chart(
            precision,
            f"{mine.label}: precision-recall curves; numbers are AUPRC.",
            name="precision",
            points=precision_points(shown),
        ),
    ]


def _and(shown: Sequence[Operating]) -> str:
    return ", ".join(one.run for one in shown)
