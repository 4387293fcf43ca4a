"""The rows of a table of labels or scores, one for each image (or study) and label, in whatever layout they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ingest.identity.normal import unit_of
from ingest.identity.stored import ResolvedUnits
from ingest.labels.attributes import Attributes
from ingest.labels.cell_values import Cell, cell_text, label_value, score_value
from ingest.labels.layout import Layout, Unit, find_layout
from ingest.labels.repeats import Units, denied, key_of, readers_disagree, unite
from ingest.sources.cells import identifier
from ingest.sources.tables import TableFile, TableRow
from kb.errors import UsageError
from kb.language.label_names import plain_label


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user says of a table: columns, the labels wanted, what stands between listed labels, new names."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    split_on: str = "|"
    rename: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"


@dataclass(kw_only=True)
class LabelTable:
    """What a table says, as columns of equal length; `labels` are its labels by the name in the file."""

    name: str
    layout: Layout
    units: list[Unit] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    blank: bytearray = field(default_factory=bytearray)
    """Whether the cell of each value was blank: it is unknown, and nobody said so."""
    labels: dict[str, str] = field(default_factory=dict)
    every: set[str] = field(default_factory=set)
    """The names of all labels met, those that were not asked for too."""
    attributes: Attributes = field(default_factory=Attributes)
    rejects: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    passed_over: int = 0
    """Rows of labels that were not asked for."""
    resolved: Mapping[str, int] = field(default_factory=dict)
    """The images and studies that were found under another spelling, by the rule that found them."""

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

    def respell(self, resolved: ResolvedUnits) -> None:
        """Let each row be of the image and study that it was found to be of; what may be several is rejected."""
        self.resolved = resolved.rules
        if not resolved:
            return
        told = set[str]()
        for unit, position in zip(self.units, self.positions, strict=True):
            if (reason := resolved.refusal(unit)) is not None and reason not in told:
                told.add(reason)
                self.rejects.append((position, reason))
        if told:
            self.keep([resolved.refusal(unit) is None for unit in self.units])
        self.units = [resolved[unit] for unit in self.units]
        self.attributes.respell(resolved)

    def keep(self, wanted: Sequence[bool]) -> None:
        """Keep those values only for which `wanted` holds."""
        kept = [at for at, keep in enumerate(wanted) if keep]
        self.units = [self.units[at] for at in kept]
        self.positions = [self.positions[at] for at in kept]
        self.names = [self.names[at] for at in kept]
        self.values = [self.values[at] for at in kept]
        self.blank = bytearray(self.blank[at] for at in kept)


def read_label_table(path: str | Path, what: Literal["value", "score"], choices: Choices) -> LabelTable:
    """Read a table of label values ("value") or of predictions ("score").

    Several rows of one image or study are united. Where they contradict each other, nothing is kept of what they
    disagree on, and the rejects say so.

    Raises:
        UsageError: there is no such file, column or label; two labels would get one name; several readers, whom a
            column names, contradict each other.
        ClearKbError: it cannot be read as a table.
    """
    file = TableFile(Path(path), choices.encoding)
    file.format  # noqa: B018  (says what is wrong with the file before anything else does)
    cell: Cell = label_value if what == "value" else score_value
    asked = [name for name in choices.labels if name in file.names]
    layout = find_layout(file, what, cell, mapping=choices.mapping, asked=asked)
    if layout.form == "wide" and (missing := [name for name in choices.labels if name not in layout.labels]):
        raise UsageError(f"{file.path} has no label '{missing[0]}': its columns are {', '.join(file.names)}")
    table = LabelTable(name=file.path.name, layout=layout, attributes=Attributes(layout.metadata))
    reader = {"wide": _read_wide, "long": _read_long, "list": _read_lists}[layout.form]
    reader(file, table, cell, choices)
    table.attributes.finish(table.every)
    if layout.form != "wide" and (missing := [name for name in choices.labels if name not in table.labels]):
        raise UsageError(f"{file.path} has no label '{missing[0]}': it has {', '.join(sorted(table.labels))}")
    _check_names(table, choices)
    return table


def _read_wide(file: TableFile, table: LabelTable, cell: Cell, choices: Choices) -> None:
    table.labels = {column: choices.rename.get(column, column) for column in table.layout.labels}
    units, repeated = Units(), set[str]()
    for row, unit in _rows(file, table):
        if not units.take(unit, row.position):
            repeated.add(key_of(unit))
        table.attributes.take(unit, row.cells)
        for column, label in table.labels.items():
            _take(
                table, row, unit, label=label, cell=cell, column=column, position=f"{row.position}, column '{column}'"
            )
    _settle(table, units, repeated)


def _read_long(file: TableFile, table: LabelTable, cell: Cell, choices: Choices) -> None:
    met, units, repeated = set[str](), Units(), set[str]()
    spelt = _Spelling(choices) if cell is label_value else str.strip  # a run may score two spellings
    for row, unit in _rows(file, table):
        name = spelt(str(row.cells.get(table.layout.label or "") or ""))
        if not cell_text(name):
            table.rejects.append((row.position, f"column '{table.layout.label}' names no label"))
            continue
        table.every.add(name)
        units.take(unit, row.position)
        table.attributes.take(unit, row.cells)
        if choices.labels and name not in choices.labels:
            table.passed_over += 1
            continue
        label = table.labels.setdefault(name, choices.rename.get(name, name))
        if (key := f"{key_of(unit)}\0{label}") in met:
            repeated.add(key_of(unit))
        met.add(key)
        _take(table, row, unit, label=label, cell=cell, column=table.layout.value or "", position=row.position)
    _settle(table, units, repeated)


def _settle(table: LabelTable, units: Units, repeated: set[str]) -> None:
    """Unite the rows of each image and study."""
    if not units.settled:
        table.rejects += units.disputes()
        whole = [units[unit] for unit in table.units]
        table.keep([unit is not None for unit in whole])
        table.units = [unit for unit in whole if unit is not None]
    keep, contradictions = unite(
        table.units, table.names, table.values, blank=table.blank, positions=table.positions, repeated=repeated
    )
    if contradictions and table.layout.reader is not None:
        _refuse_readers(table, len(contradictions), contradictions[0][1].rpartition(": ")[0])
    table.rejects += contradictions
    if not all(keep):
        table.keep(keep)
    table.attributes.settle(units)


def _refuse_readers(table: LabelTable, count: int, first: str) -> None:
    raise UsageError(
        f"{table.name} holds several readings (column '{table.layout.reader}') that contradict each other in {count:,} "
        f"places (first: {first}): make one row an image of them, such as what most readers say, or ingest each "
        "reader's rows as a file of their own, of a source of their own",
        parameter="source",
    )


def _read_lists(file: TableFile, table: LabelTable, cell: Cell, choices: Choices) -> None:
    """Lists of labels: what the file lists anywhere and the rows of an image do not is 0 there."""
    units, spelt = Units(), _Spelling(choices)
    rows: list[tuple[str, Unit, frozenset[str], str]] = []
    for row, unit in _rows(file, table):
        stated = str(row.cells.get(table.layout.listed or "") or "")
        names = frozenset(spelt(name) for name in stated.split(choices.split_on) if cell_text(name))
        if not names:
            empty = f"column '{table.layout.listed}' lists nothing: a label such as 'No Finding' was expected"
            table.rejects.append((row.position, empty))
            continue
        units.take(unit, row.position)
        rows.append((row.position, unit, names, str(row.cells.get(table.layout.reader or "") or "").strip()))
        table.every |= names
        table.attributes.take(unit, row.cells)
    table.rejects += units.disputes()
    wanted = [name for name in sorted(table.every) if not choices.labels or name in choices.labels]
    table.labels = {name: choices.rename.get(name, name) for name in wanted}
    by_unit: dict[Unit, list[tuple[str, frozenset[str], str]]] = {}
    for position, unit, names, reader in rows:
        if (whole := units[unit]) is not None:
            by_unit.setdefault(whole, []).append((position, names, reader))
    asked = frozenset(wanted)
    if found := [one for unit, stated in by_unit.items() if (one := readers_disagree(unit, stated, asked)) is not None]:
        _refuse_readers(table, sum(count for count, _ in found), found[0][1])
    for unit, listed in by_unit.items():
        if (reason := denied(unit, [(position, names) for position, names, _ in listed])) is not None:
            table.rejects.append((listed[0][0], reason))
            continue
        together = frozenset[str]().union(*(names for _, names, _ in listed))
        for name, label in table.labels.items():
            _append(table, listed[0][0], unit, label, 1 if name in together else 0)
    table.attributes.settle(units)


class _Spelling:
    """One spelling of each label: "nodule" and "Nodule" of one file are one; as it was asked for, else as first met."""

    def __init__(self, choices: Choices):
        self._spelt = {plain_label(name): name for name in (*choices.rename, *choices.labels)}

    def __call__(self, name: str) -> str:
        return self._spelt.setdefault(plain_label(name), name.strip())


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
    return unit_of(image, study, patient)


def _take(table: LabelTable, row: TableRow, unit: Unit, label: str, cell: Cell, column: str, position: str) -> None:
    stated = row.cells.get(column)
    try:
        _append(table, position, unit, label, cell(stated), blank=not cell_text(stated))
    except ValueError as error:
        table.rejects.append((position, str(error)))


def _append(
    table: LabelTable, position: str, unit: Unit, label: str, value: float | None, *, blank: bool = False
) -> None:
    table.units.append(unit)
    table.positions.append(position)
    table.names.append(label)
    table.values.append(value)
    table.blank.append(blank)


def _check_names(table: LabelTable, choices: Choices) -> None:
    if unknown := [name for name in choices.rename if name not in table.labels]:
        raise UsageError(f"rename '{unknown[0]}': there is no such label, but {', '.join(sorted(table.labels))}")
    by_name: dict[str, str] = {}
    for told, label in table.labels.items():
        if label in by_name:
            raise UsageError(f"the labels '{by_name[label]}' and '{told}' would both be named '{label}'")
        by_name[label] = told
