"""The rows of one query: as dictionaries, or as Arrow, a batch at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from kb.errors import ClearKbError
from kb.vocabulary.query import FETCH

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

BATCH = 50_000
"""Rows of an Arrow batch."""


class Asked(Protocol):
    """What a result needs of the session that it is of: its connection, and whether its rows may still be read."""

    _connection: duckdb.DuckDBPyConnection
    _reading: object
    _reader: pa.RecordBatchReader | None

    def _end_reading(self) -> None: ...

    def _guarded(self, seconds: float, sql: str) -> AbstractContextManager[None]: ...


@dataclass(eq=False)
class Result:
    """The rows of one query; it runs when they are first asked for, and the next query of the session ends it.

    Attributes:
        session: that it is of.
        sql: the query.
        parameters: what it was told.
        names: of its columns, as the query has them.
        left: seconds that it may still take, without what is done with its rows between.
    """

    session: Asked
    sql: str
    parameters: dict[str, Any]
    names: list[str]
    left: float

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns; where two are the same, the second is "name_1"."""
        names: list[str] = []
        for column in self.names:
            number, name = 0, column
            while name in names:
                number += 1
                name = f"{column}_{number}"
            names.append(name)
        return names

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names, reading = self.columns, self._start()
        cursor = self._timed(reading, lambda: self.session._connection.execute(self.sql, self.parameters or None))
        exact = [name for name, about in zip(names, cursor.description, strict=True) if "DECIMAL" in str(about[1])]
        while rows := self._timed(reading, lambda: cursor.fetchmany(FETCH)):
            for row in rows:
                told = dict(zip(names, row, strict=True))
                yield told | {name: as_float(told[name]) for name in exact} if exact else told

    def rows(self) -> list[dict[str, Any]]:
        """All rows."""
        return list(self)

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table."""
        head, *batches = self.batches()
        return pa.Table.from_batches(batches, schema=head.schema)

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
        relation = self.session._connection.sql(self.sql, params=self.parameters)
        self.session._reader = reader = relation.to_arrow_reader(BATCH)
        return reader

    def _start(self) -> object:
        self.session._end_reading()
        return self.session._reading

    def _timed(self, reading: object, work: Callable[[], T]) -> T:
        if self.session._reading is not reading:
            raise ClearKbError("another query of the session was run before all rows of this one were read")
        started = time.monotonic()
        with self.session._guarded(self.left, self.sql):
            done = work()
        self.left -= time.monotonic() - started
        return done


def as_float(value: Any) -> Any:
    """A value in which numbers are floats where SQL has exact ones: 0.1 is a DECIMAL to it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: as_float(item) for key, item in value.items()}
    return [as_float(item) for item in value] if isinstance(value, list) else value


def _is_decimal(kind: pa.DataType) -> bool:
    """Whether a column holds exact fractions; whole numbers beyond 64 bits are exact too, and stay so."""
    return pa.types.is_decimal(kind) and kind.scale > 0
