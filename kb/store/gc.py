"""`gc`: storage that nothing names any more is given back; what a kept commit names stays, to the byte.

A writer tidies up after itself (`tidying`), so this is for what is left: large files whose rows are mostly dead, what
dead writers left, and commits that shall go though they could stay. A table version is kept when a kept commit pins it
(`retention` says which those are). Lance's own clean-up does the work, and is told which versions to drop.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kb.errors import ClearKbError
from kb.store.commits import RESERVED, Commit
from kb.store.garbage import garbage_bytes
from kb.store.gathering import FEW_FILES
from kb.store.publication import Publication, writer_lock
from kb.store.retention import Retention, read_retention
from kb.store.safety.seal import settle
from kb.store.state import State
from kb.store.storage import Storage
from kb.store.sweeping import YOUNG, Swept, dead_versions, standing, sweep
from schemas.tables import TABLES, VERSIONED

if TYPE_CHECKING:
    import lance


@dataclass(frozen=True, slots=True)
class GcResult:
    """What a clean-up did: the commits that can be read after it, those it dropped, and what that gave back.

    Of a dry run it is what would be dropped and given back, at the least; in an object store its bytes are not known.
    """

    kept: int
    dropped: int
    bytes_removed: int | None
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
        keep: how many of the newest commits stay readable beside those that stay always; default: what
            `retention` keeps.
        by: who, for the commit that gathers the files.
        why: the reason, for the log.
        dry_run: count what would be dropped, and touch nothing.
        unnamed: drop as well what readers at work hold, and new files that no version names, though a writer may be at
            work on them: for what must be gone.

    A commit that is dropped stays in the log, but can no longer be read.
    """
    if keep is not None and keep < 1:
        raise ClearKbError("at least the newest commit has to stay: keep 1 or more")
    if not dry_run:
        state.publish("gc", _gather, by=by, why=why)
    # The log is read under the lock: what is committed after it was read would be dropped unseen.
    with nullcontext() if dry_run else writer_lock(state.storage):
        history = state.commits.history()
        retention = read_retention(history) if keep is None else Retention(newest=keep, days=0)
        if not dry_run:
            _gather_beside(state)
        with standing(state.storage, history, state.tags().values(), retention, regardless=unnamed) as kept:
            readable, dead = state.commits.readable(history.all()), _dead(state.storage, kept, all_of_it=unnamed)
            swept = _would_sweep(state.storage, dead) if dry_run else _sweep(state, dead, unnamed=unnamed)
    dropped = [commit for commit in readable if any(pin in dead.get(table, ()) for table, pin in commit.pins.items())]
    return GcResult(
        kept=len(readable) - len(dropped),
        dropped=len(dropped),
        bytes_removed=swept.bytes,
        versions_removed=swept.versions,
        dry_run=dry_run,
    )


def _gather(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
    gathered = [table.name for table in VERSIONED if publication.compact(table.name, FEW_FILES)]
    return ({"gathered": gathered} if gathered else None), None


def _dead(storage: Storage, kept: Collection[Commit], *, all_of_it: bool) -> dict[str, set[int]]:
    """By table, the versions that no `kept` commit names. A knowledge base may be older than a table beside it."""
    tables = [table for table in TABLES if table.versioned or storage.has(table.name)]
    return {table.name: dead_versions(storage, table, kept, all_of_it=all_of_it) for table in tables}


def _sweep(state: State, dead: Mapping[str, Collection[int]], *, unnamed: bool) -> Swept:
    """Drop the `dead` versions of every table, and what writers who died long ago had staged."""
    storage, people = state.storage, state.tags()
    for table in dead:
        dataset = storage.dataset(table)
        for mark in _leftovers(dataset, people, locked=storage.folder is not None):
            dataset.tags.delete(mark)
    return sweep(storage, dead, strays=True, unnamed=unnamed)


def _gather_beside(state: State) -> None:
    """Gather the tables beside the history, which no publication does."""
    for table in TABLES:
        if not table.versioned and state.storage.has(table.name):
            dataset = state.storage.dataset(table.name)
            if len(dataset.get_fragments()) > FEW_FILES:
                dataset.optimize.compact_files()
                settle(state.storage, state.commits.notes, table.name)


def _would_sweep(storage: Storage, dead: Mapping[str, Collection[int]]) -> Swept:
    """What a sweep would give back; the files that gathering would free are not counted."""
    sizes = [garbage_bytes(storage, table, versions) for table, versions in dead.items()]
    known = [size for size in sizes if size is not None]
    return Swept(sum(known) if len(known) == len(sizes) else None, sum(map(len, dead.values())))


def _leftovers(dataset: lance.LanceDataset, people: Collection[str], *, locked: bool) -> list[str]:
    """The marks of a clean-up that died, of earlier versions of this program: they would hold their versions for good.

    Args:
        dataset: the table.
        people: the names that people gave: one of them may look like a mark in an older knowledge base.
        locked: whether no other clean-up can be at work now.
    """
    before = datetime.now(UTC) - YOUNG
    return [
        name
        for name, about in dataset.tags.list().items()
        if name.startswith(RESERVED)
        and name not in people
        and (locked or about["created_at"] is None or about["created_at"] < before)
    ]
