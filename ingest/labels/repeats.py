"""Several rows of one image or study: what they say together, and where they contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ingest.labels.layout import Unit
from kb.language.facets import kind_of
from kb.language.label_names import is_no_finding, plain_label
from kb.language.query_reading import read_query

SHOWN = 3
"""Rows that a message names of those that say one thing."""


class Units:
    """The images and studies that the rows of a table are of; a row may leave out what another says of them."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[Unit, str]] = {}
        self._told: dict[str, dict[Unit, str]] = {}

    def take(self, unit: Unit, position: str) -> bool:
        """Note what a row is of; says whether it is the first one of that image or study."""
        known, where = self._first.setdefault(key_of(unit), (unit, position))
        if known != unit:
            self._told.setdefault(key_of(unit), {known: where}).setdefault(unit, position)
        return where == position

    def __getitem__(self, unit: Unit) -> Unit | None:
        """The image or study with all that its rows say of it; None if they contradict each other."""
        stated = self._told.get(key_of(unit))
        if stated is None:
            return unit
        patients, studies = _named(stated, 2), _named(stated, 1)
        if unit[0] is None and len(patients) > 1:
            # "study1" of two patients is two studies; of which one a row without a patient is, nobody knows.
            return unit if unit[2] is not None else None
        if len(patients) > 1 or len(studies) > 1:
            return None
        return unit[0], next(iter(studies), None), next(iter(patients), None)

    @property
    def settled(self) -> bool:
        """Whether all rows of each image or study say the same of it."""
        return not self._told

    def disputes(self) -> list[tuple[str, str]]:
        """Where rows contradict each other on whose an image or study is: positions and reasons."""
        found = []
        for key, told in self._told.items():
            disputed = {unit: where for unit, where in told.items() if self[unit] is None}
            if disputed:
                ids = [f"{_of(unit) or 'no patient'} in {where}" for unit, where in told.items()]
                partly = len(disputed) < len(told)
                what = "labels of no patient are not kept" if partly else "none of its labels is kept"
                reason = f"the {key} is of {', of '.join(ids)}: {what}"
                found.append((next(iter(disputed.values())), reason))
        return found


def key_of(unit: Unit) -> str:
    """What tells a unit from others: its image or, where it is of none, its study."""
    return f"image {unit[0]}" if unit[0] is not None else f"study {unit[1]}"


def unite(
    units: Sequence[Unit],
    names: Sequence[str],
    values: Sequence[float | None],
    *,
    blank: Sequence[int],
    positions: Sequence[str],
    repeated: Iterable[str],
) -> tuple[list[bool], list[tuple[str, str]]]:
    """Which of the values to keep, such that each image or study has one of each label.

    Equal values are one, and a blank cell says nothing if another row says something. Unequal ones contradict each
    other: none of them is kept.

    Args:
        units: what each value is of.
        names: its label.
        values: the values; None is unknown.
        blank: whether the cell of each was blank.
        positions: where each stands.
        repeated: the images and studies with several rows, by `key_of`: the values of others stay as they are.

    Returns:
        Whether to keep each value, and the contradictions: positions and reasons.
    """
    several = set(repeated)
    keep = [True] * len(values)
    groups: dict[tuple[Unit, str], list[int]] = {}
    for at, unit in enumerate(units) if several else ():
        if key_of(unit) in several:
            groups.setdefault((unit, names[at]), []).append(at)
    contradictions: list[tuple[str, str]] = []
    for (unit, label), members in groups.items():
        said: dict[float | None, list[str]] = {}
        for at in members:
            if not blank[at]:
                said.setdefault(values[at], []).append(positions[at])
        stays = next((at for at in members if not blank[at]), members[0]) if len(said) < 2 else None
        for at in members:
            keep[at] = at == stays
        if stays is None:
            entries = [f"{_value(value)} in {_rows(where)}" for value, where in said.items()]
            reason = f"{label} of {key_of(unit)} is {', '.join(entries)}: none of them is kept"
            contradictions.append((positions[members[0]], reason))
    return keep, contradictions


def readers_disagree(
    unit: Unit, rows: Sequence[tuple[str, frozenset[str], str]], wanted: frozenset[str]
) -> tuple[int, str] | None:
    """How often the readers of a unit list other labels than each other, and the first such label.

    Args:
        unit: what was read.
        rows: where each row of it stands, which labels it lists, and who read.
        wanted: the labels that matter.
    """
    listed: dict[str, set[str]] = {}
    for _, names, reader in rows:
        listed.setdefault(reader, set()).update(names & wanted)
    every = list(listed.values())
    disputed = sorted(every[0].union(*every) - every[0].intersection(*every))
    if not disputed:
        return None
    label = disputed[0]
    where = next(position for position, names, _ in rows if label in names)
    without = next(reader for reader, names in listed.items() if label not in names)
    other = next(position for position, _, reader in rows if reader == without)
    said = f"{label} of {key_of(unit)} is listed in {where}, and not by reader '{without}' ({other})"
    return len(disputed), said


def denied(unit: Unit, rows: Sequence[tuple[str, frozenset[str]]]) -> str | None:
    """Why rows that list labels of one unit contradict each other: one says that there is nothing, another what."""
    together = frozenset[str]().union(*(names for _, names in rows))
    nothing = next((name for name in sorted(together) if is_no_finding(name)), None)
    found = next((name for name in sorted(together) if not is_no_finding(name) and not _is_device(name)), None)
    # One row that lists both says so on purpose.
    if nothing is None or found is None or any({nothing, found} <= names for _, names in rows):
        return None
    lists = [f"{name} in {_rows([where for where, names in rows if name in names])}" for name in (nothing, found)]
    return f"{key_of(unit)} has {lists[0]}, and {lists[1]}: none of its labels is kept"


def _is_device(label: str) -> bool:
    if "device" in plain_label(label):
        return True
    try:
        return kind_of(read_query(label).finding) == "device"
    except ValueError:
        return False


def _value(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def _named(told: Mapping[Unit, str], at: int) -> set[str]:
    return {name for unit in told if (name := unit[at]) is not None}


def _of(unit: Unit) -> str:
    entries = (("study", unit[1] if unit[0] is not None else None), ("patient", unit[2]))
    return " and ".join(f"{what} {name}" for what, name in entries if name is not None)


def _rows(positions: Sequence[str]) -> str:
    rows = list(dict.fromkeys(position.partition(", column")[0] for position in positions))
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return " and ".join(rows[:SHOWN]) + more
