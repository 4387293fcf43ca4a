"""Parquet files as a source of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.report import Reject, Report
from ingest.sources.columns import find_columns, report_from_row
from kb.errors import ClearKbError

BATCH_ROWS = 1_000


class ParquetSource:
    """The reports of one Parquet file, a row a report; the units of `size` are rows."""

    def __init__(self, path: Path, *, mapping: Mapping[str, str], encoding: str, max_chars: int):
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
        self._columns = find_columns(names, mapping, str(path))
        self.unused_columns = tuple(name for name in names if name not in self._columns.used())

    def __iter__(self) -> Iterator[Report | Reject]:
        import pyarrow as pa

        wanted = sorted(self._columns.used())
        self.done = 0
        try:
            for batch in self._open().iter_batches(BATCH_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    self.done += 1
                    yield report_from_row(row, self._columns, f"row {self.done}", self._max_chars)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise ClearKbError(f"{self._path} is damaged after row {self.done}: {error}") from error

    def _open(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.ParquetFile(self._path)
        except (pa.ArrowException, OSError) as error:
            raise ClearKbError(f"{self._path} is not a Parquet file: {error}") from error
