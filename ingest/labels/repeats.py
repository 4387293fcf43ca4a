"""Several rows of one image or study: what they say together, and where they contradict each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ingest.labels.layout import Unit
from ingest.labels.units import key_of
from ingest.labels.values import Values, groups
from kb.language.facets import kind_of
from kb.language.label_names import is_no_finding, plain_label
from kb.language.query_reading import read_query

SHOWN = 3
"""Rows that a message names of those that say one thing."""

UNKNOWN = np.inf
"""How an unknown that somebody stated is compared."""


def unite(values: Values, *, by_reader: bool) -> tuple[Values, list[np.ndarray]]:
    """One value of each unit and label (and reader), and the groups that contradict each other, of which none stays.

    Equal values are one, and a blank cell says nothing if another row says something.
    """
    of, sizes = groups(values, by_reader=by_reader)
    if not len(sizes) or sizes.max() == 1:
        return values, []
    stated = np.where(np.isnan(values.value), UNKNOWN, values.value)
    low, high = np.full(len(sizes), np.inf), np.full(len(sizes), -np.inf)
    said = np.flatnonzero(~values.blank)
    np.minimum.at(low, of[said], stated[said])
    np.maximum.at(high, of[said], stated[said])
    disputed = (low < high) & (high > -np.inf)
    # Of each group the first that is not blank stays, else the first.
    order = np.lexsort((values.row, values.blank, of))
    first = order[np.r_[True, of[order][1:] != of[order][:-1]]]
    kept = np.sort(first[~disputed[of[first]]])
    order, ends = np.argsort(of, kind="stable"), np.cumsum(sizes)
    members = [np.sort(order[ends[group] - sizes[group] : ends[group]]) for group in np.flatnonzero(disputed)]
    return values.take(kept), members


def contradiction(
    values: Values,
    members: np.ndarray,
    units: Sequence[Unit],
    names: Sequence[str],
    where: Callable[[int, int], str],
) -> tuple[str, str]:
    """Where and how the values of a group contradict each other."""
    said: dict[str, list[str]] = {}
    for at in members.tolist():
        if not values.blank[at]:
            value = values.value[at]
            stands = where(int(values.row[at]), int(values.label[at]))
            said.setdefault("unknown" if np.isnan(value) else f"{value:g}", []).append(stands)
    first = int(members[0])
    label, unit = names[int(values.label[first])], units[int(values.unit[first])]
    entries = [f"{value} in {in_rows(rows)}" for value, rows in said.items()]
    reason = f"{label} of {key_of(unit)} is {', '.join(entries)}: none of them is kept"
    return where(int(values.row[first]), int(values.label[first])), reason


def denied(unit: Unit, rows: Sequence[tuple[str, frozenset[str]]]) -> str | None:
    """Why rows that list labels of one unit contradict each other: one says that there is nothing, another what."""
    together = frozenset[str]().union(*(names for _, names in rows))
    nothing = next((name for name in sorted(together) if is_no_finding(name)), None)
    found = next((name for name in sorted(together) if not is_no_finding(name) and not _is_device(name)), None)
    # One row that lists both says so on purpose.
    if nothing is None or found is None or any({nothing, found} <= names for _, names in rows):
        return None
    lists = [f"{name} in {in_rows([where for where, names in rows if name in names])}" for name in (nothing, found)]
    return f"{key_of(unit)} has {lists[0]}, and {lists[1]}: none of its labels is kept"


def _is_device(label: str) -> bool:
    if "device" in plain_label(label):
        return True
    try:
        return kind_of(read_query(label).finding) == "device"
    except ValueError:
        return False


def in_rows(positions: Sequence[str]) -> str:
    """Some rows in words, the first few of them."""
    rows = list(dict.fromkeys(position.partition(", column")[0] for position in positions))
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return " and ".join(rows[:SHOWN]) + more
