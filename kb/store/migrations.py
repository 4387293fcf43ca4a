"""Migrations: a knowledge base of an older format is brought up to the newest one, as one commit.

`STEPS` lists what each format lacks of the next one. A step that died half-way is taken up again: every one looks at
what is there first. The format is raised last, so that what is half done is refused by everything but a migration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from kb.errors import ClearKbError
from kb.store.commits import OLDEST_FORMAT, Commit, CommitLog, check_format, default_author, read_format
from kb.store.publication import Publication, writer_lock
from kb.store.safety.seal import seal
from kb.store.storage import Storage
from schemas.tables import COMMITS, FORMAT, TABLES
from schemas.tables.table import TABLE_VERSION

OPERATION = "migrate"


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did: from which format to which, and the commit that says so."""

    found: int
    format: int
    steps: tuple[str, ...]
    commit: str | None
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """The migration as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Step:
    """From one format to the next: what it does in words, to tables beside the history, and to those of commits."""

    says: str
    beside: Callable[[Storage], None]
    within: Callable[[Publication], None]


def migrate(storage: Storage, *, by: str | None = None, why: str | None = None, dry_run: bool = False) -> Migration:
    """Bring a knowledge base up to the newest format, as one commit on main; one that is there already stays as it is.

    Raises:
        ClearKbError: its format is newer, or too old to be brought up; or a file of it is gone.
    """
    found = read_format(storage.dataset("commits").schema.metadata or {})
    if not OLDEST_FORMAT <= found <= FORMAT:
        check_format(storage.uri, storage.dataset("commits").schema.metadata or {})
    steps = [STEPS[number] for number in range(found, FORMAT)]
    told = tuple(step.says for step in steps)
    if dry_run or not steps:
        return Migration(found, FORMAT, told, None, dry_run)
    with writer_lock(storage):
        for table in TABLES:
            storage.add_missing(table.name)
        for step in steps:
            step.beside(storage)
        commit = _commit(storage, steps, found, by or default_author(), why)
        storage.raise_format(str(FORMAT))
        CommitLog(storage).write_off()  # the clean-ups of older formats noted nothing
    return Migration(found, FORMAT, told, commit.commit_id, dry_run)


def _commit(storage: Storage, steps: list[Step], found: int, by: str, why: str | None) -> Commit:
    """The commit of a migration; the one that is there where the run before died after it."""
    log = CommitLog(storage, any_format=True)
    summary = {"from": found, "to": FORMAT}
    if (head := log.head()).operation == OPERATION and head.summary == summary:
        return head
    publication = Publication(storage, head)
    for step in steps:
        step.within(publication)
    # What no commit has noted yet is noted now, of every state that can still be read.
    states = [publication.pins(), *(commit.pins for commit in log.readable(log.all()))]
    commit = Commit(
        number=log.all()[-1].number + 1,
        parent=head.commit_id,
        operation=OPERATION,
        author=by,
        reason=why,
        pins=publication.pins(),
        summary=summary,
        files=seal(storage, log.notes, states),
    )
    if not log.append(commit):
        raise ClearKbError(f"another writer committed to {storage.uri} in between: migrate it again")
    return commit


def _give_commits_notes(storage: Storage) -> None:
    dataset = storage.dataset("commits")
    if lacking := [name for name in ("files", "files_hash") if name not in dataset.schema.names]:
        dataset.add_columns(pa.schema([COMMITS.schema.field(name) for name in lacking]))


def _give_tables_versions(publication: Publication) -> None:
    for table in TABLES:
        if table.versioned:
            publication.set_metadata(table.name, {TABLE_VERSION: str(table.version)})


STEPS: Mapping[int, Step] = {
    10: Step(
        "notes of the size and hash of every file, and the version of every table",
        _give_commits_notes,
        _give_tables_versions,
    ),
}
"""By the format that it starts from, the step to the next."""
