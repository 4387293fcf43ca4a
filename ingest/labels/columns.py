"""A whole table as columns of numbered values: each different cell is held once, and read once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from ingest.sources.tables import TableFile

T = TypeVar("T")


class Column:
    """The different cells of a column, and which of them each row has."""

    def __init__(self) -> None:
        self.cells: list[Any] = []
        """Each different cell, as it was read; 1, 1.0 and True are three."""
        self._numbers: dict[Any, int] = {}
        self._parts: list[np.ndarray] = []
        self._codes: np.ndarray | None = None

    @property
    def codes(self) -> np.ndarray:
        """The number of each row's cell among `cells`."""
        if self._codes is None:
            self._codes = np.concatenate(self._parts) if self._parts else np.empty(0, np.int32)
            self._parts = []
        return self._codes

    def take(self, cells: Sequence[Any]) -> None:
        """Add the cells of some more rows."""
        keys: Sequence[Any] = cells
        if not set(map(type, cells)) <= {str}:
            keys = [cell if isinstance(cell, str) else _key(cell) for cell in cells]
        known = self._numbers
        for key, cell in _new(keys, cells, known):
            if key not in known:
                known[key] = len(self.cells)
                self.cells.append(cell)
        self._parts.append(np.fromiter(map(known.__getitem__, keys), np.int32, len(keys)))
        self._codes = None

    def counts(self) -> np.ndarray:
        """How many rows have each of the cells."""
        return np.bincount(self.codes, minlength=len(self.cells))

    def read(self, reader: Callable[[Any], T]) -> Read[T]:
        """What `reader` makes of each different cell; what it refuses (ValueError) with its reason."""
        found: list[T | None] = []
        reasons: dict[int, str] = {}
        for at, cell in enumerate(self.cells):
            try:
                found.append(reader(cell))
            except ValueError as error:
                found.append(None)
                reasons[at] = str(error)
        return Read(self.codes, found, reasons)


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What was made of a column: `values` of its different cells, `codes` of its rows, `reasons` against cells."""

    codes: np.ndarray
    values: list[T | None]
    reasons: dict[int, str]

    def refused(self) -> list[tuple[int, str]]:
        """The rows whose cell was refused, and why."""
        if not self.reasons:
            return []
        rows = np.flatnonzero(np.isin(self.codes, list(self.reasons)))
        return [(int(row), self.reasons[int(self.codes[row])]) for row in rows]


@dataclass(frozen=True, slots=True)
class TableColumns:
    """All of a table: its columns by name, where its rows stand, and what of it is no row."""

    file: TableFile
    names: tuple[str, ...]
    columns: dict[str, Column]
    rows: np.ndarray
    lines: np.ndarray
    broken: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.rows)

    def position(self, at: int) -> str:
        """Where a row stands, in words."""
        return self.file.position(int(self.rows[at]), int(self.lines[at]))


def read_columns(file: TableFile) -> TableColumns:
    """Read a table once."""
    columns = {name: Column() for name in file.names}
    rows: list[np.ndarray] = []
    lines: list[np.ndarray] = []
    broken: list[tuple[str, str]] = []
    for batch in file:
        rows.append(np.array(batch.rows, np.int32))
        lines.append(np.array(batch.lines, np.int32))
        broken += batch.broken
        for name, cells in batch.columns.items():
            columns[name].take(cells)
    empty = np.empty(0, np.int32)
    return TableColumns(
        file=file,
        names=file.names,
        columns=columns,
        rows=np.concatenate([empty, *rows]),
        lines=np.concatenate([empty, *lines]),
        broken=broken,
    )


def _new(keys: Sequence[Any], cells: Sequence[Any], known: dict[Any, int]) -> list[tuple[Any, Any]]:
    """The keys that were not met before, each once, with their cells: most batches have few."""
    fresh = set(keys).difference(known)
    return [(key, cell) for key, cell in zip(keys, cells, strict=True) if key in fresh] if fresh else []


def _key(cell: Any) -> Any:
    """What a cell that is no text is told from others by."""
    if isinstance(cell, list | dict):
        return json.dumps(cell, default=str, sort_keys=True), type(cell)
    return (None, None) if cell is None or cell != cell else (cell, type(cell))
