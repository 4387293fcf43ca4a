"""What a knowledge base holds, as text that can be compared: all but times, and ids that are drawn."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from kb.knowledge_base import KnowledgeBase
from schemas.tables import VERSIONED

DRAWN = {"change_id", "run_id", "commit", "vocabulary_commit", "seconds"}
"""Columns that differ from one run of a command to the next."""


def look(uri: str, deep: str = "") -> dict[str, Any]:
    """The state of every branch, the tags, and what `check` says is broken.

    Args:
        uri: the knowledge base.
        deep: anything, to read every table of every commit that can be read to its end as well.
    """
    base = KnowledgeBase.open(uri)
    for commit in base.commits.readable(base.commits.all()) if deep else ():
        state = base.at(commit.commit_id)
        for table in VERSIONED:
            state.dataset(table.name).to_table()
    numbers = [commit.number for commit in base.commits.all()]
    return {
        "branches": {name: _tables(base.at(name)) for name in sorted(base.commits.branches())},
        "tags": sorted(base.tags()),
        "errors": [problem.detail for problem in base.check() if problem.severity == "error"],
        "gapless": numbers == list(range(len(numbers))),
        "commits": len(numbers),
    }


def _tables(state: KnowledgeBase) -> dict[str, str]:
    return {table.name: _digest(state.dataset(table.name).to_table()) for table in VERSIONED}


def _digest(table: pa.Table) -> str:
    kept = [f.name for f in table.schema if f.name not in DRAWN and not pa.types.is_timestamp(f.type)]
    rows = sorted(json.dumps(row, sort_keys=True, default=repr) for row in table.select(kept).to_pylist())
    return f"{len(rows)} rows {blake2b(chr(10).join(rows).encode(), digest_size=8).hexdigest()}"
