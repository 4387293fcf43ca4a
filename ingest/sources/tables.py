"""Tables of labels and predictions as plain rows: CSV, TSV, JSON Lines and Parquet, read as often as is needed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from ingest.sources.csv_records import read_records
from ingest.sources.delimited import DELIMITERS
from ingest.sources.detect import detect_format
from ingest.sources.lines import known_encoding, read_lines
from kb.errors import ClearKbError, UsageError

FORMATS = ("csv", "tsv", "jsonl", "parquet")
BATCH_ROWS = 4_000
UNREADABLE = (OSError, ValueError, RuntimeError, NotImplementedError)  # Arrow's errors are of these kinds


class TableRow(NamedTuple):
    """One row: where it stands and its cells by column; `error` says why it has none."""

    position: str
    cells: Mapping[str, Any]
    error: str | None = None


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
            raise UsageError(f"{self.path} is no table: a .csv, .tsv, .jsonl or .parquet file was expected")
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns; UsageError if two have one name, for nobody could tell which is meant."""
        if self.format == "parquet":
            names = tuple(self._parquet().schema_arrow.names)
        elif self.format == "jsonl":
            names = tuple(dict.fromkeys(name for row in self._json_lines() for name in row.cells))
        else:
            names = self._header()
        if twice := [name for name, count in Counter(names).items() if count > 1 and name]:
            raise UsageError(f"{self.path} has two columns named {twice[0]}: rename one")
        if not names:
            raise ClearKbError(f"{self.path} holds no table: no columns were found in it")
        return names

    def __iter__(self) -> Iterator[TableRow]:
        if self.format == "parquet":
            return self._parquet_rows()
        return self._json_lines() if self.format == "jsonl" else self._delimited()

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

    def _delimited(self) -> Iterator[TableRow]:
        records = read_records(read_lines(self.path, self.encoding), self._delimiter)
        for number, record in enumerate(islice(records, 1, None), start=1):
            cells = {} if record.error else dict(zip(self.names, record.fields, strict=True))
            yield TableRow(f"row {number} (line {record.line})", cells, record.error)

    def _json_lines(self) -> Iterator[TableRow]:
        for line in read_lines(self.path, self.encoding):
            if line.error is None and not line.text.strip():
                continue
            error, row = line.error, None
            try:
                row = json.loads(line.text) if error is None else None
            except (ValueError, RecursionError) as broken:
                error = f"not JSON: {broken}"
            if error is None and not isinstance(row, dict):
                error = "not a JSON object"
            yield TableRow(f"line {line.number}", row if isinstance(row, dict) else {}, error)

    def _parquet(self) -> Any:
        try:
            return pq.ParquetFile(self.path)
        except UNREADABLE as error:
            raise ClearKbError(f"{self.path} is not a Parquet file: {error}") from error

    def _parquet_rows(self) -> Iterator[TableRow]:
        number = 0
        try:
            for batch in self._parquet().iter_batches(BATCH_ROWS):
                for cells in batch.to_pylist():
                    number += 1
                    yield TableRow(f"row {number}", cells)
        except UNREADABLE as error:
            raise ClearKbError(f"{self.path} cannot be read after row {number:,}: {error}") from error
