"""The whole page: head, table of contents, and one section after another."""

from __future__ import annotations

from importlib.resources import files

from encoder.audit.page.calibration import calibration
from encoder.audit.page.confounders import confounders
from encoder.audit.page.examples import examples
from encoder.audit.page.markup import Html, tag
from encoder.audit.page.metrics import metrics
from encoder.audit.page.provenance import provenance
from encoder.audit.page.slices import slices
from encoder.audit.page.subgroups import subgroups
from encoder.audit.page.summary import summary
from encoder.audit.report.report_data import ReportData

GENERATOR = "clear-kb audit report"
"""What marks a file as a report of ours, which another one may replace."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

SECTIONS = (
    ("summary", "Summary", summary),
    ("metrics", "Metrics by label", metrics),
    ("calibration", "Calibration", calibration),
    ("subgroups", "Subgroups", subgroups),
    ("confounders", "Confounders", confounders),
    ("slices", "Slices", slices),
    ("examples", "Explained examples", examples),
    ("provenance", "Provenance", provenance),
)


def render(data: ReportData) -> str:
    """The report as one HTML file; the same data gives the same bytes."""
    return f"<!doctype html>\n{tag('html', _head(data), _body(data), lang='en')}\n"


def _head(data: ReportData) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content=GENERATOR),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", data.title),
        tag("style", Html(style())),
    )


def _body(data: ReportData) -> Html:
    entries = [tag("li", tag("a", said, href=f"#{name}")) for name, said, _ in SECTIONS]
    return tag(
        "body",
        tag("a", "Skip to the summary", href="#main", class_="skip"),
        tag("header", tag("h1", data.title), tag("p", f"Run {data.run}. {_shown(data)}")),
        tag("nav", tag("ol", *entries), aria_label="Contents"),
        tag("main", *(section(data) for _, _, section in SECTIONS), id="main", tabindex=-1),
        tag("footer", tag("p", f"Made by {GENERATOR}. Confidential: it may show images and words of patients.")),
    )


def _shown(data: ReportData) -> str:
    return f"Shown in full: {', '.join(data.labels)}." if data.labels else "No label could be scored."


def style() -> str:
    """The one style sheet."""
    return (files("encoder.audit.page") / "style.css").read_text(encoding="utf-8")
