"""Commits: one row pins one version of every table, so that a reader sees one consistent state."""

from __future__ import annotations

import getpass
import json
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.errors import ClearKbError, UsageError
from kb.store.dropping import note_dropped
from kb.store.history import History
from kb.store.manifests import manifest_path, version_of
from kb.store.safety.file_notes import FileNote, FileNotes, hash_notes
from kb.store.safety.seal import settle
from kb.store.safety.second_log import add_rows, full_rows, last_row, newest_written, salvaged_rows
from kb.store.safety.verify import BESIDE, Damage, Verifier, damaged
from kb.store.sqltext import literal
from kb.store.storage import FORMAT_KEY, Storage, first_line
from schemas.tables import FORMAT

if TYPE_CHECKING:
    import lance

logger = logging.getLogger("clear_kb.store")

MAIN = "main"
"""The branch that everything stands on unless a draft is named."""

CREATE, DELETE = "branch create", "branch delete"
"""The commits that a branch begins and ends with."""

RESERVED = "clear-kb-gc-"
"""How the marks begin that `gc` sets among the tags of a Lance table while it works."""

LONGEST_NAME = 200
"""Letters that the name of a tag or branch may have: a file name has room for it."""

OLDEST_FORMAT = 10
"""The oldest layout that can be brought up to the newest."""

