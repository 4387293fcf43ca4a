"""Calibration: whether scores are what they say, by label."""

from __future__ import annotations

from encoder.audit.page.curves import reliability_figure
from encoder.audit.page.markup import Html, tag
from encoder.audit.page.numbers import between, count, share, with_interval
from encoder.audit.page.plot import figure
from encoder.audit.page.tables import folded, missing, notes, table
from encoder.audit.report.report_data import Calibration, ReportData


def calibration(data: ReportData) -> Html:
    """The section."""
    cells = [(one.label, with_interval(one.ece, one.ece_interval), share(one.brier)) for one in data.calibration]
    columns = ("label", "ECE (95%)", "Brier score")
    return tag(
        "section",
        tag("h2", "Calibration", id="calibration"),
        tag(
            "p",
            "The rows of a label are put in order of their score and cut into bins of equal size. ECE is how far the "
            "mean score of a bin lies from the share of positives in it, over all rows; 0 is best.",
        ),
        table("Calibration by label", columns, cells) if cells else missing("No label was scored."),
        tag("div", *(_one(number, one) for number, one in enumerate(data.calibration)), class_="grid"),
        notes(data.notes_of("calibration")),
        aria_labelledby="calibration",
    )


def _one(number: int, found: Calibration) -> Html:
    rows = [
        (str(at), share(one.score), share(one.share), between(one.low, one.high), count(one.n))
        for at, one in enumerate(found.bins, start=1)
    ]
    columns = ("bin", "mean score", "share positive", "95%", "n")
    numbers = folded("The numbers", table(f"{found.label}: reliability", columns, rows))
    drawing = reliability_figure(f"reliability-{number}", f"{found.label}: reliability", found.bins)
    return tag("div", tag("h3", found.label), figure(drawing, f"Reliability of {found.label}.", numbers))
