"""Rejects: the inputs that could not be taken. Those of a source are replaced when it is read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.store.state import State


def read_rejects(state: State) -> list[dict[str, Any]]:
    """The inputs that could not be taken: source, position, report_id, reason."""
    rows: list[dict[str, Any]] = state.dataset("rejects").to_table().to_pylist()
    return rows


def replace_rejects(publication: Publication, sources: Sequence[str], rejects: Sequence[Mapping[str, Any]]) -> bool:
    """Make `rejects` those of `sources`; says whether that changed anything."""
    if not sources:
        return False
    where = f"source IN {literals(sources)}"
    dataset = publication.dataset("rejects")
    before = dataset.to_table(filter=where).to_pylist()
    if sorted(map(repr, before)) == sorted(map(repr, rejects)):
        return False
    publication.delete("rejects", where)
    if rejects:
        publication.write("rejects", [pa.RecordBatch.from_pylist([dict(row) for row in rejects], dataset.schema)])
    return True
