"""Provenance: where everything on the page comes from, and the commands that make it again."""

from __future__ import annotations

import shlex

from encoder.audit.page.markup import Html, join, tag
from encoder.audit.page.tables import missing, table
from encoder.audit.report.report_data import ReportData


def provenance(data: ReportData) -> Html:
    """The section."""
    found = data.provenance
    commands = [item for said, words in found.commands for item in (tag("dt", said), tag("dd", _command(words)))]
    return tag(
        "section",
        tag("h2", "Provenance", id="provenance"),
        table("Where this comes from", ("what", "value"), found.facts, texts=(1,))
        if found.facts
        else missing("Nothing is said of where this comes from."),
        tag("h3", "Made again by") if commands else None,
        tag("dl", *commands) if commands else None,
        aria_labelledby="provenance",
    )


def _command(words: tuple[str, ...]) -> Html:
    """A command as it is typed; it is not broken within an option."""
    return tag("code", join([tag("span", shlex.quote(word), class_="piece") for word in words], " "))
