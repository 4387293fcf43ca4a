"""Rows of an export without ids: short labels stand in their place, and nobody is told where a file lay."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from kb.privacy.id_columns import holds_ids
from kb.privacy.short_labels import ID_COLUMNS, Kind, ShortLabels

KINDS: tuple[Kind, ...] = ("image", "study")
"""What a row of a level is of."""


class WithoutIds:
    """Takes the ids out of batches of rows; the same id has the same label in all of them."""

    def __init__(self) -> None:
        self._labels = ShortLabels()

    def batch(self, table: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with labels in the place of ids, and without what else tells them."""
        columns = [self._column(table, name, batch) for name in batch.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema)

    def _column(self, table: str, name: str, batch: pa.RecordBatch) -> pa.Array:
        column, kind = batch[name], batch.schema.field(name).type
        if name in ID_COLUMNS:
            return self._mapped(column, lambda one: self._labels.of(ID_COLUMNS[name], one))
        if name == "owner":
            return self._mapped(column, self._labels.owner)
        if name == "unit" and "level" in batch.schema.names:
            levels = batch["level"].to_pylist()
            units = zip(levels, column.to_pylist(), strict=True)
            return pa.array([None if one is None else self._unit(level, one) for level, one in units], kind)
        if name in ("source", "site") and table != "concepts":
            return self._mapped(column, self._labels.source)
        if name == "attributes":
            return pa.array([self._attributes(one) for one in column.to_pylist()], kind)
        if table == "attributes" and name == "value":
            names = batch["name"].to_pylist()
            values = zip(names, column.to_pylist(), strict=True)
            return pa.array([None if holds_ids(of) else value for of, value in values], kind)
        if table == "runs" and name == "parameters":
            return self._mapped(column, _without_file)
        return column

    def _unit(self, level: str, unit: str) -> str:
        kind = next((kind for kind in KINDS if kind == level), None)
        return self._labels.of(kind, unit) if kind is not None else self._labels.owner(unit)

    def _attributes(self, told: Any) -> Any:
        """Attributes without those that hold ids: pairs of a map, or a list of names and values."""
        if told is None:
            return None
        pairs = told.items() if isinstance(told, dict) else told
        return [one for one in pairs if not holds_ids(one["name"] if isinstance(one, dict) else one[0])]

    def _mapped(self, column: pa.Array, label: Any) -> pa.Array:
        return pa.array([None if one is None else label(one) for one in column.to_pylist()], column.type)


def _without_file(parameters: str) -> str:
    told = json.loads(parameters)
    return json.dumps({name: value for name, value in told.items() if name != "source"}, ensure_ascii=False)
