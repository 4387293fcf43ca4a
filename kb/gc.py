"""`gc`: storage that nothing names any more is given back; what a kept commit names stays, to the byte.

A table version is kept when a kept commit pins it: the newest commit of every branch, what a branch would be merged
against, every tagged one, and as many of the newest as are asked for (all, unless asked otherwise). What dead
writers left is named by no commit, and goes. Lance's own clean-up does the work; the versions to keep are tagged
for its duration, so it cannot touch them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kb.branches import list_branches
from kb.errors import ClearKbError
from kb.publication import writer_lock
from schemas.tables import TABLES, VERSIONED, Table

if TYPE_CHECKING:
    from kb.commits import Commit
    from kb.knowledge_base import KnowledgeBase
    from kb.publication import Publication
    from kb.storage import Storage

FEW_FRAGMENTS = 8
"""Data files that a table may have before they are gathered into fewer."""

_HOLD = "clear-kb-gc-{}"


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
    kb: KnowledgeBase, *, keep: int | None = None, by: str | None = None, why: str | None = None, dry_run: bool = False
) -> GcResult:
    """Gather small data files, and drop the versions that no kept commit names.

    Args:
        kb: what to clean; it stands on the newest commit afterwards.
        keep: how many of the newest commits stay readable beside the tagged ones; default: all.
        by: who, for the commit that gathers the files.
        why: the reason, for the log.
        dry_run: count the commits that would be dropped, and touch nothing.

    A commit that is dropped stays in the log, but can no longer be read. In an object store no lock keeps writers
    away: run it there while nobody writes.
    """
    if keep is not None and keep < 1:
        raise ClearKbError("at least the newest commit has to stay: keep 1 or more")
    if not dry_run:
        kb.publish("gc", _gather, by=by, why=why)
    # The log is read under the lock: what is committed after it was read would be dropped unseen.
    with nullcontext() if dry_run else writer_lock(kb.storage):
        commits = kb.commits.all()
        kept = _kept(commits, _named(kb), keep)
        dropped = kb.commits.readable([commit for commit in commits if commit not in kept])
        swept = [] if dry_run else [_sweep(kb.storage, table, kept) for table in TABLES]
    removed, versions = (sum(column) for column in zip(*swept, strict=True)) if swept else (0, 0)
    return GcResult(len(kb.commits.readable(kept)), len(dropped), removed, versions, dry_run)


def _gather(publication: Publication) -> Mapping[str, Any] | None:
    gathered = [table.name for table in VERSIONED if publication.compact(table.name, FEW_FRAGMENTS)]
    return {"gathered": gathered} if gathered else None


def _named(kb: KnowledgeBase) -> set[str]:
    """The commits that a tag or a branch names, by id."""
    heads = {commit.commit_id for commit in kb.commits.branches().values()}
    return heads | set(kb.tags().values()) | {branch.base.commit_id for branch in list_branches(kb)}


def _kept(commits: list[Commit], named: Collection[str], keep: int | None) -> list[Commit]:
    newest = commits if keep is None else commits[-keep:]
    numbers = {commit.number for commit in newest} | {c.number for c in commits if c.commit_id in named}
    return [commit for commit in commits if commit.number in numbers]


def _sweep(storage: Storage, table: Table, kept: list[Commit]) -> tuple[int, int]:
    """Drop the versions of a table but for those that `kept` pin and the newest; the bytes and versions that went."""
    dataset = storage.dataset(table.name)
    if not table.versioned and len(dataset.get_fragments()) > FEW_FRAGMENTS:
        dataset.optimize.compact_files()
    pins = {commit.pins[table.name] for commit in kept} if table.versioned else set()
    held = sorted(pins & storage.versions(table.name))
    for version in held:
        dataset.tags.create(_HOLD.format(version), version)
    try:
        # Files that no version names may be a writer's at work: Lance leaves them for a week.
        stats = dataset.cleanup_old_versions(
            older_than=timedelta(0), delete_unverified=False, error_if_tagged_old_versions=False
        )
    finally:
        for version in held:
            dataset.tags.delete(_HOLD.format(version))
    return stats.bytes_removed, stats.old_versions
