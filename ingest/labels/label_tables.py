"""The values of a table of labels or scores, one for each image (or study) and label, in whatever layout they came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from ingest.identity.stored import ResolvedUnits
from ingest.labels.asked import Asked
from ingest.labels.attributes import Attributes
from ingest.labels.cell_values import label_value, score_value
from ingest.labels.choices import Choices
from ingest.labels.columns import read_columns
from ingest.labels.consensus import agree
from ingest.labels.forms import Reading, read_form
from ingest.labels.layout import Layout, Unit, find_layout
from ingest.labels.repeats import contradiction, unite
from ingest.labels.units import read_units
from ingest.labels.values import Values
from ingest.sources.tables import TableFile
from kb.errors import UsageError

What = Literal["value", "score"]


@dataclass(kw_only=True)
class LabelTable:
    """What a table says; `labels` are its labels by the name in the file, `values` of the numbered units and labels.

    `readings` are what each of `readers` says, where the table is of several and they are kept, or of one alone:
    then there are no values.
    """

    name: str
    layout: Layout
    choices: Choices
    where: Callable[[int, int], str]
    units: list[Unit]
    values: Values
    labels: dict[str, str]
    readings: Values | None = None
    readers: tuple[str, ...] = ()
    ties: int = 0
    blanks: int = 0
    doubts: int = 0
    missing: tuple[str, ...] = ()
    """Labels of a named list that the table does not have."""
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
    def names(self) -> list[str]:
        """The labels by their number, as they are stored."""
        return list(self.labels.values())

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns kept as attributes: none of a table of which no value could be taken."""
        return self.attributes.names if len(self) or self.readings is not None else ()

    @property
    def unused(self) -> tuple[str, ...]:
        """The columns of which nothing is kept."""
        kept = set(self.kept)
        return tuple(name for name in self.layout.unused if name not in kept and name != self.layout.reader)

    def respell(self, resolved: ResolvedUnits) -> None:
        """Let the rows be of the images and studies that they were found to be of; what may be several is rejected."""
        self.resolved = resolved.rules
        refused = {at: reason for at, unit in enumerate(self.units) if (reason := resolved.refusal(unit)) is not None}
        # In place: the attributes are of the same units.
        self.units[:] = [resolved[unit] for unit in self.units]
        if not refused:
            return
        gone = np.zeros(len(self.units), bool)
        gone[list(refused)] = True
        told = self.values if self.readings is None else self.readings
        for at, reason in refused.items():
            rows = told.row[told.unit == at]
            where = self.position(int(rows[0]), 0).partition(", column")[0] if len(rows) else self.name
            self.rejects.append((where, reason))
        self.values = self.values.take(~gone[self.values.unit])
        if self.readings is not None:
            self.readings = self.readings.take(~gone[self.readings.unit])
        self.attributes.forget(gone)

    def position(self, row: int, label: int) -> str:
        """Where a value stands, in words."""
        return self.where(row, label)

    def told(self) -> Iterator[tuple[Unit, str, float | None]]:
        """Every value with its unit and label; None is unknown."""
        names = self.names
        for unit, label, value in zip(self.values.unit, self.values.label, self.values.value, strict=True):
            yield self.units[unit], names[label], None if np.isnan(value) else float(value)


def read_label_table(path: str | Path, what: What, choices: Choices) -> LabelTable:
    """Read a table of label values ("value") or of predictions ("score").

    Several rows of one image or study are united. Where they contradict each other, nothing is kept of what they
    disagree on, and the rejects say so. Of several readers a consensus is made where `choices` names one.

    Raises:
        UsageError: there is no such file, column or label; two labels would get one name; several readers contradict
            each other and no consensus is named.
        ClearKbError: it cannot be read as a table.
    """
    _check(choices)
    file = TableFile(Path(path), choices.encoding)
    file.format  # noqa: B018  (says what is wrong with the file before anything else does)
    columns = read_columns(file)
    cell = label_value if what == "value" else score_value
    asked = Asked(choices.labels)
    layout = find_layout(columns, what, cell, choices=choices, asked=asked.among(file.names))
    of = read_units(columns, layout.ids, choices.key)
    reading = Reading(table=columns, layout=layout, of=of, cell=cell, choices=choices, asked=asked)
    read_form(reading)
    table = _table(reading, what)
    if choices.key is not None:
        table.name = choices.key.hash(table.name)
        table.rejects = [(where, choices.key.reason(why)) for where, why in table.rejects]
    missing = asked.require(tuple(reading.every), f"{file.path}")
    table.missing = missing
    _check_names(reading)
    return table


def _check(choices: Choices) -> None:
    if choices.reader is not None and (choices.readers is not None or choices.consensus is not None):
        raise UsageError("reader: the whole file is of one reader, so there is no column of readers and no consensus")
    if choices.reader is not None and not choices.reader.strip():
        raise UsageError("reader: a name was expected")


def _table(reading: Reading, what: What) -> LabelTable:
    """Unite the rows of each image and study, and the readers."""
    table, layout, choices = reading.table, reading.layout, reading.choices
    values = reading.values()
    found = LabelTable(
        name=table.file.path.name,
        layout=layout,
        choices=choices,
        where=reading.position,
        units=reading.of.units,
        values=values,
        labels=reading.labels,
        attributes=reading.attributes(),
        rejects=[*table.broken, *reading.of.rejects, *reading.rejects],
        read=len(table) + len(table.broken),
        passed_over=reading.passed_over,
    )
    if what == "value":
        found.blanks, found.doubts = reading.settle(values)
    by_reader = layout.reader is not None
    values, disputed = unite(values, by_reader=by_reader)
    found.rejects += [
        contradiction(reading.values(), one, reading.of.units, found.names, reading.position) for one in disputed
    ]
    found.values = values
    if choices.reader is not None:
        found.readings, found.readers = values, (choices.reader.strip(),)
        found.values = values.take(np.zeros(0, np.int64))
    elif by_reader:
        _unite_readers(found, reading)
    elif choices.consensus is not None:
        raise UsageError(
            f"{table.file.path} has no column of readers ({', '.join(table.names)}), so there is nothing to agree on: "
            "name the column of readers, or no consensus",
            parameter="readers",
        )
    return found


def _unite_readers(found: LabelTable, reading: Reading) -> None:
    """What the readers come to; their readings are kept where the user speaks of readers or of a consensus."""
    choices, each = found.choices, found.values
    if choices.consensus is not None:
        found.values, found.ties = agree(each, choices.consensus)
    else:
        found.values, disputed = unite(each, by_reader=False)
        if disputed:
            _, first = contradiction(each, disputed[0], found.units, found.names, reading.position)
            _refuse_readers(found, len(disputed), first.rpartition(": ")[0])
    if choices.consensus is not None or choices.readers is not None:
        found.readings, found.readers = each, tuple(reading.readers)


def _refuse_readers(table: LabelTable, count: int, first: str) -> None:
    raise UsageError(
        f"{table.name} holds several readings (column '{table.layout.reader}') that contradict each other in {count:,} "
        f"places (first: {first}): say what they come to as consensus: majority, any, all or first; the readings are "
        "kept beside it",
        parameter="consensus",
    )


def _check_names(reading: Reading) -> None:
    labels, rename = reading.labels, reading.choices.rename
    if unknown := [name for name in rename if name not in labels]:
        raise UsageError(f"rename '{unknown[0]}': there is no such label, but {', '.join(sorted(labels))}")
    by_name: dict[str, str] = {}
    for told, label in labels.items():
        if label in by_name:
            raise UsageError(f"the labels '{by_name[label]}' and '{told}' would both be named '{label}'")
        by_name[label] = told
