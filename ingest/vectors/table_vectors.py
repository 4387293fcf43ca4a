"""Vectors in tables: Parquet, whose columns may be lists, and CSV, whose cells may be JSON lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.sources.cells import identifier
from ingest.sources.tables import TableFile
from ingest.vectors.ids_beside import id_column
from ingest.vectors.vector_columns import find_vector_columns
from ingest.vectors.vector_rows import ROWS, VectorFile, VectorRows, Vectors, as_float32
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json
from kb.reading.parquet_file import broken_told, open_parquet

NO_NUMBERS = "it holds something that is no number"


class ParquetVectors(VectorFile):
    """A Parquet file with a column of lists, of lists of one length, or of numbers a dimension."""

    def __init__(self, path: Path, image: str | None, vector: str | None):
        self.name, self._path = path.name, path
        schema = self._file.schema_arrow
        self._image = id_column(schema.names, image, str(path))
        lists = [name for name in schema.names if _depth(schema.field(name).type)]
        numbers = [name for name in schema.names if _depth(schema.field(name).type) is not None or name == self._image]
        self._columns = find_vector_columns(numbers, lists, self._image, column=vector, where=str(path))
        self.told = _told("Parquet", self._columns)
        self.unused = tuple(name for name in schema.names if name not in {self._image, *self._columns})

    def __iter__(self) -> Iterator[VectorRows]:
        first = 1
        batches = self._file.iter_batches(ROWS, columns=[self._image, *self._columns])
        while True:
            with broken_told(self._path, f" after row {first - 1:,}"):
                batch = next(batches, None)
                if batch is None:
                    return
                ids, faults = _ids(batch[self._image].to_pylist(), self._image)
                vectors = self._vectors(batch)
            yield VectorRows(first, ids, vectors, faults)
            first += batch.num_rows

    @cached_property
    def _file(self) -> Any:
        # What is buffered ahead is held to the end: of vectors that would be the file.
        return open_parquet(self._path, pre_buffer=False)

    def _vectors(self, batch: pa.RecordBatch) -> Vectors:
        if len(self._columns) == 1 and _depth(batch.schema.field(self._columns[0]).type):
            return _of_lists(batch[self._columns[0]])
        # A null is NaN then, and refused as such.
        columns = [as_float32(batch[name].to_numpy(zero_copy_only=False).astype(np.float64)) for name in self._columns]
        return np.stack(columns, axis=1)


class DelimitedVectors(VectorFile):
    """A CSV or TSV file with a column a dimension, or one of JSON lists."""

    def __init__(self, path: Path, image: str | None, vector: str | None, encoding: str = "utf-8"):
        self.name, self._table = path.name, TableFile(path, encoding)
        names = self._table.names
        self._image = id_column(names, image, str(path))
        lists = self._lists() if vector is None else [vector]
        self._columns = find_vector_columns(names, lists, self._image, column=vector, where=str(path))
        self.told = _told("CSV", self._columns)
        self.unused = tuple(name for name in names if name not in {self._image, *self._columns})

    def __iter__(self) -> Iterator[VectorRows]:
        for batch in self._table:
            if batch.broken:
                where, why = batch.broken[0]
                raise ClearKbError(f"{self.name}, {where}: {why}")
            ids, faults = _ids(batch.columns[self._image], self._image)
            rows = zip(*(batch.columns[name] for name in self._columns), strict=True)
            vectors: list[np.ndarray | None] = []
            for at, cells in enumerate(rows):
                found = self._vector(cells)
                vectors.append(None if isinstance(found, str) else found)
                if isinstance(found, str):
                    faults.setdefault(at, found)
            yield VectorRows(batch.rows[0] if len(batch.rows) else 1, ids, vectors, faults)

    def _vector(self, cells: Sequence[str]) -> np.ndarray | str:
        """The numbers of one row, or why there are none."""
        if len(cells) == 1 and cells[0].lstrip().startswith("["):
            try:
                return as_float32(np.array(read_json(cells[0]), dtype=np.float64))
            except (ValueError, TypeError, OverflowError):
                return NO_NUMBERS
        try:
            return as_float32(np.array(cells, dtype=np.float64))
        except ValueError:
            odd = next((name for name, cell in zip(self._columns, cells, strict=True) if not _is_number(cell)), "")
            return f"column '{odd}' holds no number" if odd else NO_NUMBERS

    def _lists(self) -> list[str]:
        """The columns whose first cell is a JSON list."""
        first = next(iter(self._table), None)
        if first is None or not len(first.rows):
            return []
        return [name for name, cells in first.columns.items() if str(cells[0]).lstrip().startswith("[")]


def _told(kind: str, columns: Sequence[str]) -> str:
    if len(columns) == 1:
        return f"{kind}, column '{columns[0]}'"
    return f"{kind}, columns {columns[0]} to {columns[-1]}"


def _ids(cells: Sequence[object], column: str) -> tuple[list[str | None], dict[int, str]]:
    ids: list[str | None] = []
    faults: dict[int, str] = {}
    for at, cell in enumerate(cells):
        try:
            ids.append(identifier({column: cell}, column))
        except ValueError as error:
            ids.append(None)
            faults[at] = str(error)
    return ids, faults


def _depth(kind: pa.DataType) -> int | None:
    """How many lists stand around the numbers of a column: 0 for none; None if it holds no numbers."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = _depth(kind.value_type)
        return None if inner is None else inner + 1
    return 0 if pa.types.is_floating(kind) or pa.types.is_integer(kind) else None


def _of_lists(column: pa.Array) -> Vectors:
    """The vectors in a column of lists: as one array where they are of one length, else a row at a time."""
    if pa.types.is_fixed_size_list(column.type) and not _depth(column.type.value_type) and not column.null_count:
        return _numbers(column.flatten()).reshape(len(column), -1)
    found: list[np.ndarray | None] = []
    for cell in column:
        found.append(None if not cell.is_valid else _one(cell.values))
    lengths = {None if one is None else one.shape for one in found}
    if len(lengths) == 1 and None not in lengths:
        return np.stack([one for one in found if one is not None])
    return found


def _one(values: pa.Array) -> np.ndarray | None:
    """One vector, or patches one below the other; None where they are of several lengths."""
    if not _depth(values.type):
        return _numbers(values)
    rows = [_numbers(cell.values) if cell.is_valid else np.empty(0, np.float32) for cell in values]
    return np.stack(rows) if len({len(row) for row in rows}) == 1 else None


def _numbers(values: pa.Array) -> np.ndarray:
    # A null becomes NaN in the pass over numpy.
    return as_float32(values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def table_vectors(path: Path, image: str | None, vector: str | None, encoding: str) -> VectorFile:
    """A table of vectors; UsageError if it is none of CSV, TSV and Parquet."""
    form = TableFile(path, encoding).format
    if form == "parquet":
        return ParquetVectors(path, image, vector)
    if form in ("csv", "tsv"):
        return DelimitedVectors(path, image, vector, encoding)
    raise UsageError(f"{path} is {form}: vectors come as Parquet, CSV, .npy, .npz, HDF5 or safetensors")
