"""Rows of images that come in against those that are stored: what is new, what says something else."""

from __future__ import annotations

import pyarrow as pa

from kb.vocabulary.query import Tables
from schemas.tables import IMAGES

FACTS = ("study_id", "patient_id", "view", "sex", "age")
"""What may be said of an image beside its attributes."""


def sorted_out(state: Tables, rows: pa.Table, completed: set[str]) -> tuple[pa.Table, list[str], dict[str, int]]:
    """The rows that are new or differ from what is stored, the ids of the latter, and how many of each there are.

    One scan of what is stored joins all rows. A row that says nothing of its picture takes nothing from what is stored,
    and those `completed` (known under another id) only say more of it.
    """
    import duckdb

    names = IMAGES.schema.names
    said = {name: f"n.{name}" for name in names}
    said |= {name: f"if(m.image_id IS NULL, n.{name}, coalesce(n.{name}, s.{name}))" for name in FACTS}
    said["attributes"] = "if(m.image_id IS NULL OR len(n.attributes) > 0, n.attributes, s.attributes)"
    chosen = ", ".join(f"{said[name]} AS {name}" for name in names)
    differs = {name: f"r.{name} IS DISTINCT FROM r.stored.{name}" for name in names}
    moved = " OR ".join(differs.pop(name) for name in ("source", "position"))
    bare = " AND ".join([*(f"n.{name} IS NULL" for name in FACTS), "len(n.attributes) = 0"])
    with duckdb.connect() as connection:
        connection.register("fresh", rows)
        connection.register("completed", pa.table({"image_id": pa.array(sorted(completed), pa.string())}))
        connection.register("stored", state.dataset("images").scanner().to_reader())
        told = connection.sql(
            f"WITH r AS (SELECT {chosen}, {bare} AS bare, m.image_id IS NOT NULL AS completed, s AS stored FROM "
            "fresh n LEFT JOIN stored s ON s.image_id = n.image_id LEFT JOIN completed m ON m.image_id = n.image_id) "
            "SELECT r.* EXCLUDE (bare, completed, stored), r.stored.image_id IS NOT NULL AS known FROM r "
            f"WHERE r.stored.image_id IS NULL OR (({' OR '.join(differs.values())} OR ({moved}) AND NOT r.completed) "
            "AND NOT (r.bare AND r.content_hash = r.stored.content_hash))"
        ).to_arrow_table()
    changed = told.filter(told["known"])["image_id"].to_pylist()
    fresh = told.select(names).cast(IMAGES.schema)
    counts = {
        "new": fresh.num_rows - len(changed),
        "changed": len(changed),
        "unchanged": rows.num_rows - fresh.num_rows,
    }
    return fresh, changed, counts
