"""Rows put into a table as they are, without an ingest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from kb.knowledge_base import KnowledgeBase


def put(kb: KnowledgeBase, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    def change(publication: Any) -> tuple[dict[str, Any], None]:
        schema = publication.dataset(table).schema
        publication.write(table, [pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=schema)])
        return {}, None

    kb.publish("test", change)


def image(name: str, **told: Any) -> dict[str, Any]:
    attributes = [{"name": key, "value": value} for key, value in told.pop("attributes", {}).items()]
    base = {"source": "t", "position": "1", "content_hash": name, "kind": "png", "width": 9, "height": 9}
    return {"image_id": name, **base, "attributes": attributes, **told}


def put_run(kb: KnowledgeBase, run: str, rows: Sequence[Mapping[str, Any]], encoder: str | None = None) -> None:
    now = datetime.now(UTC)
    about = {"run": run, "method": "imported", "encoder": encoder, "parameters": "{}", "heads": [], "time": now}
    put(kb, "runs", [about])
    put(kb, "predictions", [{"run": run, **row} for row in rows])
