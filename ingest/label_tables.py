"""The rows of a table of labels or scores, one for each image (or study) and label, in whatever layout they came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ingest.label_attributes import Attributes
from ingest.label_cells import Cell, cell_text, label_value, score_value
from ingest.label_layout import Layout, Unit, find_layout
from ingest.sources.cells import identifier
from ingest.tables import TableFile, TableRow
from kb.errors import UsageError

_CHEXPERT = re.compile(r"^((?:.*/)?(patient\d+)/study\d+)(?:/|$)")
_MIMIC = re.compile(r"(?:^|/)(p\d{8})/(s\d{8})(?:/|$)")


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user says of a table: columns, the labels wanted, what stands between listed labels, new names."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    split_on: str = "|"
    rename: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


@dataclass
class LabelTable:
    """What a table says, as columns of equal length; `labels` are its labels by the name in the file."""

    name: str
    layout: Layout
    units: list[Unit] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    every: set[str] = field(default_factory=set)
    """The names of all labels met, those that were not asked for too."""
    attributes: Attributes = field(default_factory=Attributes)
    rejects: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    passed_over: int = 0
    """Rows of labels that were not asked for."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns kept as attributes: none of a table of which no value could be taken."""
        return self.attributes.names if len(self) else ()

    @property
    def unused(self) -> tuple[str, ...]:
        """The columns of which nothing is kept."""
        kept = set(self.kept)
        return tuple(name for name in self.layout.unused if name not in kept)

    def keep(self, wanted: Sequence[bool]) -> None:
        """Keep those values only for which `wanted` holds."""
        kept = [at for at, keep in enumerate(wanted) if keep]
        self.units = [self.units[at] for at in kept]
        self.positions = [self.positions[at] for at in kept]
        self.names = [self.names[at] for at in kept]
        self.values = [self.values[at] for at in kept]


def read_label_table(path: str | Path, what: Literal["value", "score"], choices: Choices) -> LabelTable:
    """Read a table of label values ("value") or of predictions ("score").

    Raises:
        UsageError: there is no such file, column or label; two labels would get one name.
        ClearKbError: it cannot be read as a table.
    """
    file = TableFile(Path(path), choices.encoding)
    file.format  # noqa: B018  (says what is wrong with the file before anything else does)
    cell: Cell = label_value if what == "value" else score_value
    asked = [name for name in choices.labels if name in file.names]
    layout = find_layout(file, what, cell, choices.mapping, asked)
    if layout.form == "wide" and (missing := [name for name in choices.labels if name not in layout.labels]):
        raise UsageError(f"{file.path} has no label '{missing[0]}': its columns are {', '.join(file.names)}")
    table = LabelTable(file.path.name, layout, attributes=Attributes(layout.metadata))
    reader = {"wide": _read_wide, "long": _read_long, "list": _read_lists}[layout.form]
    reader(file, table, cell, choices)
    table.attributes.finish(table.every)
    if layout.form != "wide" and (missing := [name for name in choices.labels if name not in table.labels]):
        raise UsageError(f"{file.path} has no label '{missing[0]}': it has {', '.join(sorted(table.labels))}")
    _check_names(table, choices)
    return table


def _read_wide(file: TableFile, table: LabelTable, cell: Cell, choices: Choices) -> None:
    table.labels = {column: choices.rename.get(column, column) for column in table.layout.labels}
    met: dict[str, str] = {}
    for row, unit in _rows(file, table):
        if (reason := _met(met, _key(unit), row.position, "")) is not None:
            table.rejects.append((row.position, reason))
            continue
        table.attributes.take(unit, row.cells)
        for column, label in table.labels.items():
            _take(table, row, unit, label, cell, column, f"{row.position}, column '{column}'")


