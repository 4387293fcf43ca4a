"""Gathering the log: the rows of its small files become one file, without notes of files that are long gone.

Notes of files make most of a row, and nothing needs them once its commit can no longer be read. A note stays where a
file is gone that a readable commit names: that is damage, and the note tells of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa

from kb.store.commits import Commit
from kb.store.gathering import SMALL
from kb.store.manifests import manifest_path
from kb.store.safety.file_notes import named_files
from kb.store.storage import Storage

LOG = "commits"


def gather_log(storage: Storage, readable: Collection[Commit]) -> bool:
    """Gather the newest rows of a local log, whose `readable` commits are these; says whether there was anything to do.

    The rows keep their order: of two that have one number, the first one counts.
    """
    import lance
    from lance.fragment import write_fragments

    dataset = storage.dataset(LOG)
    small = list(takewhile(lambda fragment: fragment.physical_rows < SMALL, reversed(dataset.get_fragments())))[::-1]
    if len(small) < 2:
        return False
    rows = pa.concat_tables([fragment.to_table() for fragment in small])
    kept = _still_of_use(storage, rows["files"].to_pylist(), readable)
    at = rows.schema.get_field_index("files")
    rows = rows.set_column(at, dataset.schema.field("files"), pa.array(kept, dataset.schema.field("files").type))
    change = lance.LanceOperation.Update(
        removed_fragment_ids=[fragment.fragment_id for fragment in small],
        new_fragments=write_fragments(rows, dataset, mode="append"),
    )
    lance.LanceDataset.commit(dataset, change, read_version=dataset.version)
    return True


def _still_of_use(
    storage: Storage, notes: Iterable[list[dict[str, Any]] | None], readable: Collection[Commit]
) -> list[list[dict[str, Any]] | None]:
    """The notes of each row; none where all its files are gone, and no readable commit names one of them.

    A commit says which notes it made, so a row has all of them or none.
    """
    rows = list(notes)
    gone: dict[str, set[str]] = defaultdict(set)
    for note in (note for row in rows for note in row or ()):
        if not (Path(storage.location(note["table"])) / note["path"]).exists():
            gone[note["table"]].add(note["path"])
    dropped = storage.dropping()  # of the commits that would stay, somebody may have dropped some by command
    for table, paths in gone.items():
        pins = {(table, commit.pins[table]) for commit in readable if table in commit.pins}
        versions = {version for _, version in pins if (table, version) not in dropped}
        paths -= {manifest_path(version) for version in versions}
        there = versions - {version for _, version in storage.missing(pins)}
        for version in there or [storage.dataset(table).version]:
            paths -= set(named_files(storage, table, storage.dataset(table, version)))
    return [None if all(note["path"] in gone[note["table"]] for note in row or ()) else row for row in rows]
