"""The desk: what every page works with. The knowledge base as it stands now, who sits at it, what may be done."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.commits import MAIN, Commit


class Desk:
    """One knowledge base, opened for pages that many threads serve.

    Attributes:
        uri: where it stands.
        author: who acts, where a visitor has given no name; None where each has to give one.
        read_only: whether nothing may be written.
        branch: where acts go, and what is followed.
    """

    def __init__(
        self,
        uri: str,
        *,
        at: str | None = None,
        branch: str | None = None,
        author: str | None = None,
        read_only: bool = False,
        storage_options: Mapping[str, str] | None = None,
    ):
        self.uri = uri
        self.author = author
        self.read_only = read_only or at is not None
        self._storage_options = storage_options
        self._opening = threading.Lock()
        self._acting = threading.Lock()
        self._fixed = at is not None
        opened = KnowledgeBase.open(uri, at, storage_options)
        if branch is not None:
            opened = opened.at(opened.commits.head(branch).commit_id)
        self._base = opened
        self._log_version = self._newest_log()

    @property
    def branch(self) -> str:
        """The branch whose newest state is shown."""
        return self._base.branch

    @property
    def on_main(self) -> bool:
        """Whether that is main, and no draft."""
        return self.branch == MAIN

    def base(self) -> KnowledgeBase:
        """The knowledge base at its newest commit, or at the one that was asked for.

        One object serves a commit, so that what it remembers lasts; another commit brings another object, so that a
        page under way keeps the state that it began with.
        """
        if self._fixed:
            return self._base
        with self._opening:
            if (newest := self._newest_log()) != self._log_version:
                head = self._base.commits.head(self.branch)
                if head.commit_id != self._base.commit.commit_id:
                    self._base = KnowledgeBase(self._base.storage, self._base.commits, head)
                self._log_version = newest
            return self._base

    @contextmanager
    def acting(self) -> Iterator[KnowledgeBase]:
        """The newest state to act on, one act at a time; what others committed meanwhile is seen."""
        if self.read_only:
            raise UsageError("this workbench is read-only: nothing can be changed here")
        with self._acting:
            base = self.base()
            yield KnowledgeBase(base.storage, base.commits, base.commit)

    def since(self, commit_id: str) -> list[Commit]:
        """The commits that came after one, newest first; none if it is unknown or the newest."""
        log = self.base().log()
        later: list[Commit] = []
        for commit in log:
            if commit.commit_id == commit_id:
                return later
            later.append(commit)
        return []

    def _newest_log(self) -> int:
        """The version of the log of commits: it moves with every commit, and costs less to ask than to read them."""
        return int(self._base.storage.dataset("commits").version)
