"""The images and studies that the rows of a table are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ingest.identity.normal import unit_of
from ingest.labels.columns import TableColumns
from ingest.labels.layout import IDS, Unit
from ingest.sources.cells import identifier
from kb.privacy.id_key import IdKey

_NONE = "the row names no image and no study"


@dataclass(frozen=True, slots=True)
class RowUnits:
    """What the rows are of: `units` are the images and studies, `of_row` the number of each row's, -1 for none.

    `rejects` are the rows that name none, and those that contradict others on whose an image is.
    """

    units: list[Unit]
    of_row: np.ndarray
    rejects: list[tuple[str, str]]


def read_units(table: TableColumns, ids: Mapping[str, str], key: IdKey | None = None) -> RowUnits:
    """Find what each row of a table is of; a row may leave out what another says of its image or study.

    Args:
        table: its rows.
        ids: the columns of images, studies and patients.
        key: what these are hashed with.
    """
    reasons: dict[int, str] = {}
    told: list[tuple[list[str | None], np.ndarray]] = []
    for name in IDS:
        column = ids.get(name)
        if column is None:
            told.append(([None], np.zeros(len(table), np.int32)))
            continue
        read = table.columns[column].read(partial(_id, column))
        reasons |= {row: reason for row, reason in read.refused() if row not in reasons}
        told.append((read.values, read.codes))
    combinations, first, of_row = _combined([codes for _, codes in told])
    units = Units()
    stated: list[Unit] = []
    order = np.argsort(first, kind="stable")
    for at in order.tolist():
        image, study, patient = (values[combinations[at, part]] for part, (values, _) in enumerate(told))
        unit = unit_of(image, study, patient, key)
        stated.append(unit)
        if (unit[0] is not None or unit[1] is not None) and int(first[at]) not in reasons:
            units.take(unit, int(first[at]))
    return _numbered(table, units, stated, order=order, of_row=of_row, reasons=reasons)


def _id(column: str, cell: object) -> str | None:
    return identifier({column: cell}, column)


def _combined(columns: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different rows of some columns of numbers, where each stands first, and which of them each row is."""
    key = np.zeros(len(columns[0]), np.int64)
    for codes in columns:
        width = int(codes.max(initial=0)) + 1
        # The numbers met so far are numbered anew, so that no product overflows.
        key = np.unique(key, return_inverse=True)[1].astype(np.int64) * width + codes
    _, first, of_row = np.unique(key, return_index=True, return_inverse=True)
    return np.stack([codes[first] for codes in columns], axis=1), first, of_row.ravel()


def _numbered(
    table: TableColumns,
    units: Units,
    stated: list[Unit],
    *,
    order: np.ndarray,
    of_row: np.ndarray,
    reasons: dict[int, str],
) -> RowUnits:
    """Number the images and studies, each with all that its rows say of it."""
    numbers: dict[Unit, int] = {}
    of_stated = np.full(len(stated), -1, np.int32)
    for at, unit in enumerate(stated):
        whole = units[unit] if unit[0] is not None or unit[1] is not None else None
        if whole is not None:
            of_stated[at] = numbers.setdefault(whole, len(numbers))
    nothing = np.array([unit[0] is None and unit[1] is None for unit in stated], bool)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    of_row = place[of_row] if len(of_row) else of_row
    reasons = {**{int(row): _NONE for row in np.flatnonzero(nothing[of_row])}, **reasons}
    found = of_stated[of_row] if len(of_row) else np.empty(0, np.int32)
    found[list(reasons)] = -1
    rejects = [(table.position(row), reasons[row]) for row in sorted(reasons)]
    return RowUnits(list(numbers), found, [*rejects, *units.disputes(table)])


class Units:
    """The images and studies that were met, with all that is said of each."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[Unit, int]] = {}
        self._told: dict[str, dict[Unit, int]] = {}

    def take(self, unit: Unit, row: int) -> None:
        """Note what a row is of."""
        known, where = self._first.setdefault(key_of(unit), (unit, row))
        if known != unit:
            self._told.setdefault(key_of(unit), {known: where}).setdefault(unit, row)

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

    def disputes(self, table: TableColumns) -> list[tuple[str, str]]:
        """Where rows contradict each other on whose an image or study is: positions and reasons."""
        found = []
        for key, told in self._told.items():
            disputed = {unit: row for unit, row in told.items() if self[unit] is None}
            if disputed:
                ids = [f"{_of(unit) or 'no patient'} in {table.position(row)}" for unit, row in told.items()]
                partly = len(disputed) < len(told)
                what = "labels of no patient are not kept" if partly else "none of its labels is kept"
                reason = f"the {key} is of {', of '.join(ids)}: {what}"
                found.append((table.position(next(iter(disputed.values()))), reason))
        return found


def key_of(unit: Unit) -> str:
    """What tells a unit from others: its image or, where it is of none, its study."""
    return f"image {unit[0]}" if unit[0] is not None else f"study {unit[1]}"


def _named(told: Mapping[Unit, int], at: int) -> set[str]:
    return {name for unit in told if (name := unit[at]) is not None}


def _of(unit: Unit) -> str:
    entries = (("study", unit[1] if unit[0] is not None else None), ("patient", unit[2]))
    return " and ".join(f"{what} {name}" for what, name in entries if name is not None)
