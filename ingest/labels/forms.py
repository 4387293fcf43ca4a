"""How the values of each layout are read: columns of labels, rows of them, lists, boxes and masks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ingest.labels.asked import Asked
from ingest.labels.attributes import Attributes
from ingest.labels.boxes import boxes_of, read_marks
from ingest.labels.cell_values import Cell, cell_text, label_value
from ingest.labels.choices import Choices
from ingest.labels.columns import Column, TableColumns
from ingest.labels.layout import Layout
from ingest.labels.list_cells import Box, Listed, read_list
from ingest.labels.repeats import denied
from ingest.labels.units import RowUnits
from ingest.labels.values import Values, joined
from kb.errors import UsageError
from kb.language.label_names import spelling

MOST_LISTED = 2_000
"""Different labels that a column of lists may name: more are texts, or lists that were not taken apart."""


@dataclass
class Reading:
    """A table while its values are read; `labels` are those that are taken, by their names in the file."""

    table: TableColumns
    layout: Layout
    of: RowUnits
    cell: Cell
    choices: Choices
    asked: Asked
    labels: dict[str, str] = field(default_factory=dict)
    every: dict[str, None] = field(default_factory=dict)
    """The names of all labels met, those that were not asked for too."""
    rejects: list[tuple[str, str]] = field(default_factory=list)
    passed_over: int = 0
    rows: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    """The rows that say something of an image: what else they tell is kept."""
    boxes: dict[tuple[int, str], list[Box]] = field(default_factory=dict)
    _parts: list[Values] = field(default_factory=list)
    _joined: Values | None = None

    def __post_init__(self) -> None:
        self.rows = self.of.of_row >= 0
        read = None if self.layout.reader is None else self.table.columns[self.layout.reader].read(_reader)
        self.readers: list[str] = [] if read is None else list(dict.fromkeys(name or "" for name in read.values))
        known = {name: at for at, name in enumerate(self.readers)}
        places = np.array([known[name or ""] for name in read.values] if read else [], np.int32)
        self.of_reader = places[read.codes] if read is not None else np.zeros(len(self.table), np.int32)

    def add(self, label: int | np.ndarray, rows: np.ndarray, values: np.ndarray, blank: np.ndarray) -> None:
        """Take the values of some rows for a label (or labels: then one for each)."""
        self._parts.append(
            Values(
                unit=self.of.of_row[rows],
                label=np.broadcast_to(np.asarray(label, np.int32), len(rows)),
                value=np.asarray(values, float),
                blank=blank,
                row=rows.astype(np.int32),
                reader=self.of_reader[rows],
            )
        )

    def values(self) -> Values:
        """All that was taken."""
        if self._joined is None:
            self._joined, self._parts = joined(self._parts), []
        return self._joined

    def settle(self, values: Values) -> tuple[int, int]:
        """Make of blanks and doubts what the user says they are; how many of each there are."""
        doubts = np.isnan(values.value) & ~values.blank
        if self.choices.uncertain != "unknown":
            values.value[doubts] = 1.0 if self.choices.uncertain == "positive" else 0.0
        if self.choices.blank == "negative":
            values.value[values.blank] = 0.0
        return int(values.blank.sum()), int(doubts.sum())

    def label(self, name: str) -> int:
        """The number of a label of the file that is taken."""
        if name not in self.labels:
            self.labels[name] = self.choices.rename.get(name, name)
            self._numbers = {known: at for at, known in enumerate(self.labels)}
        return self._numbers[name]

    def position(self, row: int, label: int) -> str:
        """Where a value stands, in words."""
        where = self.table.position(row)
        if self.layout.form != "wide":
            return where
        return f"{where}, column '{list(self.layout.labels)[label]}'"

    def attributes(self) -> Attributes:
        """What the rows say beside their labels, and where in the pictures those are."""
        found = Attributes(self.of.units, self.choices.key)
        for name in self.layout.metadata:
            found.take(name, self.table.columns[name], self.of.of_row, self.rows)
        found.drop([*self.every, *self.labels])
        found.take_boxes(self.boxes)
        return found

    def mark(self, rows: np.ndarray, names: list[list[str]]) -> None:
        """Keep the boxes of some rows for the labels that these name."""
        for row, mine, boxes in zip(rows.tolist(), names, boxes_of(self.table, self.layout.boxes, rows), strict=True):
            unit = int(self.of.of_row[row])
            # As many boxes as names are one each; otherwise each name has them all.
            pairs = zip(mine, boxes, strict=True) if len(mine) == len(boxes) else ((n, b) for n in mine for b in boxes)
            for name, box in pairs:
                if name in self.labels:
                    self.boxes.setdefault((unit, self.labels[name]), []).append(box)


def read_form(reading: Reading) -> None:
    """Read the values of a table by its layout."""
    {"wide": _read_wide, "long": _read_long, "list": _read_lists, "marks": _read_marks}[reading.layout.form](reading)


def _reader(cell: object) -> str:
    return "" if not cell_text(cell) else str(cell).strip()


def _read_wide(reading: Reading) -> None:
    columns = list(reading.layout.labels)
    name = reading.choices.label
    if name is not None and len(columns) > 1:
        raise UsageError(f"label '{name}': the table has several labels ({', '.join(columns)}): rename one of them")
    rows = np.flatnonzero(reading.rows)
    for column in columns:
        reading.every[column] = None
        at = reading.label(column)
        if name is not None:
            reading.labels[column] = name
        values, blank, good = _cells(reading, reading.table.columns[column], column)
        mine = rows[good[rows]]
        reading.add(at, mine, values[mine], blank[mine])
    if reading.layout.boxes and len(columns) == 1:
        reading.mark(rows, [[columns[0]]] * len(rows))


def _cells(reading: Reading, column: Column, name: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The value of each row, whether its cell is blank, and whether it could be read: what could not is rejected."""
    read = column.read(reading.cell)
    values = np.array([np.nan if value is None else value for value in read.values], float)
    blank = np.array([not cell_text(cell) for cell in column.cells], bool)
    good = np.ones(len(read.codes), bool)
    for row, reason in read.refused():
        good[row] = False
        if reading.rows[row]:
            where = reading.table.position(row)
            reading.rejects.append((f"{where}, column '{name}'" if name else where, reason))
    return values[read.codes], blank[read.codes], good


