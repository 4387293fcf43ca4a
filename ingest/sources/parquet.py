"""Parquet files as a source of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.report import Reject, Report
from ingest.sources.columns import find_columns, report_from_row
from kb.errors import ClearKbError
from kb.reading.parquet_file import UNREADABLE, open_parquet, plain, values

BATCH_ROWS = 1_000


class ParquetSource:
    """The reports of one Parquet file, a row a report; the units of `size` are rows."""

    def __init__(
        self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int, fields: Sequence[str] = ()
    ):
        self.name = str(path.resolve())
        self.format = "parquet"
        self.done = 0
        self._path = path
        self._max_chars = max_chars
        file = open_parquet(path)
        self.size = file.metadata.num_rows
        names = file.schema_arrow.names
        if not self.size:
            raise ClearKbError(f"{path} is empty")
        self._columns = find_columns(names, mapping, str(path), fields)
        self.unused_columns = tuple(name for name in names if name not in self._columns.used())

    def __iter__(self) -> Iterator[Report | Reject]:
        file = open_parquet(self._path)
        self.done = 0
        for group in range(file.num_row_groups):
            end = self.done + file.metadata.row_group(group).num_rows
            try:
                yield from self._group(file, group)
            except UNREADABLE as error:
                # The other row groups stand on their own.
                reason = f"rows {self.done + 1} to {end} cannot be read: {plain(error)}"
                yield Reject(f"row {self.done + 1}", reason)
            self.done = end

    def _group(self, file: Any, group: int) -> Iterator[Report | Reject]:
        wanted = sorted(self._columns.used())
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=wanted):
            for row in _rows(batch):
                self.done += 1
                yield report_from_row(row, self._columns, f"row {self.done}", max_chars=self._max_chars)


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    """The rows of a batch; a string that is not UTF-8 comes as its bytes, and costs its row alone."""
    for cells in zip(*map(values, batch.columns), strict=True):
        yield dict(zip(batch.schema.names, cells, strict=True))
