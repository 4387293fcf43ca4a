"""What a writer gives back after its own commit, so that nobody has to: storage stays near that of what is kept.

It is done while the writer still has the lock, and only after its commit stands: a writer that dies here has done its
work, and the next one tidies up. What goes wrong here is told in the log of the program and fails no act.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from itertools import pairwise

from kb.errors import ClearKbError
from kb.store.commits import Commit, CommitLog
from kb.store.gathering import gather, is_scattered
from kb.store.log_gathering import LOG, gather_log
from kb.store.retention import read_retention
from kb.store.safety.seal import settle
from kb.store.safety.second_log import pack_rows
from kb.store.storage import Storage, first_line
from kb.store.sweeping import dead_versions, standing, sweep
from schemas.tables import COMMITS, EMBEDDINGS, TABLES, TAGS

logger = logging.getLogger("clear_kb.store")

EVERY = 3
"""Commits between two times that a writer tidies up in a folder."""

EVERY_IN_A_STORE = 32
"""The same in an object store, where each look takes requests."""

BESIDE = (COMMITS.name, TAGS.name, EMBEDDINGS.name)
"""The tables beside the history that acts write to: each is read to its end as soon as it is opened."""


def tidy(storage: Storage, log: CommitLog, commit: Commit) -> None:
    """Give back what `commit` and those shortly before it left behind; for whoever has the writers' lock."""
    every = EVERY_IN_A_STORE if storage.folder is None else EVERY
    if commit.number % every:
        return
    try:
        history = log.history()
        pins = [history.get(number).pins.items() for number in history.back(every + 1)]
        moved = {name for before, after in pairwise(pins) for name, _ in before ^ after}
        with standing(storage, history, log.tags().values(), read_retention(history)) as kept:
            moved |= {COMMITS.name, *(name for name in BESIDE if _gathered(storage, log, name, kept))}
            sweep(storage, {table.name: dead_versions(storage, table, kept) for table in TABLES if table.name in moved})
    except (ClearKbError, OSError, ValueError, RuntimeError) as error:
        logger.warning(
            "commit %s stands; what older ones left could not be given back: %s", commit.commit_id, first_line(error)
        )


def _gathered(storage: Storage, log: CommitLog, table: str, kept: Collection[Commit]) -> bool:
    """Gather a table beside the history if it is scattered; says whether it was."""
    dataset = storage.dataset(table)
    if not is_scattered(dataset):
        return False
    done = gather_log(storage, kept) if table == LOG and storage.folder is not None else gather(dataset)
    # What the gathered rows lay in goes soon: first they are on the disk.
    settle(storage, log.notes, table)
    if table == LOG:
        pack_rows(storage)
    return done
