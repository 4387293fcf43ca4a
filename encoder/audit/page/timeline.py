"""Timeline: performance, alerts and prevalence by period, and what changed since when."""

from __future__ import annotations

from encoder.audit.drift.result import DriftAudit
from encoder.audit.page.charts.timeline import Series, timeline_chart
from encoder.audit.page.numbers import NONE, count, with_interval
from encoder.audit.page.views import Chart, Table
from encoder.audit.report.report_data import ReportData
from kb.statistics.interval import Interval

DRAWN = {
    "auroc": ("AUROC", ("auroc",)),
    "errors": ("sensitivity and specificity", ("sensitivity", "specificity")),
    "alerts": ("alerts and prevalence", ("alerts", "prevalence")),
}
"""Charts: what each shows, in words and by the names of figures."""

NAMED = {"auroc": "AUROC"}
COLUMNS = ("period", "n", "positives", "prevalence", "alerts", "sensitivity", "specificity", "AUROC")


def timeline(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    return {
        "labels": [timeline_of_label(number, one) for number, one in enumerate(data.drift)],
        "notes": data.notes_of("timeline"),
    }


def timeline_of_label(number: int, found: DriftAudit) -> dict[str, object]:
    """What is shown of one label."""
    return {
        "id": f"timeline-{number}",
        "label": found.label,
        "sentences": found.sentences,
        "charts": [chart for name in DRAWN if (chart := _chart(f"timeline-{number}-{name}", name, found)) is not None],
        "table": _table(found),
        "notes": found.notes,
    }


def _chart(name: str, which: str, found: DriftAudit) -> Chart | None:
    said, figures = DRAWN[which]
    series = [
        Series(NAMED.get(figure, figure), values)
        for figure in figures
        if any(values := [getattr(one, figure) for one in found.timeline])
    ]
    if not series:
        return None
    periods = [one.period for one in found.timeline]
    since = found.since.since if found.since is not None else None
    drawn = timeline_chart(name, f"{found.label}: {said} over time", periods, series, since)
    points = [
        {"period": period, "figure": one.name, "value": known.value, "low": known.low, "high": known.high}
        for one in series
        for period, known in zip(periods, one.values, strict=True)
        if known is not None
    ]
    return Chart(drawn, f"{said[:1].upper()}{said[1:]} by {found.by}.", name=which, points=points)


def _table(found: DriftAudit) -> Table:
    rows = [
        (
            one.period,
            count(one.n),
            count(one.positives),
            *(_told(known) for known in (one.prevalence, one.alerts, one.sensitivity, one.specificity, one.auroc)),
        )
        for one in found.timeline
    ]
    return Table(f"{found.label} by {found.by}, with 95% intervals", COLUMNS, rows)


def _told(known: Interval | None) -> str:
    return NONE if known is None else with_interval(known.value, (known.low, known.high))