def _read_long(reading: Reading) -> None:
    layout, choices = reading.layout, reading.choices
    # A run may score two spellings of a label; of what is true there is one.
    spelt = spelling((*choices.rename, *choices.labels)) if reading.cell is label_value else str.strip
    named = reading.table.columns[layout.label or ""].read(lambda cell: "" if cell is None else spelt(str(cell)))
    names = [name if name and cell_text(name) else "" for name in named.values]
    nameless = np.array([not name for name in names], bool)[named.codes]
    for row in np.flatnonzero(reading.rows & nameless).tolist():
        reading.rejects.append((reading.table.position(row), f"column '{layout.label}' names no label"))
    reading.rows = reading.rows & ~nameless
    of_label = np.full(len(names), -1, np.int32)
    for code in _in_order(named.codes[reading.rows]):
        reading.every[names[code]] = None
        if reading.asked.wants(names[code]):
            of_label[code] = reading.label(names[code])
    labels = of_label[named.codes]
    reading.passed_over = int((reading.rows & (labels < 0)).sum())
    values, blank, good = _cells(reading, reading.table.columns[layout.value or ""], None)
    rows = np.flatnonzero(reading.rows & (labels >= 0) & good)
    reading.add(labels[rows], rows, values[rows], blank[rows])


def _in_order(codes: np.ndarray) -> list[int]:
    """The different numbers, in the order in which they come."""
    found, first = np.unique(codes, return_index=True)
    return [int(found[at]) for at in np.argsort(first)]


