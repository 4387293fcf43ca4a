"""Storing rows that belong together - of one source of labels, of one run - in the place of what they were before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ingest.labels.attributes import BATCH
from ingest.labels.label_tables import LabelTable
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables


def arrow_rows(table: LabelTable, schema: pa.Schema, columns: Mapping[str, Sequence[Any] | str]) -> pa.Table:
    """The values of `table` as rows of `schema`; `columns` are those beside its ids and labels, or one text for all."""
    rows = len(table)
    fields: dict[str, Any] = {
        "image_id": [unit[0] for unit in table.units],
        "study_id": [unit[1] for unit in table.units],
        "patient_id": [unit[2] for unit in table.units],
        "label": table.names,
        **{name: pa.repeat(column, rows) if isinstance(column, str) else column for name, column in columns.items()},
    }
    arrays = [pa.array(fields[one.name], one.type) for one in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def same_rows(stored: pa.Table, rows: pa.Table) -> bool:
    """Whether both hold the same, in whatever order."""
    if stored.num_rows != rows.num_rows:
        return False
    order = [(name, "ascending") for name in ("image_id", "study_id", "patient_id", "label")]
    entries = [table.select(rows.schema.names).sort_by(order).combine_chunks() for table in (stored, rows)]
    return bool(entries[0].equals(entries[1]))


def replace_rows(publication: Publication, table: str, column: str, *, name: str, rows: pa.Table) -> str:
    """Put `rows` in the place of those whose `column` is `name`; says "new", "replaced" or "unchanged"."""
    where = f"{column} IN {literals([name])}"
    stored = publication.dataset(table).to_table(filter=where)
    if same_rows(stored, rows):
        return "unchanged"
    publication.replace(table, where, rows.to_batches(max_chunksize=BATCH))
    return "replaced" if stored.num_rows else "new"


def reject_rows(source: str, rejects: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Positions and reasons as rows of the table of rejects."""
    return [{"source": source, "position": where, "report_id": None, "reason": why} for where, why in rejects]


def share_units(stored: pa.Table, rows: pa.Table) -> bool:
    """Whether any image, or any study, of one is in the other."""
    return any(not _named(stored, column).isdisjoint(_named(rows, column)) for column in ("image_id", "study_id"))


def count_units(state: Tables, rows: pa.Table) -> tuple[int, int, int]:
    """How many images and studies the rows are of, how many of those have an image here, and how many images are."""
    images = state.dataset("images").to_table(columns=["image_id", "study_id"])
    by_image = _named(rows, "image_id")
    studies = set(rows.filter(rows["image_id"].is_null())["study_id"].to_pylist()) - {None}
    here = len(by_image & _named(images, "image_id")) + len(studies & _named(images, "study_id"))
    return len(by_image) + len(studies), here, images.num_rows


def _named(table: pa.Table, column: str) -> set[str]:
    return set(table[column].to_pylist()) - {None}
