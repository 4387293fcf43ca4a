"""The commits of a knowledge base that can be read, held: no clean-up drops one while all of them are gone through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kb.errors import ClearKbError
from kb.store.commits import Commit, CommitLog
from kb.store.readers import holding
from kb.store.storage import Storage

TRIES = 20
"""How often the log is read anew where a branch went on before its newest commit was held."""


@contextmanager
def held_states(storage: Storage, log: CommitLog) -> Iterator[tuple[list[Commit], list[Commit]]]:
    """All commits, and those that can be read: the newest of every branch, and what no clean-up has dropped."""
    for _ in range(TRIES):
        commits = log.all()
        heads = log.branches()
        wanted = {*(head.number for head in heads.values()), *(one.number for one in log.readable(commits))}
        with holding(storage, wanted) as held:
            # What was the newest of a branch while it was being held was not dropped before; of the others, some may.
            if log.branches() != heads:
                continue
            newest = {head.number for head in heads.values()}
            readable = {one.number for one in log.readable(commits)} & held
            yield commits, [one for one in commits if one.number in newest | readable]
            return
    raise ClearKbError(f"{storage.uri} is written to all the time, so that its newest states cannot be held: try again")
