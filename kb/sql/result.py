"""The rows of one query: as dictionaries, or as Arrow, a batch at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

BATCH = 50_000
"""Rows of an Arrow batch, at most."""


class Result(ABC):
    """The rows of one query; it runs when they are first asked for, and the next query of its session ends it.

    Attributes:
        kinds: what DuckDB calls the type of each column, in their order.
    """

    def __init__(self, kinds: Mapping[str, str]):
        self.kinds = kinds

    @property
    def columns(self) -> list[str]:
        """The names of the columns; where two are the same, the second is "name_1"."""
        return list(self.kinds)

    @abstractmethod
    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Every row, as they come."""

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows as Arrow batches, some thousands at a time, behind an empty one that has their schema."""

    def rows(self) -> list[dict[str, Any]]:
        """All rows."""
        return list(self)

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table."""
        head, *batches = self.batches()
        return pa.Table.from_batches(batches, schema=head.schema)


def names_apart(names: Iterable[str]) -> list[str]:
    """The names of columns with a number behind each that stood there before: "n", "n_1", "n_2"."""
    numbers: dict[str, int] = {}
    apart: dict[str, None] = {}
    for column in names:
        name, number = column, numbers.get(column, 0)
        while name in apart:
            number += 1
            name = f"{column}_{number}"
        numbers[column] = number
        apart[name] = None
    return list(apart)


def as_float(value: Any) -> Any:
    """A value in which numbers are floats where SQL has exact ones: 0.1 is a DECIMAL to it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: as_float(item) for key, item in value.items()}
    return [as_float(item) for item in value] if isinstance(value, list) else value
