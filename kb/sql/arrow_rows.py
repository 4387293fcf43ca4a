"""Rows of Arrow as dictionaries of what Python has for DuckDB's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

_OTHERWISE = ("DECIMAL", "HUGEINT", "UUID")
"""Types whose values Arrow has otherwise than DuckDB."""


def rows_of(batch: pa.RecordBatch, kinds: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows of a batch; `kinds` are the types of its columns by name, as DuckDB calls them."""
    columns = [_values(column, kind) for column, kind in zip(batch.columns, kinds.values(), strict=True)]
    for row in zip(*columns, strict=True):
        yield dict(zip(kinds, row, strict=True))


def _values(column: pa.Array, kind: str) -> list[Any]:
    try:
        values = column.to_pylist(maps_as_pydicts="lossy")
    except TypeError:  # a map by lists: Python has no such keys
        values = column.to_pylist()
    except (OverflowError, ValueError):  # a day before the year 1 or after 9999, or none at all ("infinity")
        values = column.cast(pa.string()).to_pylist()
    if pa.types.is_fixed_size_list(column.type):
        values = [None if value is None else tuple(value) for value in values]
    if any(word in kind for word in _OTHERWISE):
        return [_plain(value, kind) for value in values]
    return values


def _plain(value: Any, kind: str) -> Any:
    if isinstance(value, Decimal):
        whole = "DECIMAL" not in kind or ("HUGEINT" in kind and value.as_tuple().exponent == 0)
        return int(value) if whole else float(value)
    if isinstance(value, dict):
        return {key: _plain(item, kind) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, kind) for item in value]
    return UUID(value) if kind == "UUID" and value is not None else value
