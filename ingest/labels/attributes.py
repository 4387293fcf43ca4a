"""What a table of labels or scores says beside them of its images and studies: sex, age, site, device, ..."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.identity.hashed_rows import parts_of, without_ids
from ingest.images.image_sources import COLUMNS
from ingest.labels.boxes import in_words
from ingest.labels.cell_values import cell_text
from ingest.labels.columns import Column
from ingest.labels.layout import Unit, plain_name
from ingest.labels.list_cells import Box
from ingest.sources.ages import read_age
from ingest.sources.cells import text_of, unstorable
from ingest.sources.metadata import LONGEST, is_prose
from kb.privacy.id_key import IdKey
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables
from schemas.tables import ATTRIBUTES
from schemas.terms import BOXES

BATCH = 50_000
"""Rows that are written together."""

AGES = frozenset(plain_name(name) for name in COLUMNS["age"])
"""What columns of ages are called."""

NO_SUCH_THING = "none"
_DIGEST = (
    "SELECT count(*), sum(hash(hash(image_id, study_id, patient_id, name, value))), "
    "sum(hash(hash(name, value, image_id, study_id, patient_id))) FROM told"
)


class Attributes:
    """The metadata of a table by column: a value for each unit, where two rows of one contradict the first one's.

    A table has millions of cells and few different ones, so a column holds each text once, and numbers beside.
    """

    def __init__(self, units: Sequence[Unit] = (), key: IdKey | None = None) -> None:
        self.contradictions: dict[str, int] = {}
        """The cells that say other than an earlier row of the same unit, by column."""
        self.odd_ages = 0
        """The images and studies whose age is no number of years: it is kept as given."""
        self._units = units
        self._key = key
        self._ids = frozenset[str]() if key is None else parts_of(*(one for unit in units for one in unit))
        self._columns: dict[str, tuple[list[str], np.ndarray]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are kept: those with any value."""
        return tuple(name for name, (_, numbers) in self._columns.items() if (numbers >= 0).any())

    def __len__(self) -> int:
        return sum(int((numbers >= 0).sum()) for _, numbers in self._columns.values())

    def take(self, name: str, column: Column, of_row: np.ndarray, rows: np.ndarray) -> None:
        """Keep what some rows say of their units; a column with a cell that is no short text is given up.

        Args:
            name: of the column.
            column: its cells.
            of_row: the unit of each row, -1 for none.
            rows: which rows count.
        """
        codes = column.codes[rows]
        try:
            texts = {code: _value(column.cells[code]) for code in np.unique(codes).tolist()}
        except ValueError:
            return
        told = [text for text in texts.values() if text]
        if is_prose(set(told)):
            return
        known = {text: at for at, text in enumerate(dict.fromkeys(told))}
        place = np.full(len(column.cells), -1, np.int32)
        for code, text in texts.items():
            place[code] = known.get(text, -1)
        self._put(name, [self._shown(text, name) for text in known], of_row[rows], place[codes])
        if plain_name(name) in AGES:
            odd = [at for text, at in known.items() if read_age(text)[1]]
            self.odd_ages += int(np.isin(self._columns[name][1], odd).sum())

    def mark(self, split: str) -> None:
        """Let all units lie in one split; what the table says of their splits is kept as published."""
        for name in [name for name in self._columns if name.lower() == "split"]:
            self._columns["published split"] = self._columns.pop(name)
        self._columns["split"] = ([split], np.zeros(len(self._units), np.int32))

    def _put(self, name: str, texts: list[str], units: np.ndarray, said: np.ndarray) -> None:
        units, said = units[said >= 0], said[said >= 0]
        numbers = np.full(len(self._units), -1, np.int32)
        first, where = np.unique(units, return_index=True)
        numbers[first] = said[where]
        if contradicted := int((numbers[units] != said).sum()):
            self.contradictions[name] = contradicted
        self._columns[name] = (texts, numbers)

    def _shown(self, text: str, name: str) -> str:
        """A text as it is stored: what tells an id is hashed where ids are."""
        return text if self._key is None else without_ids(text, name, self._key, self._ids)

    def take_boxes(self, boxes: Mapping[tuple[int, str], Sequence[Box]]) -> None:
        """Keep the boxes of some units, by the unit and the label."""
        for label in dict.fromkeys(label for _, label in boxes):
            mine = {unit: in_words(found) for (unit, name), found in boxes.items() if name == label and found}
            texts = list(dict.fromkeys(mine.values()))
            known = {text: at for at, text in enumerate(texts)}
            units = np.fromiter(mine, np.int64, len(mine))
            said = np.array([known[text] for text in mine.values()], np.int32)
            self._put(f"{BOXES}{label}", texts, units, said)

    def forget(self, units: np.ndarray) -> None:
        """Keep nothing of those units that are marked."""
        for _, numbers in self._columns.values():
            numbers[units] = -1

    def drop(self, labels: Collection[str]) -> None:
        """Give up the columns that are named as `labels`."""
        named = {plain_name(label) for label in labels}
        for name in [name for name in self._columns if plain_name(name) in named]:
            del self._columns[name]
            self.contradictions.pop(name, None)

    def batches(self, source: str) -> Iterator[pa.RecordBatch]:
        """The attributes as rows of the table `attributes`, a few at a time."""
        ids = [pa.array([unit[at] for unit in self._units], pa.string()) for at in range(3)]
        for name in self.names:
            told, numbers = self._columns[name]
            texts, found = pa.array(told, pa.string()), np.flatnonzero(numbers >= 0)
            for start in range(0, len(found), BATCH):
                at = found[start : start + BATCH]
                same = [pa.repeat(name, len(at)), texts.take(pa.array(numbers[at])), pa.repeat(source, len(at))]
                units = [one.take(pa.array(at)) for one in ids]
                yield pa.RecordBatch.from_arrays([*units, *same], schema=ATTRIBUTES.schema)


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


def _value(value: Any) -> str:
    """A cell as it is stored, "" where it is blank; ValueError if it is no text that can be kept."""
    if isinstance(value, float | Decimal) and value == value and value % 1 == 0:
        value = int(value)  # A column of whole numbers with blanks comes as floats: 63.0 is 63.
    elif isinstance(value, list | dict | bytes):
        value = text_of({"": value}, "")
    text = "" if value is None else str(value).strip()
    if len(text) > LONGEST or unstorable(text, "a cell"):
        raise ValueError("no short text")
    # "none" of a drain says that there was none: it is a value beside "in place".
    return text if cell_text(text) or text.lower() == NO_SUCH_THING else ""