def _read_long(file: TableFile, table: LabelTable, cell: Cell, choices: Choices) -> None:
    met: dict[str, str] = {}
    for row, unit in _rows(file, table):
        name = str(row.cells.get(table.layout.label or "") or "").strip()
        if not cell_text(name):
            table.rejects.append((row.position, f"column '{table.layout.label}' names no label"))
            continue
        table.every.add(name)
        if choices.labels and name not in choices.labels:
            table.attributes.take(unit, row.cells)
            table.passed_over += 1
            continue
        label = table.labels.setdefault(name, choices.rename.get(name, name))
        if (reason := _met(met, f"{_key(unit)}\0{label}", row.position, f" for {label}")) is not None:
            table.rejects.append((row.position, reason))
            continue
        table.attributes.take(unit, row.cells)
        _take(table, row, unit, label, cell, table.layout.value or "", row.position)


def _read_lists(file: TableFile, table: LabelTable, cell: Cell, choices: Choices) -> None:
    """Lists of labels: what the file lists anywhere and a row does not is 0 there."""
    met: dict[str, str] = {}
    rows: list[tuple[str, Unit, frozenset[str]]] = []
    for row, unit in _rows(file, table):
        told = str(row.cells.get(table.layout.listed or "") or "")
        names = frozenset(name.strip() for name in told.split(choices.split_on) if cell_text(name))
        reason = _met(met, _key(unit), row.position, "")
        if reason is None and not names:
            reason = f"column '{table.layout.listed}' lists nothing: a label such as 'No Finding' was expected"
        if reason is not None:
            table.rejects.append((row.position, reason))
            continue
        rows.append((row.position, unit, names))
        table.every |= names
        table.attributes.take(unit, row.cells)
    wanted = [name for name in sorted(table.every) if not choices.labels or name in choices.labels]
    table.labels = {name: choices.rename.get(name, name) for name in wanted}
    for position, unit, names in rows:
        for name, label in table.labels.items():
            _append(table, position, unit, label, 1 if name in names else 0)


def _rows(file: TableFile, table: LabelTable) -> Iterator[tuple[TableRow, Unit]]:
    """The rows that can be read, with what they are of; the others go to the rejects."""
    for row in file:
        table.read += 1
        try:
            unit = _unit(row.cells, table.layout.ids) if row.error is None else (None, None, None)
        except ValueError as error:
            row, unit = TableRow(row.position, {}, str(error)), (None, None, None)
        if row.error is None and unit[0] is None and unit[1] is None:
            row = TableRow(row.position, {}, "the row names no image and no study")
        if row.error is not None:
            table.rejects.append((row.position, row.error))
            continue
        yield row, unit


def _unit(cells: Mapping[str, Any], ids: Mapping[str, str]) -> Unit:
    """Image, study and patient; the paths of CheXpert and MIMIC-CXR tell of the last two where no column does."""
    image, study, patient = (identifier(cells, ids.get(key)) for key in ("image", "study", "patient"))
    path = image or study or ""
    if match := _CHEXPERT.search(path):
        study, patient = study or match[1], patient or match[2]
    elif match := _MIMIC.search(path):
        patient, study = patient or match[1], study or match[2]
    return image, study, patient


def _key(unit: Unit) -> str:
    return f"image {unit[0]}" if unit[0] is not None else f"study {unit[1]}"


def _met(met: dict[str, str], key: str, position: str, what: str) -> str | None:
    """Why a row cannot be taken: the same was told before. Which of the two is right, nobody knows."""
    before = met.setdefault(key, position)
    return None if before == position else f"the {key.partition(chr(0))[0]} was met before{what} ({before})"


def _take(table: LabelTable, row: TableRow, unit: Unit, label: str, cell: Cell, column: str, position: str) -> None:
    try:
        _append(table, position, unit, label, cell(row.cells.get(column)))
    except ValueError as error:
        table.rejects.append((position, str(error)))


def _append(table: LabelTable, position: str, unit: Unit, label: str, value: float | None) -> None:
    table.units.append(unit)
    table.positions.append(position)
    table.names.append(label)
    table.values.append(value)


def _check_names(table: LabelTable, choices: Choices) -> None:
    if unknown := [name for name in choices.rename if name not in table.labels]:
        raise UsageError(f"--rename {unknown[0]}=...: there is no such label, but {', '.join(sorted(table.labels))}")
    by_name: dict[str, str] = {}
    for told, label in table.labels.items():
        if label in by_name:
            raise UsageError(f"the labels '{by_name[label]}' and '{told}' would both be named '{label}'")
        by_name[label] = told
