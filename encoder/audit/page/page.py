"""The whole page: head, table of contents, and one section after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import NamedTuple

from markupsafe import Markup

from encoder.audit.page.calibration import calibration
from encoder.audit.page.confounders import confounders
from encoder.audit.page.environment import filled
from encoder.audit.page.errors import errors
from encoder.audit.page.examples import examples
from encoder.audit.page.metrics import metrics
from encoder.audit.page.operating import operating
from encoder.audit.page.provenance import provenance
from encoder.audit.page.runs import runs
from encoder.audit.page.segments import segments
from encoder.audit.page.slices import slices
from encoder.audit.page.summary import summary
from encoder.audit.page.timeline import timeline
from encoder.audit.page.words import clean
from encoder.audit.report.report_data import ReportData

GENERATOR = "clear-kb audit report"
"""What marks a file as a report of ours, which another one may replace."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Section(NamedTuple):
    """A section: its id and the name of its template, its heading, what fills that, and whether it is shown at all."""

    name: str
    title: str
    values: Callable[[ReportData], Mapping[str, object]]
    wanted: Callable[[ReportData], bool] = lambda data: True


SECTIONS = (
    Section("summary", "Summary", summary),
    Section("runs", "Runs side by side", runs, lambda data: data.beside is not None),
    Section("metrics", "Metrics by label", metrics),
    Section("operating", "At the threshold", operating),
    Section("calibration", "Calibration", calibration),
    Section("segments", "Groups and segments", segments),
    Section("timeline", "Timeline", timeline),
    Section("confounders", "Confounders", confounders),
    Section("slices", "Slices", slices),
    Section("errors", "Worst errors", errors),
    Section("examples", "Explained examples", examples),
    Section("provenance", "Provenance", provenance),
)


def render(data: ReportData) -> str:
    """The report as one HTML file; the same data gives the same bytes."""
    sections = [
        {"name": one.name, "title": one.title, "body": filled(one.name, one.values(data))}
        for one in SECTIONS
        if one.wanted(data)
    ]
    values = {
        "title": data.title,
        "run": data.run,
        "shown": f"Shown in full: {', '.join(data.labels)}." if data.labels else "No label could be scored.",
        "generator": GENERATOR,
        "ids_left_out": data.ids_left_out,
        "policy": POLICY,
        "style": Markup(style()),
        "sections": sections,
    }
    return clean(filled("page", values)) + "\n"


def style() -> str:
    """The one style sheet."""
    return (files("encoder.audit.page") / "style.css").read_text(encoding="utf-8")
