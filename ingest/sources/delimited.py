"""CSV and TSV files as a source of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from ingest.report import Reject, Report
from ingest.sources.columns import Columns, find_columns, report_from_row
from ingest.sources.csv_records import read_records
from ingest.sources.lines import read_lines
from kb.errors import ClearKbError, UsageError


class DelimitedSource:
    """The reports of one CSV or TSV file, a row a report, read as a stream; the units of `size` are bytes."""

    def __init__(self, path: Path, delimiter: str, *, mapping: Mapping[str, str], encoding: str, max_chars: int):
        self.name = str(path.resolve())
        self.format = "tsv" if delimiter == "\t" else "csv"
        self.size = path.stat().st_size
        self.done = 0
        self._path = path
        self._delimiter = delimiter
        self._encoding = encoding
        self._max_chars = max_chars
        self._header, self._columns = self._read_header(mapping)
        used = self._columns.used()
        self.unused_columns = tuple(name for name in self._header if name not in used)

    def __iter__(self) -> Iterator[Report | Reject]:
        records = read_records(read_lines(self._path, self._encoding, self), self._delimiter)
        for row, record in enumerate(islice(records, 1, None), start=1):
            position = f"row {row} (line {record.line})"
            if record.error:
                yield Reject(position, record.error)
            else:
                values = dict(zip(self._header, record.fields, strict=True))
                yield report_from_row(values, self._columns, position, self._max_chars)

    def _read_header(self, mapping: Mapping[str, str]) -> tuple[list[str], Columns]:
        first = next(read_records(read_lines(self._path, self._encoding), self._delimiter), None)
        if first is None:
            raise ClearKbError(f"{self._path} is empty")
        if first.error:
            raise ClearKbError(f"the header of {self._path} cannot be read: {first.error}")
        header = [name.strip() for name in first.fields]
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise UsageError(f"{self._path} has two columns named {', '.join(twice)}: rename one")
        return header, find_columns(header, mapping, str(self._path))
