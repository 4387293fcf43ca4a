"""An audit by segments as one flat table: a row a group, as CSV has it."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.audit.segments.result import FIGURES, SegmentAudit

CSV = ("attribute", "value", "kind", "n", "patients", "positives", "false_alarms", "missed")


def flat_groups(audits: Sequence[SegmentAudit]) -> tuple[list[dict[str, object]], Sequence[str]]:
    """The rows of CSV, and their columns."""
    figures = [column for name in FIGURES for column in (name, f"{name}_low", f"{name}_high")]
    rows = [{"split": found.split, **row} for found in audits for row in found.groups.rows()]
    return rows, ("split", *CSV, *figures)