def _read_lists(reading: Reading) -> None:
    """Lists of labels: what the file lists anywhere and the rows of an image (and reader) do not is 0 there."""
    layout, choices = reading.layout, reading.choices
    spelt = spelling((*choices.rename, *choices.labels))
    column = reading.table.columns[layout.listed or ""]
    read = column.read(lambda cell: read_list(cell, choices.split_on))
    listed = [None if one is None else tuple(spelt(name) for name in one.stated) for one in read.values]
    reasons = dict(read.refused())
    lists_nothing = f"column '{layout.listed}' lists nothing: a label such as 'No Finding' was expected"
    groups: dict[tuple[int, int], list[int]] = {}
    for row in np.flatnonzero(reading.rows).tolist():
        stated = listed[read.codes[row]]
        if row in reasons or (stated is None and choices.blank != "negative"):
            reading.rejects.append((reading.table.position(row), reasons.get(row, lists_nothing)))
            reading.rows[row] = False
            continue
        reading.every |= dict.fromkeys(stated or ())
        groups.setdefault((int(reading.of.of_row[row]), int(reading.of_reader[row])), []).append(row)
    if len(reading.every) > MOST_LISTED:
        raise UsageError(
            f"column '{layout.listed}' of {reading.table.file.path} names {len(reading.every):,} different labels "
            f"('{next(iter(reading.every))[:40]}', ...): name what stands between them, or another column"
        )
    for name in sorted(reading.every):
        if reading.asked.wants(name):
            reading.label(name)
    _spread(reading, groups, [frozenset(stated or ()) for stated in listed], read.codes)
    rows = np.flatnonzero(reading.rows)
    reading.mark(rows, [list(listed[code] or ()) for code in read.codes[rows].tolist()])
    _mark_listed(reading, rows, [read.values[code] for code in read.codes[rows].tolist()], spelt)


def _spread(
    reading: Reading, groups: dict[tuple[int, int], list[int]], listed: list[frozenset[str]], codes: np.ndarray
) -> None:
    """A value of each label for each group of rows: 1 where one of them lists it, else 0."""
    numbers = {name: at for at, name in enumerate(reading.labels)}
    truth = np.zeros((len(groups), len(numbers)), bool)
    first = np.zeros(len(groups), np.int64)
    kept = np.ones(len(groups), bool)
    for at, ((unit, _), rows) in enumerate(groups.items()):
        first[at] = rows[0]
        lists = [listed[codes[row]] for row in rows]
        if len(set(lists)) > 1:
            entries = [(reading.table.position(row), names) for row, names in zip(rows, lists, strict=True)]
            if (reason := denied(reading.of.units[unit], entries)) is not None:
                reading.rejects.append((entries[0][0], reason))
                kept[at] = False
                continue
        for name in frozenset[str]().union(*lists):
            if name in numbers:
                truth[at, numbers[name]] = True
    taken, truth = first[kept], truth[kept]
    for name, at in numbers.items():
        reading.add(reading.label(name), taken, truth[:, at], np.zeros(len(taken), bool))


def _mark_listed(reading: Reading, rows: np.ndarray, cells: list[Listed | None], spelt: object) -> None:
    """Keep the boxes that stand in the cells of the list themselves."""
    for row, cell in zip(rows.tolist(), cells, strict=True):
        for told, box in cell.boxes if cell is not None else ():
            name = spelt(told)  # type: ignore[operator]
            if name in reading.labels:
                reading.boxes.setdefault((int(reading.of.of_row[row]), reading.labels[name]), []).append(box)


def _read_marks(reading: Reading) -> None:
    """Boxes or masks of one label: it holds where any row of an image has one."""
    name = reading.choices.label
    if name is None:
        columns = ", ".join(sorted(reading.layout.boxes.used))
        raise UsageError(
            f"{reading.table.file.path} holds boxes or masks ({columns}) and no label: name what they are of",
            parameter="label",
        )
    reading.every[name] = None
    at = reading.label(name)
    try:
        marks = read_marks(reading.table, reading.layout.boxes)
    except ValueError as error:
        raise UsageError(f"{reading.table.file.path}: {error}") from error
    rows = np.flatnonzero(reading.rows)
    key = reading.of.of_row[rows].astype(np.int64) * (len(reading.readers) + 1) + reading.of_reader[rows]
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    marked = np.bincount(group.ravel(), weights=marks[rows], minlength=len(first)) > 0
    reading.add(at, rows[first], marked, np.zeros(len(first), bool))
    reading.mark(rows, [[name]] * len(rows))
