"""Metrics by label: a figure of AUROC with its intervals, and the tables."""

from __future__ import annotations

from encoder.audit.page.intervals import Dot, intervals_figure
from encoder.audit.page.markup import Html, tag
from encoder.audit.page.numbers import NONE, count, known, share, with_interval
from encoder.audit.page.plot import figure
from encoder.audit.page.tables import missing, notes, table
from encoder.audit.report.report_data import ReportData
from encoder.evaluation.evaluation import MEAN, Scored


def metrics(data: ReportData) -> Html:
    """The section."""
    rows = list(data.evaluation.rows)
    parts: list[object] = [missing("No label could be scored: what was left out, and why, stands below.")]
    if rows:
        parts = [tag("div", _figure(rows), _ranked(rows), class_="pair"), _called(rows)]
    left = [
        (one.label, count(one.n), count(one.positives), count(one.negatives), one.reason)
        for one in data.evaluation.left_out
    ]
    return tag(
        "section",
        tag("h2", "Metrics by label", id="metrics"),
        *parts,
        table("Labels that were not scored", ("label", "n", "positives", "negatives", "why"), left, texts=(4,))
        if left
        else None,
        notes([*data.evaluation.notes, *data.notes_of("metrics")]),
        *_external(data),
        aria_labelledby="metrics",
    )


def _external(data: ReportData) -> list[Html | None]:
    """The figures of external rows, apart from all others."""
    if data.external is None:
        return []
    rows = list(data.external.rows)
    shown = [_ranked(rows), _called(rows)] if rows else [missing("No label could be scored on the external rows.")]
    return [tag("h3", "External rows"), *shown, notes(data.external.notes)]


def _figure(rows: list[Scored]) -> Html:
    dots = [
        Dot(_label(row), value, *(row.intervals.get("auroc") or (None, None)))
        for row in rows
        if (value := row.values.get("auroc")) is not None
    ]
    drawing = intervals_figure("metrics-auroc", "AUROC by label", dots)
    return figure(drawing, "AUROC by label, with 95% intervals. Its numbers stand in a table, too.")


def _label(row: Scored) -> str:
    name = f"{row.label} ({row.labels})" if row.label == MEAN else row.label
    return name if row.in_mean else f"{name} (apart)"


def _ranked(rows: list[Scored]) -> Html:
    unknown = any(row.unknown for row in rows)
    cells = [
        (
            _label(row),
            count(row.n),
            count(row.positives),
            *([count(row.unknown)] if unknown else []),
            count(row.patients),
            *(with_interval(row.values.get(name), row.intervals.get(name)) for name in ("auroc", "auprc")),
        )
        for row in rows
    ]
    counted = ("n", "positives", *(["unknown"] if unknown else []), "patients")
    return table("How well each label is ranked", ("label", *counted, "AUROC (95%)", "AUPRC (95%)"), cells)


def _called(rows: list[Scored]) -> Html:
    cells = [
        (
            _label(row),
            count(row.n),
            share(row.threshold) if known(row.threshold) else NONE,
            row.threshold_from or NONE,
            *(share(row.values.get(name)) for name in ("sensitivity", "specificity")),
            *(with_interval(row.values.get(name), row.intervals.get(name)) for name in ("f1", "mcc")),
        )
        for row in rows
    ]
    columns = ("label", "n", "threshold", "chosen on", "sensitivity", "specificity", "F1 (95%)", "MCC (95%)")
    return table("At a threshold", columns, cells, texts=(3,))
