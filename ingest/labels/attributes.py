"""What a table of labels or scores says beside them of its images and studies: sex, age, site, device, ..."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.identity.stored import ResolvedUnits
from ingest.labels.cell_values import cell_text
from ingest.labels.layout import Unit, plain_name
from ingest.labels.repeats import Units
from ingest.sources.cells import text_of, unstorable
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables
from schemas.tables import ATTRIBUTES

BATCH = 50_000
"""Rows that are written together."""

LONGEST = 1_000
"""Characters of a value: a column with a longer one holds texts, not metadata."""

_DIGEST = (
    "SELECT count(*), sum(hash(hash(image_id, study_id, patient_id, name, value))), "
    "sum(hash(hash(name, value, image_id, study_id, patient_id))) FROM told"
)


class Attributes:
    """The metadata of a table by column: a value for each unit, where two rows of one contradict the first one's.

    A table has millions of cells and few different ones, so a column holds each text once, and numbers beside.
    """

    def __init__(self, columns: Sequence[str] = ()):
        self.contradictions: dict[str, int] = {}
        """The cells that say other than an earlier row of the same unit, by column."""
        self._columns = {name: _Column() for name in columns}
        self._units: list[Unit] = []
        self._known: tuple[dict[str | None, int], dict[str | None, int]] = ({}, {})

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are kept: those with any value."""
        return tuple(name for name, column in self._columns.items() if column.texts)

    def __len__(self) -> int:
        return sum(len(column.numbers) - column.numbers.count(-1) for column in self._columns.values())

    def take(self, unit: Unit, cells: Mapping[str, Any]) -> None:
        """Keep what a row says of its unit; a column with a cell that is no short text is given up."""
        known, key = (self._known[0], unit[0]) if unit[0] is not None else (self._known[1], unit[1])
        at = known.setdefault(key, len(self._units))
        if at == len(self._units):
            self._units.append(unit)
        for name, column in tuple(self._columns.items()):
            try:
                text = _value(cells, name)
            except ValueError:
                self._drop(name)
                continue
            if text and not column.put(at, text):
                self.contradictions[name] = self.contradictions.get(name, 0) + 1

    def settle(self, units: Units) -> None:
        """Complete what the units are of by all of their rows; what is disputed has no attributes."""
        self._known = ({}, {})
        for at, unit in enumerate(self._units):
            whole = units[unit]
            self._units[at] = whole or unit
            for column in self._columns.values() if whole is None else ():
                if at < len(column.numbers):
                    column.numbers[at] = -1

    def respell(self, resolved: ResolvedUnits) -> None:
        """Let each unit be what it was found to be; of one that may be several nothing is kept."""
        for at, unit in enumerate(self._units):
            for column in self._columns.values() if resolved.refusal(unit) is not None else ():
                if at < len(column.numbers):
                    column.numbers[at] = -1
        self._units = [resolved[unit] for unit in self._units]

    def finish(self, labels: Collection[str]) -> None:
        """Nothing more is taken: give up the columns that are named as `labels`."""
        named = {plain_name(label) for label in labels}
        for name in [name for name in self._columns if plain_name(name) in named]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        del self._columns[name]
        self.contradictions.pop(name, None)

    def batches(self, source: str) -> Iterator[pa.RecordBatch]:
        """The attributes as rows of the table `attributes`, a few at a time."""
        ids = [pa.array([unit[at] for unit in self._units], pa.string()) for at in range(3)]
        for name in self.names:
            column = self._columns[name]
            texts, numbers = pa.array(list(column.texts), pa.string()), np.frombuffer(column.numbers, np.int32)
            found = np.flatnonzero(numbers >= 0)
            for start in range(0, len(found), BATCH):
                at = found[start : start + BATCH]
                same = [pa.repeat(name, len(at)), texts.take(pa.array(numbers[at])), pa.repeat(source, len(at))]
                units = [one.take(pa.array(at)) for one in ids]
                yield pa.RecordBatch.from_arrays([*units, *same], schema=ATTRIBUTES.schema)


class _Column:
    """The different texts of a column, and which of them each unit has: -1 if none."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.numbers = array("i")

    def put(self, at: int, text: str) -> bool:
        """Let the unit `at` have `text`; False if it has another already."""
        if (behind := at + 1 - len(self.numbers)) > 0:
            self.numbers.extend([-1] * behind)
        if self.numbers[at] == -1:
            self.numbers[at] = self.texts.setdefault(text, len(self.texts))
            return True
        return self.numbers[at] == self.texts.get(text)


def same_attributes(state: Tables, source: str, attributes: Attributes) -> bool:
    """Whether the attributes of `source` are stored as they are here, in whatever order."""
    where, stored = f"source IN {literals([source])}", state.dataset("attributes")
    rows = len(attributes)
    if rows == 0 or stored.count_rows(filter=where) != rows:
        return rows == stored.count_rows(filter=where)
    here = pa.RecordBatchReader.from_batches(ATTRIBUTES.schema, attributes.batches(source))
    return _digest(here) == _digest(stored.scanner(filter=where).to_reader())


def replace_attributes(publication: Publication, source: str, attributes: Attributes) -> bool:
    """Put `attributes` in the place of those of `source`; says whether that changed anything."""
    if same_attributes(publication, source, attributes):
        return False
    publication.replace("attributes", f"source IN {literals([source])}", attributes.batches(source))
    return True


def _digest(told: pa.RecordBatchReader) -> tuple[Any, ...] | None:
    """A number for a set of rows: millions of them are compared without holding or sorting them."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("told", told)
        return connection.execute(_DIGEST).fetchone()


def _value(cells: Mapping[str, Any], column: str) -> str:
    """A cell as it is stored, "" where it is blank; ValueError if it is no text that can be kept."""
    value = cells.get(column)
    if isinstance(value, float | Decimal) and value == value and value % 1 == 0:
        value = int(value)  # A column of whole numbers with blanks comes as floats: 63.0 is 63.
    elif isinstance(value, list | dict | bytes):
        value = text_of(cells, column)
    text = "" if value is None else str(value).strip()
    if len(text) > LONGEST or unstorable(text, column):
        raise ValueError(column)
    return text if cell_text(text) else ""
