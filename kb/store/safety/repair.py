"""Repair: what a person could do by hand about damaged files, and what is lost by it.

Broken files are put aside, never deleted. The log comes back from its second copy; a broken index is built anew; tables
beside the history go back to their newest whole version; and where a branch's newest state has lost data, the newest
whole one becomes the newest by a commit. Every step looks at what is there first, so a repair that died is done again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.store.commits import Commit, CommitLog, default_author
from kb.store.manifests import local_versions, manifest_path, strange_manifests, version_of
from kb.store.publication import Publication, writer_lock
from kb.store.safety.durability import write_through
from kb.store.safety.put_aside import PutAside
from kb.store.safety.seal import seal
from kb.store.safety.second_log import second_rows, write_rows
from kb.store.safety.tag_marks import tags_by_their_marks
from kb.store.safety.verify import BESIDE, Damage
from kb.store.storage import SECOND_LOG, Storage
from schemas.tables import TABLES, VERSIONED

logger = logging.getLogger("clear_kb.store")

LOG = "commits"

INDEXED = {"concepts": "text"}
"""The columns that have an index of words, by table."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A commit whose data is gone: what it did has to be done again."""

    commit: str
    time: str
    by: str
    operation: str
    summary: dict[str, Any]


@dataclass(slots=True)
class Repair:
    """What a repair did, or would do.

    Attributes:
        dry_run: whether nothing was done.
        steps: what, in words.
        lost: the commits whose work is taken back by it, and is to be done again.
        commits: the ids of those that it made.
        put_aside: the folder in which what was broken lies now; None where nothing had to give way.
    """

    dry_run: bool
    steps: list[str] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    put_aside: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The repair as plain data."""
        return asdict(self)


def repair(storage: Storage, *, by: str | None = None, why: str | None = None, dry_run: bool = False) -> Repair:
    """Make a damaged knowledge base whole again, as far as its own files go; in a store, that is its newest commit.

    Raises:
        UsageError: it lies in an object store, and what is damaged there comes back from a backup alone.
        ClearKbError: nothing of its log is left, or no state of it is whole.
    """
    result, aside = Repair(dry_run), PutAside(storage, dry_run=dry_run)
    if storage.folder is None:
        _put_newest_back(storage, result)
        return result
    with writer_lock(storage):
        storage.guard = None
        if _put_strangers_aside(storage, aside, result) and dry_run:
            return result  # what else is wrong is seen once these are gone
        _mend_log(storage, aside, result)
        for table in TABLES:
            _drop_broken_manifests(storage, table.name, aside, result)
        _mend_beside(storage, aside, result)
        log = CommitLog(storage)
        storage.guard = None
        for branch, head in log.branches().items():
            if found := log.damage_of(head):
                _mend_branch(storage, log, head, found, aside, result, by=by or default_author(), why=why)
                logger.info("branch %s repaired", branch)
                log = CommitLog(storage)
                storage.guard = None
        lost = log.lost(log.all()) if dry_run else log.write_off()
        for damage, commits in lost.items():
            names = ", ".join(commit.commit_id for commit in commits)
            result.steps.append(f"leave commits {names} to history: {damage.line()}")
    result.put_aside = aside.used
    return result


def _put_newest_back(storage: Storage, result: Repair) -> None:
    """Write the newest commit of a store into its log again, from its mark."""
    marked = second_rows(storage)
    try:
        there = set(storage.dataset(LOG).to_table(columns=["number"])["number"].to_pylist())
        rows = [row for row in marked if row["number"] not in there]
    except (ClearKbError, OSError, ValueError, RuntimeError) as error:
        logger.debug("the log of %s cannot be read: %s", storage.uri, error)
        rows = []
    if not rows:
        raise UsageError(
            "in an object store only the newest commit is brought back: what else is damaged there comes from a backup"
        )
    result.steps.append(f"write commit {rows[-1]['commit_id']} into the log again, from what marks it as the newest")
    if not result.dry_run:
        storage.insert_if_absent(LOG, "number", rows[-1])


def _mend_log(storage: Storage, aside: PutAside, result: Repair) -> None:
    """Write the log anew from what is left of it and its second copy.

    First the second copy gets all that is left, so that whatever a repair dies over, the next one finds it there.
    The table is made anew aside, and takes the place of the damaged one when it is whole.
    """
    log = CommitLog(storage)
    commits = log.all()
    if log.damage is None:
        return
    result.steps.append(f"write the log anew: {len(commits):,} commits are left of it and its second copy")
    if result.dry_run:
        return
    notes = {row["number"]: row["files"] for row in second_rows(storage)}
    for noted in log.notes.all().values():
        if (known := notes.get(noted.number)) is None:
            known = notes[noted.number] = []
        if noted.note.to_row() not in known:
            known.append(noted.note.to_row())
    rows = [{**commit.to_row(), "files": notes.get(commit.number, [])} for commit in commits]
    aside.keep(SECOND_LOG)
    write_rows(storage, rows)
    # The notes name versions of the log that was: the new one counts on from them.
    named = [version_of(Path(note["path"]).name) for row in rows for note in row["files"] or () if note["table"] == LOG]
    last = max([_last_noted(log, LOG), *(version or 0 for version in named), *local_versions(_folder(storage, LOG))])
    anew = Storage(aside.scratch())
    anew.add_missing(LOG)
    anew.append(LOG, rows)
    _restore(anew, LOG, 2, above=last)
    aside.take(f"{LOG}.lance")
    made = _folder(anew, LOG).rename(_folder(storage, LOG))
    write_through([path for path in made.rglob("*") if path.is_file()], made.parent)


def _put_strangers_aside(storage: Storage, aside: PutAside, result: Repair) -> bool:
    """Put aside what Lance would take for manifests and stumbles over; says whether there was anything."""
    found = [
        f"{table.name}.lance/{path}" for table in TABLES for path in strange_manifests(_folder(storage, table.name))
    ]
    for path in found:
        result.steps.append(f"put {path} aside: it is no file of the knowledge base")
        aside.take(path)
    return bool(found)


def _drop_broken_manifests(storage: Storage, table: str, aside: PutAside, result: Repair) -> None:
    """Put aside the newest manifests of a table that do not open."""
    for version in reversed(local_versions(_folder(storage, table))):
        try:
            storage.dataset(table, version)
            return
        except ClearKbError:
            path = f"{table}.lance/{manifest_path(version)}"
            result.steps.append(f"put {path} aside: it cannot be read")
            aside.take(path)


def _mend_beside(storage: Storage, aside: PutAside, result: Repair) -> None:
    """Bring tables beside the history back to their newest whole version, or make them anew, empty."""
    log = CommitLog(storage)
    storage.guard = None
    for table in BESIDE:
        versions, last = local_versions(_folder(storage, table)), _last_noted(log, table)
        whole = next((version for version in reversed(versions) if not log.verifier.version(table, version)), None)
        if whole is not None and whole == versions[-1] >= last:
            continue
        if whole is None:
            result.steps.append(f"make table {table} anew, empty: nothing of it is whole")
            if not result.dry_run:
                _make_anew(storage, table, aside, above=last)
        else:
            result.steps.append(f"bring table {table} back to version {whole}, its newest whole one")
            if not result.dry_run:
                _restore(storage, table, whole, above=last)
    if (lost := tags_by_their_marks(storage, log)) and not result.dry_run:
        storage.append("tags", [{**row, "author": "repair"} for row in lost])
    result.steps += [f"bring tag {row['name']} back from the marks of tables" for row in lost]


def _make_anew(storage: Storage, table: str, aside: PutAside, *, above: int) -> int:
    """An empty table in the place of one of which nothing is whole, under a number that no commit has ever named."""
    aside.take(f"{table}.lance")
    storage.add_missing(table)
    return _restore(storage, table, 1, above=above)


def _mend_branch(
    storage: Storage,
    log: CommitLog,
    head: Commit,
    found: list[Damage],
    aside: PutAside,
    result: Repair,
    *,
    by: str,
    why: str | None,
) -> None:
    """Give a branch a new head that is whole."""
    tables = {damage.table for damage in found if not damage.derived}
    if tables:
        target = next((commit for commit in log.chain(head) if not log.damage_of(commit)), None)
        pins, says = _whole_pins(log, head, target)
        result.lost += [_lost(commit) for commit in _undone(log.chain(head), target, pins)]
    else:
        pins, says = {}, "build the broken index anew"
        target = None
    result.steps.append(f"branch {head.branch}: {says}, by a commit ({found[0].line()})")
    if result.dry_run:
        return
    publication = Publication(storage, head)
    moved = dict(head.pins)
    for table, version in pins.items():
        above = max(_last_noted(log, table), head.pins[table])
        if version:
            moved[table] = _restore(storage, table, version, above=above)
        else:
            moved[table] = _make_anew(storage, table, aside, above=above)
    if not tables:
        for table in sorted({damage.table for damage in found}):
            for index in publication.dataset(table).describe_indices():
                publication.drop_index(table, index.name)
            publication.index_words(table, INDEXED[table])
        moved = publication.pins()
    commit = Commit(
        number=log.all()[-1].number + 1,
        parent=head.commit_id,
        operation="repair",
        author=by,
        reason=why,
        pins=moved,
        summary={"restored": None if target is None else target.commit_id, "damaged": len(found)},
        branch=head.branch,
        files=seal(storage, log.notes, [moved]),
    )
    if not log.append(commit):
        raise ClearKbError(f"another writer committed to {storage.uri} in between: repair it again")
    result.commits.append(commit.commit_id)


def _whole_pins(log: CommitLog, head: Commit, target: Commit | None) -> tuple[dict[str, int], str]:
    """The versions that make a whole state: those of one commit, or else the newest whole one of each table."""
    if target is not None:
        moved = {table: version for table, version in target.pins.items() if head.pins[table] != version}
        return moved, f"go back to commit {target.commit_id}, the newest that is whole"
    pins: dict[str, int] = {}
    for table in VERSIONED:
        pinned = {commit.pins[table.name] for commit in log.chain(head) if table.name in commit.pins}
        whole = [version for version in sorted(pinned) if not log.verifier.version(table.name, version)]
        pins[table.name] = whole[-1] if whole else 0
    empty = [table for table, version in pins.items() if not version]
    moved = {table: version for table, version in pins.items() if head.pins[table] != version}
    return moved, (
        "no commit is whole: go back to the newest whole version of each table"
        + (f", and make {', '.join(empty)} anew, empty; a backup would have them" if empty else "")
    )


def _undone(chain: Sequence[Commit], target: Commit | None, pins: Mapping[str, int]) -> list[Commit]:
    """The commits of a branch, newest first, whose work a repair takes back: what they wrote is not in its state."""
    if target is not None:
        return [commit for commit in chain if commit.number > target.number]
    return [
        commit
        for commit, before in pairwise(chain)
        if any(commit.pins.get(table, 0) > max(version, before.pins.get(table, 0)) for table, version in pins.items())
    ]


def _restore(storage: Storage, table: str, version: int, *, above: int) -> int:
    """Make a table again what it was at `version`, under a number that no commit has ever named."""
    while True:
        dataset = storage.dataset(table, version)
        dataset.restore()
        if dataset.version > above:
            return int(dataset.version)


def _folder(storage: Storage, table: str) -> Path:
    return Path(storage.location(table))


def _last_noted(log: CommitLog, table: str) -> int:
    """The newest version of a table that a commit ever named."""
    pinned = [commit.pins.get(table, 0) for commit in log.all()]
    return max([*pinned, *log.verifier.noted_versions(table)], default=0)


def _lost(commit: Commit) -> Lost:
    time = commit.time.astimezone(UTC).isoformat(timespec="minutes")
    return Lost(commit.commit_id, time, commit.author, commit.operation, dict(commit.summary))


def lost_lines(lost: list[Lost]) -> Iterator[str]:
    """What has to be done again, oldest first."""
    for one in reversed(lost):
        said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in one.summary.items() if name != "run")
        when = datetime.fromisoformat(one.time).strftime("%Y-%m-%d %H:%M")
        yield f"{one.commit} {when} {one.operation} by {one.by}{f' ({said})' if said else ''}"
