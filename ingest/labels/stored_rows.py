"""Storing rows that belong together - of one source of labels, of one run - in the place of what they were before.

A table has millions of values: they are written, compared and counted a batch at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.labels.label_tables import LabelTable
from ingest.labels.values import Values
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables

BATCH = 100_000
"""Rows that are written together."""


class StoredRows:
    """The values of a table as rows of a stored table, a batch at a time, as often as is needed."""

    def __init__(self, table: LabelTable, values: Values, schema: pa.Schema, columns: Mapping[str, Any]):
        """Columns beside the ids and the label: an array as long as the values, or one text for all."""
        self.schema = schema
        self._values = values
        self._columns = columns
        self._ids = [pa.array([unit[at] for unit in table.units], pa.string()) for at in range(3)]
        self._labels = pa.array(table.names, pa.string())

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(self), BATCH):
            at = slice(start, start + BATCH)
            units, labels = pa.array(self._values.unit[at]), pa.array(self._values.label[at])
            names = ("image_id", "study_id", "patient_id")
            fields: dict[str, Any] = {name: ids.take(units) for name, ids in zip(names, self._ids, strict=True)}
            fields["label"] = self._labels.take(labels)
            for name, column in self._columns.items():
                kind = self.schema.field(name).type
                same = isinstance(column, str)
                fields[name] = pa.repeat(column, len(units)) if same else _array(column[at], kind)
            yield pa.RecordBatch.from_arrays([fields[one.name] for one in self.schema], schema=self.schema)

    def units(self) -> pa.Table:
        """The images and studies that the rows are of, each once."""
        found = pa.array(np.unique(self._values.unit))
        names = ("image_id", "study_id", "patient_id")
        return pa.table({name: ids.take(found) for name, ids in zip(names, self._ids, strict=True)})


def _array(column: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.array(column.tolist(), kind)
    return pa.array(column, from_pandas=True).cast(kind)


def same_rows(state: Tables, table: str, where: str, rows: StoredRows) -> bool:
    """Whether a table holds just these rows where `where` holds, in whatever order."""
    stored = state.dataset(table)
    if stored.count_rows(filter=where) != len(rows):
        return False
    if not len(rows):
        return True
    here = pa.RecordBatchReader.from_batches(rows.schema, iter(rows))
    return _digest(here) == _digest(stored.scanner(columns=rows.schema.names, filter=where).to_reader())


def _digest(told: pa.RecordBatchReader) -> tuple[Any, ...] | None:
    """A number for a set of rows: millions of them are compared without holding or sorting them."""
    import duckdb

    columns = ", ".join(f'"{name}"' for name in told.schema.names)
    turned = ", ".join(f'"{name}"' for name in reversed(told.schema.names))
    with duckdb.connect() as connection:
        connection.register("told", told)
        sql = f"SELECT count(*), sum(hash(hash({columns}))), sum(hash(hash({turned}))) FROM told"
        return connection.execute(sql).fetchone()


def replace_rows(publication: Publication, table: str, where: str, rows: StoredRows) -> str:
    """Put `rows` in the place of those that `where` holds for; says "new", "replaced" or "unchanged"."""
    if same_rows(publication, table, where, rows):
        return "unchanged"
    before = publication.dataset(table).count_rows(filter=where)
    publication.replace(table, where, iter(rows))
    return "replaced" if before else "new"


def reject_rows(source: str, rejects: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Positions and reasons as rows of the table of rejects."""
    return [{"source": source, "position": where, "report_id": None, "reason": why} for where, why in rejects]


def of_source(source: str) -> str:
    """The condition for the rows of a source."""
    return f"source IN {literals([source])}"


def share_units(state: Tables, table: str, where: str, units: pa.Table) -> bool | None:
    """Whether any image, or any study, of the stored rows is among `units`; None where no row is stored."""
    met = False
    wanted = {column: _named(units, column) for column in ("image_id", "study_id")}
    for batch in state.dataset(table).to_batches(columns=list(wanted), filter=where):
        met = met or batch.num_rows > 0
        for column, mine in wanted.items():
            if not mine.isdisjoint(batch[column].unique().to_pylist()):
                return True
    return False if met else None


def count_units(state: Tables, units: pa.Table) -> tuple[int, int, int]:
    """How many images and studies these are, how many of them have an image here, and how many images are."""
    images = state.dataset("images").to_table(columns=["image_id", "study_id"])
    by_image = _named(units, "image_id")
    studies = set(units.filter(units["image_id"].is_null())["study_id"].to_pylist()) - {None}
    here = len(by_image & _named(images, "image_id")) + len(studies & _named(images, "study_id"))
    return len(by_image) + len(studies), here, images.num_rows


def _named(table: pa.Table, column: str) -> set[str]:
    return set(table[column].to_pylist()) - {None}
