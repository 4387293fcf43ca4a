"""One JSON document, an array or an object of records, as a source of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ingest.report import Reject, Report
from ingest.sources.columns import find_columns, report_from_row, with_late_sections
from ingest.sources.json_records import read_records_of

HEADER_RECORDS = 100
"""Records whose keys together are taken for the columns."""


class JsonDocumentSource:
    """The reports of one JSON document, an object a report, read as a stream; the units of `size` are records."""

    def __init__(
        self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int, fields: Sequence[str] = ()
    ):
        self.name = str(path.resolve())
        self.format = "json"
        self.size = 0
        self.done = 0
        self._path = path
        self._max_chars = max_chars
        names = list(dict.fromkeys(name for row in islice(read_records_of(path), HEADER_RECORDS) for name in row))
        self._known = frozenset(names)
        self._columns = find_columns(names, mapping, str(path), fields)
        self.unused_columns = tuple(name for name in names if name not in self._columns.used())
        self.size = sum(1 for _ in read_records_of(path))

    def __iter__(self) -> Iterator[Report | Reject]:
        columns = self._columns
        for number, row in enumerate(read_records_of(self._path), start=1):
            if not row.keys() <= self._known:
                columns = with_late_sections(columns, [key for key in row if key not in self._known])
            self.done = number
            yield report_from_row(row, columns, f"record {number}", max_chars=self._max_chars)