REREADINGS = 3
"""How often the log is opened anew where its files went while it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One consistent state: what was done, by whom and why, and the version of every table."""

    number: int
    parent: str | None
    operation: str
    author: str
    reason: str | None
    pins: Mapping[str, int]
    summary: Mapping[str, Any] = field(default_factory=dict)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    branch: str = MAIN
    files: Sequence[FileNote] = field(default=(), compare=False, repr=False)
    """Notes of the files that are new with it, to be written: reading the log leaves them out."""
    files_hash: str | None = None
    """The hash of these notes, of which the id is made too; None in commits of before format 11."""

    def __post_init__(self) -> None:
        """Have the id say which notes were made."""
        if self.files and self.files_hash is None:
            object.__setattr__(self, "files_hash", hash_notes(self.files))

    @property
    def commit_id(self) -> str:
        """A hash of all that the commit says, 12 hex digits."""
        return blake2b(json.dumps(self._said(), sort_keys=True).encode(), digest_size=6).hexdigest()

    def to_row(self) -> dict[str, Any]:
        """The commit as a row of the `commits` table."""
        return {
            **self._said(),
            "commit_id": self.commit_id,
            "time": self.time,
            "pins": [{"table": name, "version": version} for name, version in sorted(self.pins.items())],
            "summary": json.dumps(dict(self.summary), sort_keys=True),
            "files": [note.to_row() for note in self.files],
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Commit:
        """The commit that `row` of the `commits` table holds."""
        return cls(
            number=row["number"],
            parent=row["parent"],
            operation=row["operation"],
            author=row["author"],
            reason=row["reason"],
            pins={pin["table"]: pin["version"] for pin in row["pins"]},
            summary=json.loads(row["summary"]),
            time=row["time"].astimezone(UTC),
            branch=row["branch"],
            files_hash=row.get("files_hash"),
        )

    def _said(self) -> dict[str, Any]:
        noted = {} if self.files_hash is None else {"files_hash": self.files_hash}
        return {
            "number": self.number,
            "parent": self.parent,
            "operation": self.operation,
            "author": self.author,
            "reason": self.reason,
            "time": self.time.isoformat(),
            "pins": dict(self.pins),
            "summary": dict(self.summary),
            "branch": self.branch,
            **noted,
        }


UNTIL_REPAIRED = "nothing is written until a repair"


class CommitLog:
    """The commits of one knowledge base and the names that tags give them; of the newest format, unless told so."""

    def __init__(self, storage: Storage, *, any_format: bool = False):
        self._storage = storage
        self.uri = storage.uri
        self._any_format = any_format
        self._known: History[Commit] = History()
        self._reading = RLock()
        self.notes = FileNotes(storage)
        self.verifier = Verifier(storage, self.notes, self._id_of)
        self.damage: Damage | None = None
        """What is wrong with the log itself, once that was found."""
        storage.guard = self._guard

    def __getstate__(self) -> dict[str, Any]:
        """What another process is sent: all but the lock."""
        return {name: value for name, value in self.__dict__.items() if name != "_reading"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take it in, with a lock of its own."""
        self.__dict__.update(state, _reading=RLock())

    def history(self) -> History[Commit]:
        """The history as it is now.

        Where an object store let two writers take one number, the row that was appended first holds it: the
        other writer sees that on re-reading, and publishes anew. A version of the table that was read is not read
        again: no version ever changes. What is damaged of the log comes from its second copy, if that has it.
        """
        with self._reading:
            why: str | None = None
            # Where files of the log are gone, a writer may have gathered and swept them since it was opened.
            for _ in range(0 if self.damage is not None else REREADINGS):
                try:
                    if (why := self._read_new()) is None:
                        break
                except (OSError, RuntimeError, ValueError) as error:
                    logger.debug("the log cannot be read: %s", error)
                    why = "its newest version cannot be read"
                except ClearKbError as error:
                    if error.need != "repair":
                        raise
                    logger.debug("the log cannot be opened: %s", error)
                    why = "its newest version cannot be opened"
            if why is not None:
                self._salvage(why)
        return self._known

    def _read_new(self) -> str | None:
        """Read what is new of the log; what is wrong with it, if anything is."""
        # First the copy, then the log, which is written first: it has all that the copy had, and may have more.
        last = newest_written(self._storage)
        dataset = self._storage.dataset("commits")
        known = self._known
        if known.version == dataset.version:
            return None
        metadata = dataset.schema.metadata or {}
        if not read_format(metadata) and last is not None:
            return "its newest version is not what was written"
        if not self._any_format:
            check_format(self._storage.uri, metadata)
        columns = [name for name in dataset.schema.names if name != "files"]
        count, rows = dataset.count_rows(), None
        if known.numbers and known.version < dataset.version:
            rows = dataset.to_table(columns=columns, filter=f"number > {known.numbers[-1]}").to_pylist()
        if rows is None or known.rows + len(rows) != count:
            known, rows = History(), dataset.to_table(columns=columns).to_pylist()
        commits = _commits(rows)
        if len(commits) < len({row["number"] for row in rows}):
            return "rows of it say something else than was written"
        known.take(commits, version=dataset.version, rows=count)
        if last is not None and last not in known.by_id:
            return f"commit {last} is gone from it"
        self._known = known
        return None

    def all(self) -> list[Commit]:
        """Every commit, oldest first."""
        return self.history().all()

    @property
    def version(self) -> int:
        """The version of the table `commits` that was read last."""
        return max(self._known.version, 0)

    def _salvage(self, why: str) -> None:
        """Go by the commits that are left where the table is damaged; from then on nothing is written."""
        commits = _commits(salvaged_rows(self._storage))
        if not commits:
            raise damaged(self._storage.uri, [Damage("commits", "", f"is damaged: {why}, and nothing of it is left")])
        self.damage = Damage("commits", "", f"is damaged: {why}")
        told = f"the log of {self._storage.uri}, its table 'commits', is damaged: {why}"
        logger.warning("%s; what is left of it and its second copy is read, %s", told, UNTIL_REPAIRED)
        self._known = History()
        self._known.take(commits, version=0, rows=0)

    def damage_of(self, commit: Commit) -> list[Damage]:
        """What is damaged of the state of a commit; every version of a table is looked at once a process."""
        return self.verifier.state(commit.pins)

    def require_sound(self, commit: Commit) -> None:
        """Refuse to build on a state that is damaged, or beside a log that is (DamagedError)."""
        found = [self.damage] if self.damage is not None else self.damage_of(commit)
        if found:
            raise damaged(self._storage.uri, found, ": nothing is written until it is repaired")

    def _id_of(self, number: int) -> str | None:
        return self._known.get(number).commit_id if number in self._known else None

    def _guard(self, table: str, dataset: lance.LanceDataset) -> None:
        if (
            self._storage.folder is not None
            and table in BESIDE
            and (found := self.verifier.newest(table, dataset.version))
        ):
            raise damaged(self._storage.uri, found)

    def head(self, branch: str = MAIN) -> Commit:
        """The newest commit of a branch."""
        history = self.history()
        number = history.heads.get(branch)
        if number is None and branch == MAIN:
            raise ClearKbError(f"{self._storage.uri} was never finished: create it again", need="creation")
        if number is None or history.get(number).operation == DELETE:
            raise UsageError(f"there is no branch '{branch}' in {self._storage.uri}", need="branch")
        return history.get(number)

    def branches(self) -> dict[str, Commit]:
        """The branches and the newest commit of each; main is the first."""
        history = self.history()
        heads = {name: history.get(number) for name, number in history.heads.items()}
        return {name: commit for name, commit in heads.items() if commit.operation != DELETE}

    def chain(self, commit: Commit) -> list[Commit]:
        """`commit` and all that it builds on, newest first."""
        return list(self.history().chain(commit))

    def append(self, commit: Commit) -> bool:
        """Append `commit` unless its number is taken; says whether it now stands in the log, on the disk."""
        inserted = self._storage.insert_if_absent("commits", "number", commit.to_row())
        history = self.history()
        if not inserted or history.by_id.get(commit.commit_id) != commit.number:
            return False
        version = history.version if history.numbers[-1] == commit.number else None
        self.notes.add(commit.number, commit.files, version)
        settle(self._storage, self.notes, "commits")
        if self._storage.folder is None:
            missing: list[Commit] = []
        else:
            last = last_row(self._storage)
            missing = history.since(-1 if last is None else last["number"])
        rows = full_rows(self._storage, {one.commit_id for one in missing if one.number < commit.number})
        try:
            add_rows(self._storage, [*rows, commit.to_row()])
        except (ClearKbError, OSError) as error:  # the next commit that can adds this one too
            logger.warning(
                "commit %s stands; the second copy of the log could not be written: %s", commit.commit_id, error
            )
        return True

    def resolve(self, ref: str, branch: str = MAIN) -> Commit:
        """The commit that `ref` names: `HEAD` or `HEAD~2` of `branch`, a branch, a tag, or a commit id's beginning."""
        if match := re.fullmatch(r"(?i:head)(?:~(\d+))?", ref):
            chain = self.chain(self.head(branch))
            back = int(match[1] or 0)
            if back >= len(chain):
                raise UsageError(f"'{ref}' goes back beyond the first commit: there are {len(chain)}")
            return chain[back]
        if found := self.branches().get(ref):
            return found
        wanted, history = self.tags().get(ref, ref), self.history()
        matches = [
            number for commit_id, number in history.by_id.items() if len(wanted) >= 4 and commit_id.startswith(wanted)
        ]
        if len(matches) != 1:
            what = "is the beginning of several commits" if matches else "is no commit, tag or branch"
            raise UsageError(f"'{ref}' {what} of {self._storage.uri}", need="commit")
        return history.get(matches[0])

    def readable(self, commits: Sequence[Commit]) -> list[Commit]:
        """Those of `commits` whose data is still there: a clean-up may have dropped some."""
        # What a branch ends with is never dropped: most tables stand there as they did then.
        kept = {pin for head in self.branches().values() for pin in head.pins.items()}
        pins = {pin for commit in commits for pin in commit.pins.items()} - kept
        gone = self._storage.missing(pins) | self._storage.dropping().going
        return [commit for commit in commits if gone.isdisjoint(commit.pins.items())]

    def lost(self, commits: Sequence[Commit]) -> dict[Damage, list[Commit]]:
        """What is gone of some commits though no clean-up dropped it, and the commits that were of it.

        What a store has dropped is noted nowhere; but nothing drops what a branch ends with.
        """
        if self._storage.folder is None:
            heads = {head.number for head in self.branches().values()}
            commits = [commit for commit in commits if commit.number in heads]
        of: dict[tuple[str, int], list[Commit]] = {}
        for commit in commits:
            for pin in commit.pins.items():
                of.setdefault(pin, []).append(commit)
        missing = self._storage.missing(of)
        dropped = self._storage.dropping()  # read afterwards: a clean-up notes what it drops before it does
        found = {}
        for table, version in sorted(pin for pin in missing if pin not in dropped):
            commits_of = of[table, version]
            since = min(commits_of, key=attrgetter("number")).commit_id
            found[Damage(table, manifest_path(version), "is gone", since)] = commits_of
        return found

    def write_off(self) -> dict[Damage, list[Commit]]:
        """Note what is lost as dropped: what has no files any more is history, and no damage that is told again."""
        lost = self.lost(self.all())
        if lost and self._storage.folder is not None:
            versions: dict[str, set[int]] = {}
            for damage in lost:
                versions.setdefault(damage.table, set()).add(version_of(Path(damage.file).name) or 0)
            note_dropped(self._storage.folder, versions)
        return lost

    def tags(self) -> dict[str, str]:
        """Tag names and the ids of the commits they name."""
        rows = self._storage.dataset("tags").to_table(columns=["name", "commit_id"]).to_pylist()
        return {row["name"]: row["commit_id"] for row in rows}

    def tag(self, name: str, commit: Commit, author: str, reason: str | None = None) -> None:
        """Name `commit`, for good: its table versions are tagged in Lance too, so no clean-up drops them."""
        check_name(name, "tag")
        if name in self.branches():
            raise UsageError(f"'{name}' is a branch: take another name for the tag")
        taken = self.tags().get(name)
        row = {
            "name": name,
            "commit_id": commit.commit_id,
            "author": author,
            "reason": reason,
            "time": datetime.now(UTC),
        }
        if not taken and not self._storage.insert_if_absent("tags", "name", row):
            taken = self.tags()[name]
        if taken not in (None, commit.commit_id):
            raise UsageError(f"tag '{name}' already names commit {taken}: take another name")
        self._mark(name, commit)

    def move_tag(self, name: str, commit: Commit) -> None:
        """Let a tag name another commit: for one whose data has to go, a cleaned copy of it."""
        tags = self._storage.dataset("tags")
        (row,) = tags.to_table(filter=f"name = {literal(name)}").to_pylist()
        moved = pa.Table.from_pylist([{**row, "commit_id": commit.commit_id}], schema=tags.schema)
        tags.merge_insert("name").when_matched_update_all().execute(moved)  # in one version: no tag is ever lost
        self._mark(name, commit)

    def _mark(self, name: str, commit: Commit) -> None:
        """Tag the table versions of a commit in Lance; what a tag that was cut off has marked already stays."""
        for table, version in commit.pins.items():
            held = self._storage.dataset(table).tags
            try:
                held.create(name, version)
            except (OSError, ValueError, RuntimeError) as error:
                marked = held.list().get(name)
                if marked is None:
                    raise ClearKbError(
                        f"tag '{name}' names commit {commit.commit_id}, but not all tables are marked with it: "
                        f"{first_line(error)}; name it again"
                    ) from error
                if marked["version"] != version:
                    held.update(name, version)


def _commits(rows: Iterable[Mapping[str, Any]]) -> list[Commit]:
    """The commits of rows that say what their id was made of, by number; the first row holds a number."""
    first: dict[int, Commit] = {}
    for row in rows:
        if row["number"] not in first and (commit := Commit.from_row(row)).commit_id == row["commit_id"]:
            first[row["number"]] = commit
    return [first[number] for number in sorted(first)]


def check_format(uri: str, metadata: Mapping[bytes, bytes]) -> None:
    """Refuse a knowledge base whose layout this code does not read (ClearKbError), with what to do about it."""
    found = read_format(metadata)
    if found == FORMAT:
        return
    if found > FORMAT:
        raise ClearKbError(
            f"{uri} has format {found}, and this clear-kb reads formats up to {FORMAT}: a newer clear-kb wrote it; "
            "install that one"
        )
    if found >= OLDEST_FORMAT:
        raise ClearKbError(
            f"{uri} has format {found}, and this clear-kb works on format {FORMAT}: bring it up first", need="migration"
        )
    raise ClearKbError(
        f"{uri} has format {found or 'none'}, which was never released and is read no more: ingest its reports anew, "
        "or use the version that wrote it"
    )


def read_format(metadata: Mapping[bytes, bytes]) -> int:
    """The layout that the metadata of the table `commits` names; 0 if it names none."""
    said = metadata.get(FORMAT_KEY.encode(), b"").decode("utf-8", "replace")
    return int(said) if said.isdecimal() else 0


def default_author() -> str:
    """Who a commit is by if nobody says: CLEAR_KB_AUTHOR, or the login name."""
    try:
        return os.environ.get("CLEAR_KB_AUTHOR") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def check_name(name: str, kind: str) -> None:
    """Refuse a name that no tag or branch can have (UsageError)."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or name.lower() == "head":
        raise UsageError(f"'{name}' cannot be a {kind}: use letters, digits, '.', '_' and '-', and not HEAD")
    if name.lower().startswith(RESERVED):
        raise UsageError(f"'{name}' cannot be a {kind}: names of this kind mark what a clean-up keeps")
    # Lance keeps every tag as a file of its own and refuses these.
    if ".." in name or name.endswith((".", ".lock")) or len(name) > LONGEST_NAME:
        raise UsageError(
            f"'{name}' cannot be a {kind}: at most {LONGEST_NAME} letters, no '..', and no '.' or '.lock' at the end"
        )
