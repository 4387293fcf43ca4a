"""CSV and TSV files as a source of reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ingest.report import Reject, Report
from ingest.sources.columns import find_columns, report_from_row
from ingest.sources.csv_records import Record, read_records
from ingest.sources.lines import read_lines
from kb.errors import ClearKbError

DELIMITERS = ",;\t|"
"""What may stand between the fields of a .csv file: the one that cuts the header into most names."""


class DelimitedSource:
    """The reports of one CSV or TSV file, a row a report, read as a stream; the units of `size` are bytes."""

    def __init__(
        self,
        path: Path,
        delimiter: str,
        *,
        mapping: Mapping[str, str],
        encoding: str,
        max_chars: int,
        fields: Sequence[str] = (),
    ):
        self.name = str(path.resolve())
        self.format = "tsv" if delimiter == "\t" else "csv"
        self.size = path.stat().st_size
        self.done = 0
        self._path = path
        self._encoding = encoding
        self._delimiter = delimiter_of(path, encoding) if delimiter == "," else delimiter
        self._max_chars = max_chars
        self._header = read_header(path, self._delimiter, encoding)
        self._columns = find_columns(self._header, mapping, str(path), fields)
        used = self._columns.used()
        self.unused_columns = tuple(name for name in self._header if name not in used)

    def __iter__(self) -> Iterator[Report | Reject]:
        records = read_records(read_lines(self._path, self._encoding, self), self._delimiter)
        for position, row in rows_of(records, self._header):
            if isinstance(row, str):
                yield Reject(position, row)
            else:
                yield report_from_row(row, self._columns, position, max_chars=self._max_chars)


def rows_of(records: Iterable[Record], header: Sequence[str]) -> Iterator[tuple[str, dict[str, object] | str]]:
    """The rows below a header, each with where it stands: its cells by their columns, or why it cannot be read."""
    for row, record in enumerate(islice(records, 1, None), start=1):
        yield f"row {row} (line {record.line})", record.error or dict(zip(header, record.fields, strict=True))


def read_header(path: Path, delimiter: str, encoding: str) -> list[str]:
    """The names of the columns; ClearKbError if there are none to read."""
    first = next(read_records(read_lines(path, encoding), delimiter), None)
    if first is None:
        raise ClearKbError(f"{path} is empty")
    if first.error and "new-line character" in first.error:
        raise ClearKbError(f"{path} ends its lines with carriage returns alone: convert it (`mac2unix`)")
    if first.error:
        raise ClearKbError(f"the header of {path} cannot be read: {first.error}")
    header = [name.strip() for name in first.fields]
    if "\0" in "".join(header):
        raise ClearKbError(f"{path} is not a text file: there are NUL bytes in its header")
    return header


def delimiter_of(path: Path, encoding: str) -> str:
    """What stands between the fields of a table."""
    first = next((line.text for line in read_lines(path, encoding) if line.text.strip()), "")
    return max(DELIMITERS, key=re.sub(r'"[^"]*"', "", first).count)
