"""Subgroups: a forest plot of AUROC by sex, age, view and site for each label."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.page.intervals import Dot, intervals_figure
from encoder.audit.page.markup import Html, join, tag
from encoder.audit.page.numbers import NONE, between, count, share, with_interval
from encoder.audit.page.plot import figure
from encoder.audit.page.tables import folded, missing, notes, table
from encoder.audit.report.report_data import ReportData, Subgroup, Subgroups


def subgroups(data: ReportData) -> Html:
    """The section."""
    return tag(
        "section",
        tag("h2", "Subgroups", id="subgroups"),
        tag(
            "p",
            "AUROC within each group, with 95% intervals. A group is marked if its whole "
            "interval lies under the AUROC of all rows. Groups are looked at one by one: among twenty of them, one may "
            "well lie so by chance.",
        ),
        _all(data.subgroups),
        notes(data.notes_of("subgroups")),
        aria_labelledby="subgroups",
    )


def _all(found: Sequence[Subgroups]) -> Html:
    """The groups of every label; one sentence if there are none at all."""
    if not found:
        return missing("No label was scored.")
    if not any(group.auroc is not None for one in found for group in one.groups):
        stated = dict.fromkeys(note for one in found for note in (*one.notes, *_skipped(one)))
        return join(
            [
                missing("No group of any label can be told apart, or none has enough of both truths."),
                notes(list(stated)),
            ]
        )
    return tag("div", *(_one(number, one) for number, one in enumerate(found)), class_="grid")


def _skipped(found: Subgroups) -> list[str]:
    return [f"{one.by} {one.value} is left out: {one.reason}" for one in found.groups if one.auroc is None]


def _one(number: int, found: Subgroups) -> Html:
    shown = [one for one in found.groups if one.auroc is not None]
    rows: list[Dot | str] = []
    for by in dict.fromkeys(one.by for one in shown):
        rows.append(by)
        rows += [
            Dot(one.value, one.auroc, one.low, one.high) for one in shown if one.by == by and one.auroc is not None
        ]
    overall = with_interval(found.auroc, found.interval)
    if shown:
        reference = f"all rows {share(found.auroc)}"
        title = f"{found.label}: AUROC by subgroup"
        drawing = intervals_figure(f"subgroups-{number}", title, rows, reference=found.auroc, reference_name=reference)
        body: Html = figure(drawing, f"{found.label}, all rows: {overall}.", folded("The numbers", _table(found)))
    else:
        body = missing(f"No group of {found.label} has enough positives and negatives, or none is known.")
    return tag("div", tag("h3", found.label), body, notes([*found.notes, *_skipped(found)]))


def _table(found: Subgroups) -> Html:
    cells = [
        (
            f"{one.by}: {one.value}",
            count(one.n),
            count(one.positives),
            count(one.patients),
            share(one.auroc),
            between(one.low, one.high) or NONE,
            _verdict(one, found.auroc),
        )
        for one in found.groups
    ]
    columns = ("group", "n", "positives", "patients", "AUROC", "95%", "")
    return table(f"{found.label} by subgroup", (*columns[:-1], "remark"), cells, texts=(6,))


def _verdict(one: Subgroup, overall: float | None) -> str:
    if one.auroc is None:
        return "left out"
    return "under all rows" if overall is not None and one.high is not None and one.high < overall else ""
