"""The check of the storage: every file of every commit that can be read, by its size and hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.store.commits import REREADINGS, CommitLog
from kb.store.manifests import strange_manifests
from kb.store.safety.held_states import held_states
from kb.store.safety.verify import Damage, Verifier
from kb.store.storage import Storage
from schemas.tables import TABLES


@dataclass(frozen=True, slots=True)
class DamagedState:
    """One damage, and the commits that can no longer be read whole because of it."""

    damage: Damage
    commits: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The damage as plain data; `since` is the commit that noted the file."""
        told = asdict(self.damage)
        return {**told, "since": told.pop("commit"), "commits": list(self.commits)}


@dataclass(frozen=True, slots=True)
class StorageCheck:
    """What was looked at, and what is damaged of it."""

    commits: int
    files: int
    damaged: tuple[DamagedState, ...]


def check_storage(storage: Storage, *, on_commit: Callable[[int, int], object] = lambda *_: None) -> StorageCheck:
    """Read every file of every commit that a clean-up has left, and of the tables beside the history.

    Args:
        storage: the tables.
        on_commit: hears how many commits are done, and of how many.
    """
    log = CommitLog(storage, any_format=True)
    with held_states(storage, log) as (every, commits):
        names = {commit.number: commit.commit_id for commit in every}
        verifier = Verifier(storage, log.notes, names.get, thorough=True)
        found: dict[Damage, list[str]] = {log.damage: []} if log.damage is not None else {}
        for done, commit in enumerate(reversed(commits), 1):
            for damage in verifier.state(commit.pins):
                found.setdefault(damage, []).append(commit.commit_id)
            on_commit(done, len(commits))
        for damage, lost in log.lost(every).items():
            found.setdefault(damage, []).extend(commit.commit_id for commit in lost)
    noted = any(commit.files_hash is not None for commit in every)
    for damage in _beside(storage, verifier):
        if noted or damage.file or storage.has(damage.table):  # an older format does not have every table yet
            found.setdefault(damage, [])
    for table in TABLES if storage.folder is not None else ():
        for path in strange_manifests(Path(storage.location(table.name))):
            found.setdefault(Damage(table.name, path, "is no file of the knowledge base"), [])
    for number in log.notes.lost:
        found.setdefault(Damage("commits", "", f"has lost the notes of commit {number}"), [])
    return StorageCheck(
        len(commits), verifier.files, tuple(DamagedState(damage, tuple(ids)) for damage, ids in found.items())
    )


def _beside(storage: Storage, verifier: Verifier) -> list[Damage]:
    """What is damaged beside the history: a version that a writer swept while it was read is not its table's newest."""
    found = verifier.beside()
    for _ in range(REREADINGS):
        if not found:
            break
        log = CommitLog(storage, any_format=True)
        names = {commit.number: commit.commit_id for commit in log.all()}
        found = Verifier(storage, log.notes, names.get, thorough=True).beside()
    return found
