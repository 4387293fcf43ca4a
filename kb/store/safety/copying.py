"""A whole copy of a knowledge base: what is not there yet is copied, compared, and opens only when all is there.

Files of a table never change, so a file that is there with its size and hash is not copied again. The log's newest
manifest comes last: a copy that was cut off shows the state before it, or none, and the next one goes on from there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError
from kb.store.commits import Commit, CommitLog
from kb.store.dropping import made_whole
from kb.store.manifests import manifest_path, version_of
from kb.store.publication import writer_lock
from kb.store.safety.copy_target import refuse_nested, require_same
from kb.store.safety.file_notes import hash_file
from kb.store.safety.held_states import held_states
from kb.store.safety.place import PART, GoneError, Place
from kb.store.safety.second_log import full_rows, write_rows
from kb.store.safety.verify import BESIDE, Damage, damaged
from kb.store.storage import COPY_MARK, Storage, first_line

LOG = "commits"

TRIES = 5
"""How often a copy is begun anew where files went that a clean-up drops; what was copied is not looked at again."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did: the newest commit it holds, the files it took, those that were there, and those that went."""

    commit: str
    commits: int
    files: int
    bytes: int
    there: int
    pruned: int
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
    prune: bool = False,
    dry_run: bool = False,
    on_file: Callable[[int, int], object] = lambda *_: None,
) -> Copied:
    """Bring `target` to the state of `source`, which may be written to meanwhile: what it commits later stays out.

    Args:
        source: a sound knowledge base, of any format.
        target: a new place, or an earlier copy of the same one.
        prune: delete from the tables of the target what the source no longer has: commits that a clean-up has dropped
            there since, and patients that were forgotten.
        dry_run: count what would be copied.
        on_file: hears how many files are done, and of how many.

    Raises:
        UsageError: another knowledge base stands at the target, or one that was written to since.
        ClearKbError: a file of the source is damaged, or one of the two cannot be reached.
    """
    refuse_nested(source, target)
    log = CommitLog(source, any_format=True)
    require_same(source, log.all(), target)
    copy = _Copy(source, target, log, dry_run=dry_run, on_file=on_file)
    with _alone(target, dry_run=dry_run):
        for left in reversed(range(TRIES)):
            try:
                return copy.run(prune=prune)
            except GoneError:
                if not left:
                    raise
    raise AssertionError("the last try returns or raises")


def _alone(target: Storage, *, dry_run: bool) -> AbstractContextManager[Any]:
    if dry_run or target.folder is None:
        return nullcontext()
    target.folder.mkdir(parents=True, exist_ok=True)
    lock: AbstractContextManager[Any] = writer_lock(target)
    return lock


