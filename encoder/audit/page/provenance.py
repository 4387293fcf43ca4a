"""Provenance: where everything on the page comes from, and the commands that make it again."""

from __future__ import annotations

import shlex

from encoder.audit.page.views import Table
from encoder.audit.report.report_data import ReportData


def provenance(data: ReportData) -> dict[str, object]:
    """What the section shows."""
    facts = [(name, value) for name, value in data.provenance.facts]
    return {
        "facts": Table("Where this comes from", ("what", "value"), facts, texts=(1,)) if facts else None,
        "commands": [(said, [shlex.quote(word) for word in words]) for said, words in data.provenance.commands],
    }
