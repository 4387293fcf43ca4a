"""Sweeping: the versions of tables that no kept commit pins are dropped, and with them the files that only they name.

What writers have staged for a commit to come is named by their journals alone. Those files are kept as well, however
long ago they were written.
"""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import ClearKbError
from kb.store import readers
from kb.store.commits import Commit
from kb.store.dropping import note_dropped, note_dropping
from kb.store.foundations import founded_on
from kb.store.history import History
from kb.store.retention import Retention, kept_commits
from kb.store.storage import Storage, data_files
from schemas.tables import VERSIONED, Table

if TYPE_CHECKING:
    import lance

YOUNG = timedelta(days=1)
"""Where nobody can tell who reads and writes, versions that are younger stay: no reader or writer takes as long."""

NEVER = timedelta(days=36_500)
"""Older than any version."""

PREVIOUS = 3
"""Versions that stay of a table beside the history: whoever has just opened one reads it to its end."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep gave back; the bytes are None where they are not known."""

    bytes: int | None = 0
    versions: int = 0


@contextmanager
def standing(
    storage: Storage,
    history: History[Commit],
    tagged: Collection[str],
    retention: Retention,
    *,
    regardless: bool = False,
) -> Iterator[list[Commit]]:
    """The commits that stay readable, those that readers hold among them; nobody begins to read another meanwhile.

    Whoever sweeps has the writers' lock since before it read `history` and what is `tagged`: what is committed or
    named later would be dropped unseen. `regardless` of readers, and of runs and encoders that stand on a commit: they
    lose it, for it has to go.
    """
    kept = kept_commits(history, tagged, retention)
    if regardless:
        yield [history.get(number) for number in sorted(kept)]
        return
    if not readers.seen(storage):
        young = datetime.now(UTC) - YOUNG
        kept |= {number for number in history.numbers if history.get(number).time > young}
        yield [history.get(number) for number in sorted(kept | _founding(storage, history, kept))]
        return
    kept |= _founding(storage, history, kept)
    with readers.claimed(storage, kept, history.numbers[-1]) as held:
        kept |= held | _founding(storage, history, held - kept)
        yield [history.get(number) for number in sorted(kept) if number in history]


def _founding(storage: Storage, history: History[Commit], kept: Collection[int]) -> set[int]:
    """The commits that runs and encoders of `kept` ones stand on."""
    stood_on = founded_on(storage, [history.get(number) for number in sorted(kept) if number in history])
    return {history.by_id[commit_id] for commit_id in stood_on if commit_id in history.by_id}


def dead_versions(storage: Storage, table: Table, kept: Iterable[Commit], *, all_of_it: bool = False) -> set[int]:
    """The versions of a table that can go: `kept` commits pin none of them, and no writer at work makes any.

    `all_of_it`: also those that are spared because somebody might be at work on them.
    """
    there = storage.versions(table.name)
    held = {commit.pins[table.name] for commit in kept} if table.versioned else set()
    held |= {max(there)} if table.versioned else set(sorted(there)[-1 if all_of_it else -PREVIOUS :])
    if not (all_of_it or readers.seen(storage)):
        young = datetime.now(UTC) - YOUNG
        held |= {version for version, began in there.items() if began > young}
    return set(there) - held


def sweep(
    storage: Storage, dead: Mapping[str, Collection[int]], *, strays: bool = False, unnamed: bool = False
) -> Swept:
    """Drop the `dead` versions of tables but for what staged files need; what that gave back.

    With `strays`, files that no version ever named go too where there is no dead version: Lance leaves them for a week,
    for they may be a writer's at work. With `unnamed` they go at once.
    """
    staged = staged_files(storage)
    going = {
        table: set(versions) - (_hold_staged(storage, table, staged[table], versions) if table in staged else set())
        for table, versions in dead.items()
    }
    size = versions = 0
    with _announced(storage, going) as dropped:
        for table, which in dropped.items():
            if which or strays:
                how: dict[str, Any] = {"versions": sorted(which)} if which else {"older_than": NEVER}
                stats = storage.dataset(table).cleanup_old_versions(
                    **how, delete_unverified=unnamed, error_if_tagged_old_versions=False
                )
                size, versions = size + stats.bytes_removed, versions + stats.old_versions
    return Swept(size, versions)


@contextmanager
def _announced(storage: Storage, going: Mapping[str, set[int]]) -> Iterator[dict[str, set[int]]]:
    """Note which versions go before they do, for Lance deletes their files in no order; gives what goes in the end.

    Whoever dies in between leaves the note: nobody reads what may be gone in part, and the next one goes on with it.
    """
    dropped = {table: set(versions) for table, versions in going.items()}
    for table, left in storage.dropping().now.items():
        there = {known["version"] for known in storage.dataset(table).versions()}
        dropped[table] = dropped.get(table, set()) | there.intersection(left)
    if storage.folder is None or not any(dropped.values()):
        yield dropped
        return
    note_dropping(storage.folder, dropped)
    yield dropped
    pinned = {table.name for table in VERSIONED}
    note_dropped(storage.folder, {table: which for table, which in dropped.items() if table in pinned})


def staged_files(storage: Storage) -> dict[str, set[str]]:
    """The data files that the journals of writers under way, or interrupted, name: by table."""
    files: dict[str, set[str]] = defaultdict(set)
    for journal in sorted(storage.staging.glob("*.sqlite")):
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


def _hold_staged(storage: Storage, table: str, files: set[str], dead: Collection[int]) -> set[int]:
    """Keep the staged `files` of a table from Lance's clean-up; returns the versions that have to be held for it.

    A file that no version names is spared while it looks new. One that is named by a version without a commit, of a
    publication that died, would go with that version.
    """
    for name in files:
        path = Path(storage.location(table)) / "data" / name
        if path.exists():
            os.utime(path)
    left, held = files - _named_files(storage.dataset(table)), set()
    for version in sorted(dead, reverse=True):
        if found := left & _named_files(storage.dataset(table, version)):
            held.add(version)
            left -= found
    return held


def _named_files(dataset: lance.LanceDataset) -> set[str]:
    return {file.path for fragment in dataset.get_fragments() for file in fragment.data_files()}
