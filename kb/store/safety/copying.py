"""A whole copy of a knowledge base: what is not there yet is copied, compared, and opens only when all is there.

Files of a table never change, so a file that is there with its size and hash is not copied again. The log's newest
manifest comes last: a copy that was cut off shows the state before it, or none, and the next one goes on from there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError, UsageError
from kb.store.commits import Commit, CommitLog
from kb.store.dropping import made_whole
from kb.store.manifests import manifest_path
from kb.store.safety.file_notes import hash_file
from kb.store.safety.place import Place
from kb.store.safety.second_log import add_rows
from kb.store.safety.verify import BESIDE, Damage, damaged
from kb.store.storage import COPY_MARK, SECOND_LOG, Storage, first_line


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did: the newest commit it holds, the files it took, and those that were there already."""

    commit: str
    commits: int
    files: int
    bytes: int
    there: int
    dry_run: bool

    def to_dict(self) -> dict[str, Any]:
        """The copy as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, order=True)
class _Wanted:
    """A file to copy; the order is that of copying: contents, then manifests, and the log's last of all."""

    turn: int
    path: str
    table: str


def copy_knowledge_base(
    source: Storage,
    target: Storage,
    *,
    dry_run: bool = False,
    on_file: Callable[[int, int], object] = lambda *_: None,
) -> Copied:
    """Bring `target` to the state of `source`, which may be written to meanwhile: what it commits later stays out.

    Args:
        source: a sound knowledge base.
        target: a new place, or an earlier copy of the same one.
        dry_run: count what would be copied.
        on_file: hears how many files are done, and of how many.

    Raises:
        UsageError: another knowledge base stands at the target, or one that has commits of its own.
        ClearKbError: a file of the source is damaged, or one of the two cannot be reached.
    """
    log = CommitLog(source)
    commits = log.all()
    if log.damage is not None:
        raise damaged(source.uri, [log.damage], ": a copy would be as damaged")
    _require_same(commits, target)
    here, there = Place(source), Place(target)
    versions = _versions(source, log, commits)
    wanted = sorted(_wanted(source, versions))
    notes = {f"{table}.lance/{path}": noted.note for (table, path), noted in log.notes.all().items()}
    if not dry_run:
        there.write(COPY_MARK, json.dumps({"of": commits[0].commit_id}).encode())
    files = size = present = 0
    for done, file in enumerate(wanted, 1):
        note = notes.get(file.path)
        digest = None if note is None else note.hash
        if there.holds(file.path, None if note is None else note.size, digest):
            present += 1
        else:
            files += 1
            size += here.size(file.path) if dry_run else _copy(here, there, file, digest)
        on_file(done, len(wanted))
    if not dry_run and target.folder is not None:
        made_whole(target.folder, versions)
        (target.folder / SECOND_LOG).unlink(missing_ok=True)
        add_rows(target, [commit.to_row() for commit in commits])
    return Copied(commits[-1].commit_id, len(commits), files, size, present, dry_run)


def _copy(here: Place, there: Place, file: _Wanted, digest: str | None) -> int:
    with tempfile.TemporaryDirectory(prefix="clear-kb-copy-") as folder:
        local = here.fetch(file.path, Path(folder))
        if digest is not None and hash_file(local) != digest:
            of = file.path.removeprefix(f"{file.table}.lance/")
            raise damaged(here.uri, [Damage(file.table, of, "holds other bytes than were committed")], ": not copied")
        there.put(file.path, local)
        return local.stat().st_size


def _require_same(commits: list[Commit], target: Storage) -> None:
    """Refuse a target that is no earlier copy of the same knowledge base (UsageError)."""
    mark, known = Place(target).read(COPY_MARK), {commit.commit_id for commit in commits}
    if mark is not None and json.loads(mark).get("of") != commits[0].commit_id:
        raise UsageError(f"{target.uri} holds a copy of another knowledge base: name another place")
    target.refuse_foreign_folder()
    if not target.has("commits"):
        return
    try:
        theirs = CommitLog(target).all()
    except ClearKbError:
        if mark is None:
            raise
        return  # a first copy that was cut off
    if foreign := [commit for commit in theirs if commit.commit_id not in known]:
        raise UsageError(
            f"{target.uri} has commits that are not in this one ({foreign[-1].commit_id}, {foreign[-1].operation}): "
            "it is another knowledge base, or was written to since; name another place"
        )


def _versions(source: Storage, log: CommitLog, commits: list[Commit]) -> dict[str, set[int]]:
    """The versions of every table that a copy holds."""
    heads = {commit.commit_id for commit in log.branches().values()}
    states = [commit.pins for commit in commits if commit.commit_id in heads or log.readable([commit])]
    versions: dict[str, set[int]] = {}
    for pins in states:
        for table, version in pins.items():
            versions.setdefault(table, set()).add(version)
    for table in BESIDE:
        if source.has(table):
            versions[table] = {source.dataset(table).version}
    versions["commits"] = {log.version}
    return versions


def _wanted(source: Storage, versions: Mapping[str, set[int]]) -> Iterator[_Wanted]:
    for table, kept in versions.items():
        turn = 3 if table == "commits" else 2 if table in BESIDE else 1
        manifests = {manifest_path(version) for version in kept}
        for path in _files(source, table, kept):
            yield _Wanted(turn if path in manifests else 0, f"{table}.lance/{path}", table)
        for path in Place(source).listed(f"{table}.lance/_refs"):
            yield _Wanted(2, path, table)


def _files(source: Storage, table: str, versions: set[int]) -> set[str]:
    try:
        reader = source.dataset(table, max(versions)).tracked_files(min_version=min(versions))
        return {row["path"] for batch in reader for row in batch.to_pylist() if row["version"] in versions}
    except (OSError, ValueError, RuntimeError) as error:
        raise damaged(source.uri, [Damage(table, "", first_line(error))], ": nothing can be copied") from error
