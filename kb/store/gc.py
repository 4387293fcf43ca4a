"""`gc`: storage that nothing names any more is given back; what a kept commit names stays, to the byte.

A table version is kept when a kept commit pins it: the newest commit of every branch, what a branch would be merged
against, every tagged one, and as many of the newest as are asked for (all, unless asked otherwise). What dead
writers left is named by no commit, and goes. Lance's own clean-up does the work; the versions to keep are tagged
for its duration, so it cannot touch them.

What a writer has staged for a commit to come is named by its journal alone. Those files are kept as well, however
long ago they were written.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import ClearKbError
from kb.store.branches import list_branches
from kb.store.commits import RESERVED, Commit
from kb.store.publication import Publication, writer_lock
from kb.store.state import State
from kb.store.storage import STAGING, Storage, data_files
from schemas.tables import TABLES, VERSIONED, Table

if TYPE_CHECKING:
    import lance

FEW_FRAGMENTS = 8
"""Data files that a table may have before they are gathered into fewer."""

LONGEST_RUN = timedelta(days=1)
"""Marks in an object store that are older were left by a clean-up that died; in a folder the lock tells."""


@dataclass(frozen=True, slots=True)
class GcResult:
    """What a clean-up did: the commits it kept and dropped, and the bytes that it gave back."""

    kept: int
    dropped: int
    bytes_removed: int
    versions_removed: int
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        return asdict(self)


def collect_garbage(
    state: State,
    *,
    keep: int | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    unnamed: bool = False,
) -> GcResult:
    """Gather small data files, and drop the versions that no kept commit names.

    Args:
        state: what to clean; it stands on the newest commit afterwards.
        keep: how many of the newest commits stay readable beside the tagged ones; default: all.
        by: who, for the commit that gathers the files.
        why: the reason, for the log.
        dry_run: count the commits that would be dropped, and touch nothing.
        unnamed: drop new files that no version names as well, though a writer may be at work on them.

    A commit that is dropped stays in the log, but can no longer be read. In an object store no lock keeps writers
    away: run it there while nobody writes.
    """
    if keep is not None and keep < 1:
        raise ClearKbError("at least the newest commit has to stay: keep 1 or more")
    if not dry_run:
        state.publish("gc", _gather, by=by, why=why)
    # The log is read under the lock: what is committed after it was read would be dropped unseen.
    with nullcontext() if dry_run else writer_lock(state.storage):
        commits = state.commits.all()
        kept = _kept(commits, _named(state), keep)
        dropped = state.commits.readable([commit for commit in commits if commit not in kept])
        swept = [] if dry_run else _sweep_all(state, commits, kept, unnamed=unnamed)
    removed, versions = (sum(column) for column in zip(*swept, strict=True)) if swept else (0, 0)
    return GcResult(len(state.commits.readable(kept)), len(dropped), removed, versions, dry_run)


def _gather(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
    gathered = [table.name for table in VERSIONED if publication.compact(table.name, FEW_FRAGMENTS)]
    return ({"gathered": gathered} if gathered else None), None


def _named(state: State) -> set[str]:
    """The commits that a tag or a branch names, by id."""
    heads = {commit.commit_id for commit in state.commits.branches().values()}
    return heads | set(state.tags().values()) | {branch.base.commit_id for branch in list_branches(state)}


def _kept(commits: list[Commit], named: Collection[str], keep: int | None) -> list[Commit]:
    newest = commits if keep is None else commits[-keep:]
    numbers = {commit.number for commit in newest} | {c.number for c in commits if c.commit_id in named}
    return [commit for commit in commits if commit.number in numbers]


def _sweep_all(
    state: State, commits: list[Commit], kept: list[Commit], *, unnamed: bool = False
) -> list[tuple[int, int]]:
    """Drop what is not `kept` of every table; of each, the bytes and versions that went."""
    staged, people = _staged_files(state.storage), state.tags()
    swept = []
    for table in TABLES:
        if not table.versioned and not state.storage.has(table.name):
            continue  # the knowledge base is older than the table
        dataset = state.storage.dataset(table.name)
        _take_off(dataset, _leftovers(dataset, people, locked=state.storage.folder is not None))
        if not table.versioned and len(dataset.get_fragments()) > FEW_FRAGMENTS:
            dataset.optimize.compact_files()
        held = {commit.pins[table.name] for commit in kept} if table.versioned else set()
        if table.name in staged:
            pinned = {commit.pins[table.name] for commit in commits} if table.versioned else set()
            held |= _hold_staged(state.storage, table, staged[table.name], pinned)
        swept.append(_sweep(dataset, held & state.storage.versions(table.name), unnamed=unnamed))
    return swept


def _sweep(dataset: lance.LanceDataset, held: set[int], *, unnamed: bool = False) -> tuple[int, int]:
    """Drop the versions of a table but for those that are `held` and the newest; the bytes and versions that went."""
    run = uuid.uuid4().hex[:8]
    marks = {f"{RESERVED}{run}-{version}": version for version in sorted(held)}
    try:
        for mark, version in marks.items():
            dataset.tags.create(mark, version)
        # Files that no version names may be a writer's at work: Lance leaves them for a week.
        stats = dataset.cleanup_old_versions(
            older_than=timedelta(0), delete_unverified=unnamed, error_if_tagged_old_versions=False
        )
    finally:
        _take_off(dataset, marks)
    return stats.bytes_removed, stats.old_versions


def _take_off(dataset: lance.LanceDataset, marks: Collection[str]) -> None:
    for mark in set(marks).intersection(dataset.tags.list() if marks else ()):
        dataset.tags.delete(mark)


def _leftovers(dataset: lance.LanceDataset, people: Collection[str], *, locked: bool) -> list[str]:
    """The marks that a clean-up left which died: they would hold their versions for good.

    Args:
        dataset: the table.
        people: the names that people gave: one of them may look like a mark in an older knowledge base.
        locked: whether no other clean-up can be at work now.
    """
    before = datetime.now(UTC) - LONGEST_RUN
    return [
        name
        for name, about in dataset.tags.list().items()
        if name.startswith(RESERVED)
        and name not in people
        and (locked or about["created_at"] is None or about["created_at"] < before)
    ]


def _staged_files(storage: Storage) -> dict[str, set[str]]:
    """The data files that the journals of writers under way, or interrupted, name: by table."""
    files: dict[str, set[str]] = defaultdict(set)
    if storage.folder is not None:
        for journal in sorted((storage.folder / STAGING).glob("*.sqlite")):
            for table, fragment in _fragments(journal):
                files[table] |= {file["path"] for file in data_files(fragment)}
    return files


def _fragments(journal: Path) -> list[tuple[str, str]]:
    # mode=rw: a journal that its writer has just deleted must not be made again.
    address = f"{journal.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'fragments'").fetchone():
                return []
            return db.execute("SELECT name, fragment FROM fragments").fetchall()
    except sqlite3.Error as error:
        if not journal.exists():
            return []
        raise ClearKbError(
            f"cannot read the journal {journal} ({error}): what it has staged might be dropped, so nothing was; "
            "finish its ingest, or delete the file"
        ) from error


def _hold_staged(storage: Storage, table: Table, files: set[str], pinned: set[int]) -> set[int]:
    """Keep the staged `files` of a table from Lance's clean-up; returns the versions that have to be held for it.

    A file that no version names is spared while it looks new. One that is named by a version without a commit, of a
    publication that died, would go with that version.
    """
    for name in files:
        path = Path(storage.location(table.name)) / "data" / name
        if path.exists():
            os.utime(path)
    left, held = files - _named_files(storage.dataset(table.name)), set()
    for version in sorted(storage.versions(table.name) - pinned, reverse=True):
        if found := left & _named_files(storage.dataset(table.name, version)):
            held.add(version)
            left -= found
    return held


def _named_files(dataset: lance.LanceDataset) -> set[str]:
    return {file.path for fragment in dataset.get_fragments() for file in fragment.data_files()}
