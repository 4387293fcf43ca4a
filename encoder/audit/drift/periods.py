"""Periods: the weeks, months, quarters or years that rows fall into, or the values of an attribute in their order."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np

from encoder.audit.drift.dates import KnownDate, read_date
from kb.errors import UsageError

Unit = Literal["week", "month", "quarter", "year"]
UNITS: tuple[Unit, ...] = get_args(Unit)

_FINE_ENOUGH = {
    "week": ("day",),
    "month": ("day", "month"),
    "quarter": ("day", "month"),
    "year": ("day", "month", "year"),
}


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods in their order, and which one each row is of.

    Attributes:
        names: "2024-03", or "2024-03 to 2024-05" where several were joined.
        at: the number of the period of each row, (n,).
    """

    names: tuple[str, ...]
    at: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def number_of(self, named: str) -> int:
        """The number of the period that is called so, or that a joined one begins or ends with.

        Raises:
            UsageError: there is none.
        """
        for number, name in enumerate(self.names):
            if named in (name, *name.split(" to ")):
                return number
        raise UsageError(f"there is no period '{named}': {', '.join(self.names)}")


def name_of(known: KnownDate, unit: Unit) -> str | None:
    """The period that a date falls into; None where it is not known so exactly."""
    if known.exact not in _FINE_ENOUGH[unit]:
        return None
    day = known.day
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    if unit == "quarter":
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return f"{day:%Y-%m}" if unit == "month" else f"{day:%Y}"


def periods_of(names: Sequence[str], least: int) -> Periods:
    """The periods of rows by the name of each, in their natural order; small ones are joined with the next.

    Args:
        names: the period of each row.
        least: rows that a period has at the least; what is left at the end is joined with the one before.
    """
    known, at = np.unique(np.asarray(names, dtype=object).astype(str), return_inverse=True)
    order = sorted(range(len(known)), key=lambda number: natural(known[number]))
    sizes = np.bincount(at, minlength=len(known))
    groups: list[list[int]] = []
    open_group: list[int] = []
    for number in order:
        open_group.append(number)
        if sizes[open_group].sum() >= least:
            groups.append(open_group)
            open_group = []
    if open_group:
        groups = [*groups[:-1], [*groups[-1], *open_group]] if groups else [open_group]
    place = np.empty(len(known), dtype=np.int64)
    for number, group in enumerate(groups):
        place[group] = number
    return Periods(tuple(_joined([known[one] for one in group]) for group in groups), place[at])


def natural(text: str) -> list[tuple[int, float, str]]:
    """What texts are ordered by, such that "v10" comes after "v9"."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, float(part), "") if part.isdigit() else (1, 0.0, part.lower()) for part in parts]


def first_day(text: str) -> date:
    """The day that a "from" begins with: 2024-03 is the first of March.

    Raises:
        UsageError: it is no date.
    """
    return _bound(text).day


def last_day(text: str) -> date:
    """The day that a "to" ends with: 2024-03 is the last of March.

    Raises:
        UsageError: it is no date.
    """
    known = _bound(text)
    if known.exact == "year":
        return date(known.day.year, 12, 31)
    if known.exact == "month":
        return known.day.replace(day=calendar.monthrange(known.day.year, known.day.month)[1])
    return known.day


def _bound(text: str) -> KnownDate:
    known = read_date(text)
    if known is None:
        raise UsageError(f"'{text}' is no date: 2024, 2024-03 or 2024-03-31 was expected")
    return known


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
