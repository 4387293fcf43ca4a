"""Subgroups: a forest of AUROC by sex, age, view and site for each label."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.page.charts.intervals import Dot, intervals_chart
from encoder.audit.page.numbers import NONE, between, count, share, with_interval
from encoder.audit.page.views import Chart, Table
from encoder.audit.report.report_data import ReportData, Subgroup, Subgroups


def subgroups(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    found = data.subgroups
    some = any(group.auroc is not None for one in found for group in one.groups)
    # What is said of every label in the same words is said once, if there are no groups at all.
    stated = dict.fromkeys(note for one in found for note in (*one.notes, *_skipped(one)))
    return {
        "scored": bool(found),
        "labels": [_one(number, one) for number, one in enumerate(found)] if some else [],
        "why_none": list(stated) if found and not some else [],
        "notes": data.notes_of("subgroups"),
    }


def _skipped(found: Subgroups) -> list[str]:
    return [f"{one.by} {one.value} is left out: {one.reason}" for one in found.groups if one.auroc is None]


def _one(number: int, found: Subgroups) -> dict[str, object]:
    shown = [one for one in found.groups if one.auroc is not None]
    return {
        "label": found.label,
        "chart": _chart(number, found, shown) if shown else None,
        "notes": [*found.notes, *_skipped(found)],
    }


def _chart(number: int, found: Subgroups, shown: Sequence[Subgroup]) -> Chart:
    rows: list[Dot | str] = []
    for by in dict.fromkeys(one.by for one in shown):
        rows.append(by)
        rows += [
            Dot(one.value, one.auroc, one.low, one.high, _verdict(one, found.auroc))
            for one in shown
            if one.by == by and one.auroc is not None
        ]
    reference = f"all rows {share(found.auroc)}"
    drawn = intervals_chart(
        f"subgroups-{number}",
        f"{found.label}: AUROC by subgroup",
        rows,
        reference=found.auroc,
        reference_name=reference,
    )
    return Chart(drawn, f"{found.label}, all rows: {with_interval(found.auroc, found.interval)}.", _table(found))


def _table(found: Subgroups) -> Table:
    cells = [
        (
            f"{one.by}: {one.value}",
            count(one.n),
            count(one.positives),
            count(one.patients),
            share(one.auroc),
            between(one.low, one.high) or NONE,
            "left out" if one.auroc is None else _verdict(one, found.auroc),
        )
        for one in found.groups
    ]
    columns = ("group", "n", "positives", "patients", "AUROC", "95%", "remark")
    return Table(f"{found.label} by subgroup", columns, cells, texts=(6,))


def _verdict(one: Subgroup, overall: float | None) -> str:
    return "under all rows" if overall is not None and one.high is not None and one.high < overall else ""
