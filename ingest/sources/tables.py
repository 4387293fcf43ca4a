"""Tables as columns of cells, a few thousand rows at a time: CSV, TSV, JSON and Parquet, compressed or not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.sources.csv_records import read_records
from ingest.sources.delimited import DELIMITERS
from ingest.sources.detect import detect_format
from ingest.sources.json_records import read_records_of
from ingest.sources.lines import known_encoding, read_lines
from ingest.sources.sound_rows import sound_rows
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json, require_whole_letters
from kb.reading.parquet_file import broken_told, open_parquet, values
from kb.reading.unreadable import Unreadable

FORMATS = ("csv", "tsv", "jsonl", "json", "parquet")
BATCH_ROWS = 8_000


@dataclass(frozen=True, slots=True)
class TableBatch:
    """Some rows of a table, column by column.

    `rows` and `lines` say where each stands, counted from 1; `broken` are those in between that hold no row, and why.
    """

    rows: Sequence[int]
    lines: Sequence[int]
    columns: dict[str, Sequence[Any]]
    broken: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class TableFile:
    """One file that holds a table."""

    path: Path
    encoding: str = "utf-8"

    @cached_property
    def format(self) -> str:
        """One of `FORMATS`; UsageError if it is none of them, or no file."""
        if not self.path.is_file():
            raise UsageError(f"there is no file {self.path}")
        known_encoding(self.encoding)
        found = detect_format(self.path)
        if found not in FORMATS:
            raise UsageError(f"{self.path} is no table: a .csv, .tsv, .json, .jsonl or .parquet file was expected")
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns; UsageError if two have one name, for nobody could tell which is meant."""
        if self.format == "parquet":
            names = tuple(open_parquet(self.path).schema_arrow.names)
        elif self.format in ("jsonl", "json"):
            names = tuple(dict.fromkeys(name for _, _, cells in self._objects() for name in cells or ()))
        else:
            names = self._header()
        if twice := [name for name, count in Counter(names).items() if count > 1 and name]:
            raise UsageError(f"{self.path} has two columns named {twice[0]}: rename one")
        if not names:
            raise ClearKbError(f"{self.path} holds no table: no columns were found in it")
        return names

    def __iter__(self) -> Iterator[TableBatch]:
        if self.format == "parquet":
            return self._parquet_batches()
        return self._object_batches() if self.format in ("jsonl", "json") else self._delimited()

    def position(self, row: int, line: int) -> str:
        """Where a row stands, in words."""
        if self.format == "jsonl":
            return f"line {line}"
        if self.format == "json":
            return f"record {row}"
        return f"row {row}" if self.format == "parquet" else f"row {row} (line {line})"

    @cached_property
    def _delimiter(self) -> str:
        if self.format == "tsv":
            return "\t"
        first = next((line.text for line in read_lines(self.path, self.encoding) if line.text.strip()), "")
        return max(DELIMITERS, key=re.sub(r'"[^"]*"', "", first).count)

    def _header(self) -> tuple[str, ...]:
        first = next(read_records(read_lines(self.path, self.encoding), self._delimiter), None)
        if first is None or first.error:
            raise ClearKbError(f"the header of {self.path} cannot be read: {first.error if first else 'it is empty'}")
        return tuple(name.strip() for name in first.fields)

    def _delimited(self) -> Iterator[TableBatch]:
        """The rows of a text file: fast while nothing is wrong with it, and with care from the first fault on."""
        sound = sound_rows(self.path, known_encoding(self.encoding), self._delimiter)
        row, fault = 0, False
        while taken := list(islice(sound, BATCH_ROWS)):
            good = [one for one in taken if one is not None]
            fault = len(good) < len(taken)
            rows = range(row + 1, row + 1 + len(good))
            row += len(good)
            columns = list(zip(*(fields for _, fields in good), strict=True)) or [()] * len(self.names)
            yield TableBatch(rows, [line for line, _ in good], dict(zip(self.names, columns, strict=True)))
        if fault:
            yield from self._with_care(row)

    def _with_care(self, row: int) -> Iterator[TableBatch]:
        """The rows after the first `row` ones, and what stands between them that is none."""
        records = islice(read_records(read_lines(self.path, self.encoding), self._delimiter), row + 1, None)
        while taken := list(islice(records, BATCH_ROWS)):
            numbered = list(enumerate(taken, start=row + 1))
            row += len(taken)
            good = [(at, record) for at, record in numbered if not record.error]
            columns = list(zip(*(record.fields for _, record in good), strict=True)) or [()] * len(self.names)
            yield TableBatch(
                [at for at, _ in good],
                [record.line for _, record in good],
                dict(zip(self.names, columns, strict=True)),
                [(self.position(at, record.line), record.error) for at, record in numbered if record.error],
            )

    def _objects(self) -> Iterator[tuple[int, str | None, dict[str, Any] | None]]:
        """The objects of JSON, each with its line or number, or the reason why there is none."""
        if self.format == "json":
            for number, record in enumerate(read_records_of(self.path), start=1):
                try:
                    require_whole_letters(record)
                    yield number, None, record
                except Unreadable as broken:
                    yield number, f"not JSON: {broken}", None
            return
        for line in read_lines(self.path, self.encoding):
            if line.error is None and not line.text.strip():
                continue
            error, cells = line.error, None
            try:
                cells = read_json(line.text) if error is None else None
                if "\\u" in line.text:
                    require_whole_letters(cells)
            except Unreadable as broken:
                error, cells = f"not JSON: {broken}", None
            if error is None and not isinstance(cells, dict):
                error, cells = "not a JSON object", None
            yield line.number, error, cells

    def _object_batches(self) -> Iterator[TableBatch]:
        objects, row = self._objects(), 0
        while taken := list(islice(objects, BATCH_ROWS)):
            numbered = list(enumerate(taken, start=row + 1))
            row += len(taken)
            good = [(at, line, cells) for at, (line, _, cells) in numbered if cells is not None]
            yield TableBatch(
                [at for at, _, _ in good],
                [line for _, line, _ in good],
                {name: [cells.get(name) for _, _, cells in good] for name in self.names},
                [(self.position(at, line), error) for at, (line, error, _) in numbered if error],
            )

    def _parquet_batches(self) -> Iterator[TableBatch]:
        number = 0
        batches = open_parquet(self.path).iter_batches(BATCH_ROWS)
        while True:
            with broken_told(self.path, f" after row {number:,}"):
                batch = next(batches, None)
                if batch is None:
                    return
                columns = dict(zip(batch.schema.names, map(_cells, batch.columns), strict=True))
            rows = range(number + 1, number + 1 + batch.num_rows)
            number += batch.num_rows
            yield TableBatch(rows, rows, columns)


def _cells(column: Any) -> Sequence[Any]:
    """The cells of a Parquet column; of lists of numbers, which are vectors or pixels, none is read."""
    kind = column.type
    if hasattr(kind, "value_type") and pa.types.is_primitive(kind.value_type) and not pa.types.is_dictionary(kind):
        return [None if cell is None else b"" for cell in column.is_valid().to_pylist()]
    return values(column)
