"""Calibration: whether scores are what they say, by label."""

from __future__ import annotations

from encoder.audit.page.charts.reliability import reliability_chart
from encoder.audit.page.numbers import NONE, between, count, share, signed
from encoder.audit.page.views import Cell, Chart, Table
from encoder.audit.points import bin_points
from encoder.audit.report.report_data import Calibration, ReportData
from encoder.evaluation.evaluation import CALIBRATION, Scored
from kb.statistics.p_values import told_p

COLUMNS = (
    "label",
    "ECE",
    "p",
    "ECE beyond chance (95%)",
    "slope (95%)",
    "intercept (95%)",
    "truth less score (95%)",
    "Brier score",
)
SIGNED = {"calibration_intercept", "observed_less_expected"}


def calibration(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    scored = [data.evaluation.get(data.run, one.label) for one in data.calibration]
    rows = [calibration_row(one, one.label) for one in scored]
    return {
        "table": Table("Calibration by label", COLUMNS, rows) if rows else None,
        "labels": [
            (one.label, reliability(f"reliability-{number}", data.run, one))
            for number, one in enumerate(data.calibration)
        ],
        "notes": data.notes_of("calibration"),
    }


def calibration_row(row: Scored, name: str) -> list[str | Cell]:
    """The figures of one run on one label, headed by `name`; where there is none, the reason stands beneath."""
    ece = Cell(share(row.values.get("ece")), f"{share(row.values.get('ece_by_chance'))} by chance")
    p = told_p(row.ece_p, is_floor=row.ece_p_is_floor) or NONE
    return [name, ece, p, *(_cell(row, name) for name in CALIBRATION), share(row.values.get("brier"))]


def _cell(row: Scored, name: str) -> Cell:
    value = row.values.get(name)
    low, high = row.intervals.get(name) or (None, None)
    if value is None:
        return Cell(NONE, row.without.get(name, ""))
    written = signed if name in SIGNED else share
    interval = "" if low is None or high is None else f"{written(low)} to {written(high)}"
    return Cell(written(value), interval)


def reliability(name: str, run: str, found: Calibration) -> Chart:
    """The reliability of one run on one label; ids begin with `name`."""
    rows = [
        (str(at), share(one.score), share(one.share), between(one.low, one.high), count(one.n))
        for at, one in enumerate(found.bins, start=1)
    ]
    columns = ("bin", "mean score", "share positive", "95%", "n")
    numbers = Table(f"{found.label}: reliability", columns, rows)
    drawn = reliability_chart(name, f"{found.label}: reliability", found.bins)
    points = bin_points(run, found.bins)
    return Chart(drawn, f"Reliability of {found.label}.", numbers, name="reliability", points=points)