class _Copy:
    """One copy, however often it is begun."""

    def __init__(
        self,
        source: Storage,
        target: Storage,
        log: CommitLog,
        *,
        dry_run: bool,
        on_file: Callable[[int, int], object],
    ):
        self._source, self._target, self._log = source, target, log
        self._here, self._there = Place(source), Place(target)
        self._dry_run, self._on_file = dry_run, on_file
        self._copied: dict[str, int] = {}
        self._present: set[str] = set()

    def run(self, *, prune: bool) -> Copied:
        """Copy what is not there, from the newest state on (GoneError where a file went that a clean-up drops)."""
        # Before the log: a tag that is named later may be of a commit that stays out.
        beside = {table: self._source.dataset(table).version for table in BESIDE if self._source.has(table)}
        with held_states(self._source, self._log) as (commits, states):
            if self._log.damage is not None:
                raise damaged(self._source.uri, [self._log.damage], ": a copy would be as damaged")
            require_same(self._source, commits, self._target)
            versions = _versions(states) | {table: {version} for table, version in beside.items()}
            versions[LOG] = {self._log.version}
            wanted = sorted(self._wanted(versions))
            if not self._dry_run:
                self._begin(commits)
            notes = {f"{table}.lance/{path}": noted.note for (table, path), noted in self._log.notes.all().items()}
            for done, file in enumerate(wanted, 1):
                if file.path not in self._present and file.path not in self._copied:
                    note = notes.get(file.path)
                    self._bring(file, *((None, None) if note is None else (note.size, note.hash)))
                self._on_file(done, len(wanted))
            rows = self._full_rows(commits)
        if not self._dry_run:
            self._end(versions, rows)
        pruned = self._prune({file.path for file in wanted}) if prune else 0
        if not self._dry_run:
            CommitLog(self._target, any_format=True).write_off()  # what was not copied is no damage of the copy
        return Copied(
            commit=commits[-1].commit_id,
            commits=len(commits),
            files=len(self._copied),
            bytes=sum(self._copied.values()),
            there=len(self._present),
            pruned=pruned,
            dry_run=self._dry_run,
        )

    def _begin(self, commits: list[Commit]) -> None:
        if self._target.folder is not None:
            for part in self._target.folder.glob(f"{PART}*"):  # of a copy that was cut off
                part.unlink()
        self._there.write(COPY_MARK, json.dumps({"of": commits[0].commit_id}).encode())

    def _bring(self, file: _Wanted, size: int | None, digest: str | None) -> None:
        """Copy a file unless it is there."""
        if self._there.holds(file.path, size, digest):
            self._present.add(file.path)
            return
        try:
            self._copied[file.path] = self._here.size(file.path) if self._dry_run else self._copy(file, digest)
        except FileNotFoundError as error:
            raise GoneError(f"{self._source.uri}/{file.path} went while it was copied: try again") from error

    def _copy(self, file: _Wanted, digest: str | None) -> int:
        with tempfile.TemporaryDirectory(prefix="clear-kb-copy-") as folder:
            local = self._here.fetch(file.path, Path(folder))
            found = hash_file(local)
            if digest is not None and found != digest:
                of = file.path.removeprefix(f"{file.table}.lance/")
                damage = Damage(file.table, of, "holds other bytes than were committed")
                raise damaged(self._source.uri, [damage], ": not copied")
            self._there.put(file.path, local, found)
            return local.stat().st_size

    def _full_rows(self, commits: list[Commit]) -> list[Mapping[str, Any]] | None:
        """The rows of the second log; an older format has none."""
        rows = full_rows(self._source, {commit.commit_id for commit in commits}, self._log.version)
        return rows if all("files" in row for row in rows) else None

    def _end(self, versions: Mapping[str, set[int]], rows: list[Mapping[str, Any]] | None) -> None:
        """Have the newest version of each table that commits do not pin be the one of the source, and write the rest.

        A table is read at its newest version: one that the target made itself would hide the copied one.
        """
        for table in (*BESIDE, LOG):
            for path in self._there.listed(f"{table}.lance/_versions") if table in versions else ():
                if (version_of(Path(path).name) or 0) > max(versions[table]):
                    self._there.put_aside(path)
        if rows is not None:
            write_rows(self._target, rows)
        if self._target.folder is not None:
            made_whole(self._target.folder, versions)

    def _prune(self, wanted: set[str]) -> int:
        """Delete what else lies in the tables of the target; first manifests, so that nothing names what is gone."""
        tables = sorted({path.partition("/")[0] for path in wanted})
        others = [path for table in tables for path in self._there.listed(table) if path not in wanted]
        for path in sorted(others, key=lambda path: (Path(path).suffix != ".manifest", path)):
            if not self._dry_run:
                self._there.delete(path)
        return len(others)

    def _wanted(self, versions: Mapping[str, set[int]]) -> Iterator[_Wanted]:
        for table, kept in versions.items():
            turn = 3 if table == LOG else 2 if table in BESIDE else 1
            manifests = {manifest_path(version) for version in kept}
            for path in self._files(table, kept):
                yield _Wanted(turn if path in manifests else 0, f"{table}.lance/{path}", table)
            for path in self._here.listed(f"{table}.lance/_refs"):
                yield _Wanted(2, path, table)

    def _files(self, table: str, versions: set[int]) -> set[str]:
        try:
            newest = self._source.dataset(table, max(versions))
            reader = newest.tracked_files(min_version=min(versions))
            return {row["path"] for batch in reader for row in batch.to_pylist() if row["version"] in versions}
        except (ClearKbError, OSError, ValueError, RuntimeError) as error:
            # Versions between those that are held may go while they are listed.
            if gone := versions - set(self._source.versions(table)):
                raise GoneError(f"version {max(gone)} of table '{table}' of {self._source.uri} is gone") from error
            raise damaged(
                self._source.uri, [Damage(table, "", first_line(error))], ": nothing can be copied"
            ) from error


def _versions(states: list[Commit]) -> dict[str, set[int]]:
    versions: dict[str, set[int]] = {}
    for state in states:
        for table, version in state.pins.items():
            versions.setdefault(table, set()).add(version)
    return versions
