"""A table row by row: for what looks at a whole row at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ingest.sources.tables import TableFile


class TableRow(NamedTuple):
    """One row: where it stands and its cells by column; `error` says why it has none."""

    position: str
    cells: Mapping[str, Any]
    error: str | None = None


def table_rows(file: TableFile) -> Iterator[TableRow]:
    """The rows of a table, and those that hold none with the reason; a few thousand are in memory at a time."""
    for batch in file:
        names = list(batch.columns)
        cells = zip(*batch.columns.values(), strict=True)
        for row, line, values in zip(batch.rows, batch.lines, cells, strict=True):
            yield TableRow(file.position(row, line), dict(zip(names, values, strict=True)))
        for position, reason in batch.broken:
            yield TableRow(position, {}, reason)
