"""The rows of a query that runs in this process: read from DuckDB as they are asked for, within the query's limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from kb.errors import ClearKbError
from kb.sql.result import BATCH, Result, as_float
from kb.vocabulary.query import FETCH

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")


class Asked(Protocol):
    """What a result needs of the views that it is of: their connection, and whether its rows may still be read."""

    _connection: duckdb.DuckDBPyConnection
    _reading: object
    _reader: pa.RecordBatchReader | None

    def end_reading(self) -> None:
        """End the result that is still open, if any."""
        ...

    def guarded(self, seconds: float, sql: str) -> AbstractContextManager[None]:
        """Hold what runs inside to the limits."""
        ...


class ViewResult(Result):
    """The rows of one query of `kb.sql.views.Views`.

    Attributes:
        left: seconds that it may still take, without what is done with its rows between.
    """

    def __init__(self, views: Asked, sql: str, parameters: dict[str, Any], kinds: Mapping[str, str], left: float):
        super().__init__(kinds)
        self.left = left
        self._views = views
        self._sql = sql
        self._parameters = parameters

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names, reading = self.columns, self._start()
        cursor = self._timed(reading, lambda: self._views._connection.execute(self._sql, self._parameters or None))
        exact = [name for name, kind in self.kinds.items() if "DECIMAL" in kind]
        while rows := self._timed(reading, lambda: cursor.fetchmany(FETCH)):
            for row in rows:
                told = dict(zip(names, row, strict=True))
                yield told | {name: as_float(told[name]) for name in exact} if exact else told

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows as Arrow batches, some thousands at a time, behind an empty one that has their schema."""
        reading = self._start()
        reader = self._timed(reading, self._open_reader)
        named = [field.with_name(name) for field, name in zip(reader.schema, self.columns, strict=True)]
        schema = pa.schema([field.with_type(pa.float64()) if _is_decimal(field.type) else field for field in named])
        yield pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
        while (batch := self._timed(reading, lambda: next(reader, None))) is not None:
            columns = [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _open_reader(self) -> pa.RecordBatchReader:
        relation = self._views._connection.sql(self._sql, params=self._parameters)
        self._views._reader = reader = relation.to_arrow_reader(BATCH)
        return reader

    def _start(self) -> object:
        self._views.end_reading()
        return self._views._reading

    def _timed(self, reading: object, work: Callable[[], T]) -> T:
        if self._views._reading is not reading:
            raise ClearKbError("another query of the session was run before all rows of this one were read")
        started = time.monotonic()
        with self._views.guarded(self.left, self._sql):
            done = work()
        self.left -= time.monotonic() - started
        return done


def _is_decimal(kind: pa.DataType) -> bool:
    """Whether a column holds exact fractions; whole numbers beyond 64 bits are exact too, and stay so."""
    return pa.types.is_decimal(kind) and kind.scale > 0
