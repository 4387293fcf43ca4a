"""An audit by slices as one flat table: a row a slice, as CSV has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from encoder.audit.segments.result import FIGURES
from encoder.audit.slices.result import Slice, Slices


def flat_slices(audits: Sequence[Slices]) -> tuple[list[dict[str, object]], Sequence[str]]:
    """The rows of CSV, and their columns."""
    ends = [column for name in FIGURES for column in (name, f"{name}_low", f"{name}_high")]
    columns = ("number", "data", "n", "positives", "patients", "false_alarms", "missed", *ends, "extra", "verdict")
    rows = [_flat(found.split, one) for found in audits for one in found.slices]
    return rows, ("split", *columns)


def _flat(split: str, one: Slice) -> dict[str, Any]:
    """A slice as one row: its own figures, those at the threshold and the verdict."""
    told = one.to_dict()
    return {"split": split, **(told["here"] or {}), **told}
