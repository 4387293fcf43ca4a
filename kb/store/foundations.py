"""Which commits the rows of a state stand on: that of its vocabulary and splits, by which a run or an encoder was made.

Without them nobody can say what a run learned from, nor take its predictions apart: clean-ups keep them as they keep
tagged ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from kb.store.commits import Commit
from kb.store.storage import Storage
from schemas.tables import VERSIONED

_COLUMN = "vocabulary_commit"
_TABLES = tuple(table for table in VERSIONED if _COLUMN in table.schema.names)


def founded_on(storage: Storage, commits: Iterable[Commit]) -> dict[str, list[str]]:
    """By the id of a commit, what stands on it in one of `commits`: "run zs", "encoder cxr".

    Of `commits` whose data was dropped nothing is said. An id may be one of another knowledge base.
    """
    commits = list(commits)
    pins = {(table.name, commit.pins[table.name]) for table in _TABLES for commit in commits}
    there = pins - storage.missing(pins) - storage.dropping().going
    found: dict[str, set[str]] = defaultdict(set)
    for table in _TABLES:
        named_by = table.schema.names[0]
        for version in sorted(version for name, version in there if name == table.name):
            rows = storage.dataset(table.name, version).to_table(
                columns=[named_by, _COLUMN], filter=f"{_COLUMN} IS NOT NULL"
            )
            for row in rows.to_pylist():
                found[row[_COLUMN]].add(f"{named_by} {row[named_by]}")
    return {commit_id: sorted(names) for commit_id, names in found.items()}
