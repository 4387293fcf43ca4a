"""Calibration: whether scores are what they say, by label."""

from __future__ import annotations

from encoder.audit.page.charts.reliability import reliability_chart
from encoder.audit.page.numbers import between, count, share, with_interval
from encoder.audit.page.views import Chart, Table
from encoder.audit.report.report_data import Calibration, ReportData


def calibration(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    cells = [(one.label, with_interval(one.ece, one.ece_interval), share(one.brier)) for one in data.calibration]
    columns = ("label", "ECE (95%)", "Brier score")
    return {
        "table": Table("Calibration by label", columns, cells) if cells else None,
        "labels": [(one.label, _chart(number, one)) for number, one in enumerate(data.calibration)],
        "notes": data.notes_of("calibration"),
    }


def _chart(number: int, found: Calibration) -> Chart:
    rows = [
        (str(at), share(one.score), share(one.share), between(one.low, one.high), count(one.n))
        for at, one in enumerate(found.bins, start=1)
    ]
    columns = ("bin", "mean score", "share positive", "95%", "n")
    numbers = Table(f"{found.label}: reliability", columns, rows)
    drawn = reliability_chart(f"reliability-{number}", f"{found.label}: reliability", found.bins)
    return Chart(drawn, f"Reliability of {found.label}.", numbers)
