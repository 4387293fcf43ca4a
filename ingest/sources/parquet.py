"""Parquet files as a source of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.report import Reject, Report
from ingest.sources.columns import find_columns, report_from_row
from kb.errors import ClearKbError

BATCH_ROWS = 1_000
UNREADABLE = (OSError, ValueError, RuntimeError, NotImplementedError)  # Arrow's errors are of these kinds


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
        file = self._open()
        self.size = file.metadata.num_rows
        names = file.schema_arrow.names
        if not self.size:
            raise ClearKbError(f"{path} is empty")
        self._columns = find_columns(names, mapping, str(path), fields)
        self.unused_columns = tuple(name for name in names if name not in self._columns.used())

    def __iter__(self) -> Iterator[Report | Reject]:
        file = self._open()
        self.done = 0
        for group in range(file.num_row_groups):
            end = self.done + file.metadata.row_group(group).num_rows
            try:
                yield from self._group(file, group)
            except UNREADABLE as error:
                # The other row groups stand on their own.
                reason = f"rows {self.done + 1} to {end} cannot be read: {error}"
                yield Reject(f"row {self.done + 1}", reason)
            self.done = end

    def _group(self, file: Any, group: int) -> Iterator[Report | Reject]:
        wanted = sorted(self._columns.used())
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=wanted):
            for row in _rows(batch):
                self.done += 1
                yield report_from_row(row, self._columns, f"row {self.done}", max_chars=self._max_chars)

    def _open(self) -> Any:
        try:
            return pq.ParquetFile(self._path)
        except UNREADABLE as error:
            raise ClearKbError(f"{self._path} is not a Parquet file: {error}") from error


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    """The rows of a batch; a string that is not UTF-8 comes as its bytes, and costs its row alone."""
    values = [_values(column) for column in batch.columns]
    for cells in zip(*values, strict=True):
        yield dict(zip(batch.schema.names, cells, strict=True))


def _values(column: Any) -> list[Any]:
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        binary = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        return column.cast(binary).to_pylist()
