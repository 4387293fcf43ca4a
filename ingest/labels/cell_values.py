"""What one cell of a table of labels or of scores says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ingest.sources.cells import BLANK

UNKNOWN = frozenset({"unknown", "uncertain", "-1"})
YES, NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})

Cell = Callable[[Any], float | None]
"""Reads a cell: its value, None if it says "unknown"; ValueError if it says something else."""


def cell_text(cell: Any) -> str:
    """The cell as it is compared: small letters, no space around; "" where it is blank, in whatever spelling."""
    text = "" if cell is None else str(cell).strip().lower()
    return "" if text in BLANK else text


def label_value(cell: Any) -> float | None:
    """1 or 0, None if it is unknown (blank, -1, "unknown"); ValueError for anything else."""
    text = cell_text(cell)
    if text in YES:
        return 1
    if text in NO:
        return 0
    if not text or text in UNKNOWN:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if number not in (0, 1, -1):
        raise ValueError(f"'{short(cell)}' is no label value: 1, 0, or -1 or blank for unknown, was expected")
    return None if number == -1 else int(number)


def score_value(cell: Any) -> float | None:
    """A finite number, None if the cell is blank; ValueError for anything else."""
    text = cell_text(cell)
    if not text:
        return None
    try:
        number = math.nan if isinstance(cell, bool) else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"'{short(cell)}' is no score: a number was expected")
    return number


def short(cell: Any) -> str:
    """The beginning of a cell, for a message."""
    text = str(cell)
    return text if len(text) <= 40 else f"{text[:40]}..."
