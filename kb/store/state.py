"""One state of a knowledge base: the tables as one commit pins them, and the way to the next commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, TypeVar

from kb.errors import ClearKbError, DroppedError, NoKnowledgeBaseError, UsageError
from kb.store.commits import UNTIL_REPAIRED, Commit, CommitLog, default_author
from kb.store.publication import Change, Publication, publish, writer_lock
from kb.store.readers import Hold, prepare
from kb.store.rehearsal import Rehearsal
from kb.store.safety.seal import seal
from kb.store.safety.verify import Damage, damaged
from kb.store.storage import Storage, existing
from kb.store.table_versions import refuse_newer
from schemas.tables import VERSIONED

if TYPE_CHECKING:
    import lance

logger = logging.getLogger("clear_kb.store")

T = TypeVar("T")


class State:
    """One consistent state of a knowledge base; reading it never sees a writer at work.

    Attributes:
        storage: the tables, in a folder or an object store.
        commits: the log of all commits.
        commit: the one that this state is of.
    """

    def __init__(self, storage: Storage, log: CommitLog, commit: Commit):
        self.storage = storage
        self.commits = log
        self.commit = commit
        self._hold = Hold(storage)
        self._take_hold()
        self._remembered: dict[Callable[..., Any], Any] = {}
        self._making: dict[Callable[..., Any], Any] = {}

    @classmethod
    def exists(cls, uri: str | Path, storage_options: Mapping[str, str] | None = None) -> bool:
        """Whether a finished knowledge base stands at `uri`."""
        try:
            return bool(CommitLog(existing(uri, storage_options)).all())
        except NoKnowledgeBaseError:
            return False

    @classmethod
    def create(
        cls,
        uri: str | Path,
        storage_options: Mapping[str, str] | None = None,
        *,
        by: str | None = None,
        why: str | None = None,
    ) -> Self:
        """Create an empty knowledge base at `uri`: a new folder, or an object-store address.

        Args:
            uri: a folder that is not there yet or empty, or an object-store address (`s3://bucket/path`).
            storage_options: settings of the object store: endpoint, region, keys.
            by: who; default: the login name.
            why: the reason, for the log.

        Raises:
            UsageError: one stands there already, or the folder holds other files.
        """
        if cls.exists(uri, storage_options):
            raise UsageError(f"{uri} is a knowledge base already")
        storage = Storage(uri, storage_options)
        versions = storage.create()
        prepare(storage)
        log = CommitLog(storage)
        pins = {table.name: versions[table.name] for table in VERSIONED}
        log.append(
            Commit(
                number=0,
                parent=None,
                operation="init",
                author=by or default_author(),
                reason=why,
                pins=pins,
                files=seal(storage, log.notes, [pins]),
            )
        )
        return cls(storage, log, log.head())

    @classmethod
    def open(cls, uri: str | Path, at: str | None = None, storage_options: Mapping[str, str] | None = None) -> Self:
        """Open the knowledge base at `uri`, at its newest commit or at the commit, tag or branch `at`.

        Args:
            uri: a folder, or an object-store address (`s3://bucket/path`).
            at: a commit's id or its first letters, a tag, a branch, or `HEAD~2`.
            storage_options: settings of the object store: endpoint, region, keys.

        Raises:
            NoKnowledgeBaseError: there is none.
            UsageError: `at` names no commit.
        """
        storage = existing(uri, storage_options)
        log = CommitLog(storage)
        newest = cls._at_head(storage, log)
        if at:
            return newest.at(at)
        whole = _newest_whole(log, newest.commit)
        return newest if whole is newest.commit else cls(storage, log, whole)

    @classmethod
    def _at_head(cls, storage: Storage, log: CommitLog) -> Self:
        """The newest commit of main, held, and then looked at again: it may have been another's turn in between.

        What is no longer the newest a clean-up may have dropped before it was held: that would look like damage.
        """
        while True:
            with suppress(DroppedError):
                found = cls(storage, log, log.head())
                if found._is_newest():
                    return found

    def _is_newest(self) -> bool:
        """Whether nobody has committed to the branch since; a store, where nothing is held, is not asked again."""
        return self.storage.folder is None or self.commits.head(self.branch).number == self.commit.number

    @property
    def branch(self) -> str:
        """The branch it stands on, where its commits go."""
        return self.commit.branch

    @property
    def uri(self) -> str:
        """Where it stands."""
        return self.storage.uri

    def at(self, ref: str) -> Self:
        """The same knowledge base at another commit, tag or branch; `HEAD` is the newest of this branch."""
        commit = self.commits.resolve(ref, self.branch)
        there = type(self)(self.storage, self.commits, commit)
        # No clean-up drops the newest commit of a branch: what that lacks is damage.
        if commit.commit_id != self.commit.commit_id and commit not in self.commits.branches().values():
            there.require_data()
        if found := _blocking(self.commits, commit):
            raise damaged(self.uri, found)
        return there

    def require_data(self) -> None:
        """Refuse a commit whose data a clean-up has dropped (UsageError)."""
        if not self.commits.readable([self.commit]):
            raise self._gone()

    def dataset(self, table: str) -> lance.LanceDataset:
        """The Lance dataset of `table` as this commit pins it: an Arrow dataset, for DuckDB, Polars, pandas.

        A table that stands beside the history (`training_metrics`, `tags`, ...) comes as it is now.
        """
        version = self.commit.pins.get(table)
        if version in self.storage.dropping().now.get(table, ()):
            raise self._dropped()
        try:
            dataset = self.storage.dataset(table, version)
        except ClearKbError:
            if version is not None and version not in self.storage.versions(table):
                raise self._gone() from None
            raise
        refuse_newer(self.uri, table, dataset)
        return dataset

    def log(self) -> list[Commit]:
        """This commit and all that it builds on, newest first."""
        return self.commits.chain(self.commit)

    def tags(self) -> dict[str, str]:
        """Tag names and the ids of the commits they name."""
        return self.commits.tags()

    def tag(self, name: str, *, by: str | None = None, why: str | None = None) -> None:
        """Name this commit for good. A tag never moves: a taken name is a UsageError."""
        # Under the lock: no clean-up drops between the look and the name what the name would keep.
        with writer_lock(self.storage):
            self.require_data()
            self.commits.tag(name, self.commit, by or default_author(), why)

    def publish(
        self,
        operation: str,
        change: Change[T],
        *,
        by: str | None = None,
        why: str | None = None,
        dry_run: bool = False,
    ) -> tuple[Commit | None, T]:
        """Commit a change on the newest commit of its branch, and stand on it; see `publication.publish`.

        Args:
            operation: what the log calls it.
            change: what is done.
            by: who; default: `default_author`.
            why: the reason, for the log.
            dry_run: take every step, write nothing, and stay where one stands.

        Returns:
            The commit, None if there was nothing to commit or it was a dry run; and the value that `change` gave.
        """
        if dry_run:
            _, value = change(Rehearsal(self.storage, self.commits.head(self.branch)))
            return None, value
        commit, value = publish(
            self.storage,
            self.commits,
            change,
            operation=operation,
            author=by or default_author(),
            reason=why,
            branch=self.branch,
            done=self._stand_on,
        )
        return commit, value

    def follow(self) -> None:
        """Stand on the newest commit of the branch: what others have committed since is seen from here on."""
        while True:
            with suppress(DroppedError):
                self._stand_on(self.commits.head(self.branch))
                if self._is_newest():
                    return

    def restore(self, ref: str, *, by: str | None = None, why: str | None = None) -> Commit | None:
        """Make the state of `ref` the newest one, as a new commit; None if it is so already.

        The acts of curation stay listed, the ones that this undoes too.
        """
        target = self.at(ref).commit

        def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
            moved = [name for name, version in target.pins.items() if publication.head.pins[name] != version]
            for table in moved:
                if table != "changes":
                    publication.restore(table, target.pins[table])
            return ({"restored": target.commit_id} if moved else None), None

        commit, _ = self.publish("restore", change, by=by, why=why)
        return commit

    def remember(self, make: Callable[[State], T]) -> T:
        """What `make` makes of this commit, made once: something costly that is read again and again.

        Threads that ask for the same at once wait for the one that makes it.
        """
        with self._making.setdefault(make, RLock()):
            if make not in self._remembered:
                self._remembered[make] = make(self)
            found: T = self._remembered[make]
        return found

    def _gone(self) -> ClearKbError:
        """Why there is no data of this commit: it was dropped, or it was lost."""
        lost = self.commits.lost([self.commit])
        return damaged(self.uri, lost) if lost else self._dropped()

    def _dropped(self) -> DroppedError:
        return DroppedError(f"commit {self.commit.commit_id} was dropped by a clean-up: its data is gone")

    def _take_hold(self) -> None:
        if not self._hold.take(self.commit.number):
            raise self._dropped()

    def _stand_on(self, commit: Commit) -> None:
        self.commit = commit
        self._take_hold()
        self._remembered.clear()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.uri!r}, commit {self.commit.commit_id}, {self.commit.operation})"


def _blocking(log: CommitLog, commit: Commit) -> list[Damage]:
    """What is damaged of a commit so that it cannot be read; of a damaged index it is told, and it is not used."""
    found = log.damage_of(commit)
    for damage in found[:1] if all(damage.derived for damage in found) else ():
        logger.warning("%s; reading goes without it, %s", damaged(log.uri, [damage]), UNTIL_REPAIRED)
    return [damage for damage in found if not damage.derived]


def _newest_whole(log: CommitLog, newest: Commit) -> Commit:
    """The newest commit of main whose files are as they were committed; one that is not the newest is told of.

    Raises:
        DamagedError: none is whole.
    """
    found = _blocking(log, newest)
    if not found:
        return newest
    told = damaged(log.uri, found)
    for commit in log.readable(log.chain(newest)[1:]):
        if not _blocking(log, commit):
            logger.warning(
                "%s; what is shown is commit %s of %s, the newest that is whole, and %s",
                told,
                commit.commit_id,
                commit.time.isoformat(timespec="minutes"),
                UNTIL_REPAIRED,
            )
            return commit
    raise told
