"""CSV and TSV files as a source of reports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from ingest.report import Reject, Report
from ingest.sources.columns import Columns, find_columns, report_from_row
from ingest.sources.csv_records import read_records
from ingest.sources.lines import read_lines
from kb.errors import ClearKbError

DELIMITERS = ",;\t|"
"""What may stand between the fields of a .csv file: the one that cuts the header into most names."""


class DelimitedSource:
    """The reports of one CSV or TSV file, a row a report, read as a stream; the units of `size` are bytes."""

    def __init__(self, path: Path, delimiter: str, *, mapping: Mapping[str, str], encoding: str, max_chars: int):
        self.name = str(path.resolve())
        self.format = "tsv" if delimiter == "\t" else "csv"
        self.size = path.stat().st_size
        self.done = 0
        self._path = path
        self._encoding = encoding
        self._delimiter = self._delimiter_in_words() if delimiter == "," else delimiter
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
                yield report_from_row(values, self._columns, position, max_chars=self._max_chars)

    def _read_header(self, mapping: Mapping[str, str]) -> tuple[list[str], Columns]:
        first = next(read_records(read_lines(self._path, self._encoding), self._delimiter), None)
        if first is None:
            raise ClearKbError(f"{self._path} is empty")
        if first.error and "new-line character" in first.error:
            raise ClearKbError(f"{self._path} ends its lines with carriage returns alone: convert it (`mac2unix`)")
        if first.error:
            raise ClearKbError(f"the header of {self._path} cannot be read: {first.error}")
        header = [name.strip() for name in first.fields]
        if "\0" in "".join(header):
            raise ClearKbError(f"{self._path} is not a text file: there are NUL bytes in its header")
        return header, find_columns(header, mapping, str(self._path))

    def _delimiter_in_words(self) -> str:
        lines = read_lines(self._path, self._encoding)
        first = next((line.text for line in lines if line.text.strip()), "")
        return max(DELIMITERS, key=re.sub(r'"[^"]*"', "", first).count)
