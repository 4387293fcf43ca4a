"""The check of the storage: every file of every commit that can be read, by its size and hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from kb.store.commits import CommitLog
from kb.store.safety.verify import Damage, Verifier
from kb.store.storage import Storage


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
    log = CommitLog(storage)
    every = log.all()
    verifier = Verifier(storage, log.notes, {commit.number: commit.commit_id for commit in every}.get, thorough=True)
    heads = {commit.commit_id for commit in log.branches().values()}
    commits = [c for c in every if c.commit_id in heads or log.readable([c])]
    found: dict[Damage, list[str]] = {log.damage: []} if log.damage is not None else {}
    for done, commit in enumerate(reversed(commits), 1):
        for damage in verifier.state(commit.pins):
            found.setdefault(damage, []).append(commit.commit_id)
        on_commit(done, len(commits))
    for damage in verifier.beside():
        found.setdefault(damage, [])
    for number in log.notes.lost:
        found.setdefault(Damage("commits", "", f"has lost the notes of commit {number}"), [])
    return StorageCheck(
        len(commits), verifier.files, tuple(DamagedState(damage, tuple(ids)) for damage, ids in found.items())
    )
