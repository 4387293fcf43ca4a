"""A knowledge base, opened at one commit."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import UsageError
from kb.store.commits import Commit, CommitLog
from kb.store.publication import Publication, publish
from kb.store.storage import Storage

if TYPE_CHECKING:
    import lance

    from kb.display import Listing
    from kb.store.gc import GcResult
    from kb.vectors.embedding import EmbedderInfo
    from kb.vectors.vector_index import VectorIndex
    from kb.vectors.vector_search import VectorSearch
    from kb.vectors.vector_storage import Stored
    from kb.vocabulary.search import SearchHit
    from kb.vocabulary.status import Status
    from kb.vocabulary.vocabulary import Vocabulary


class KnowledgeBase:
    """One consistent state of a knowledge base; reading it never sees a writer at work.

    Example:
        >>> kb = KnowledgeBase.open("openi.kb", at="v1")          # doctest: +SKIP
        >>> kb.vocabulary.get("C6f1f0f6a1c0ffee0").text           # doctest: +SKIP
        'small left pleural effusion'
    """

    def __init__(self, storage: Storage, log: CommitLog, commit: Commit):
        self.storage = storage
        self.commits = log
        self.commit = commit

    @classmethod
    def exists(cls, uri: str | Path, storage_options: Mapping[str, str] | None = None) -> bool:
        """Whether a finished knowledge base stands at `uri`."""
        storage = Storage(uri, storage_options)
        return storage.has("commits") and bool(CommitLog(storage).all())

    @classmethod
    def create(
        cls,
        uri: str | Path,
        storage_options: Mapping[str, str] | None = None,
        *,
        by: str | None = None,
        why: str | None = None,
    ) -> KnowledgeBase:
        """Create an empty knowledge base at `uri`: a new folder, or an object-store address.

        Raises:
            UsageError: one stands there already, or the folder holds other files.
        """
        if cls.exists(uri, storage_options):
            raise UsageError(f"{uri} is a knowledge base already")
        storage = Storage(uri, storage_options)
        storage.create()
        log = CommitLog(storage)
        pins = {name: storage.dataset(name).version for name in _versioned_tables()}
        log.append(Commit(0, None, "init", by or default_author(), why, pins))
        return cls(storage, log, log.head())

    @classmethod
    def open(
        cls, uri: str | Path, at: str | None = None, storage_options: Mapping[str, str] | None = None
    ) -> KnowledgeBase:
        """Open the knowledge base at `uri`, at its newest commit or at the commit, tag or branch `at`.

        Raises:
            UsageError: there is none, or `at` names no commit.
        """
        storage = Storage(uri, storage_options)
        if not storage.has("commits"):
            raise UsageError(
                f"there is no knowledge base at {uri}: `clear-kb ingest reports SRC --kb {uri}` makes one, "
                "or name another with --kb"
            )
        log = CommitLog(storage)
        return cls(storage, log, log.head()).at(at) if at else cls(storage, log, log.head())

    @property
    def branch(self) -> str:
        """The branch it stands on, where its commits go."""
        return self.commit.branch

    @property
    def uri(self) -> str:
        """Where it stands."""
        return self.storage.uri

    def at(self, ref: str) -> KnowledgeBase:
        """The same knowledge base at another commit, tag or branch; `HEAD` is the newest of this branch."""
        commit = self.commits.resolve(ref, self.branch)
        if commit.commit_id != self.commit.commit_id and not self.commits.readable([commit]):
            raise UsageError(f"commit {commit.commit_id} was dropped by `clear-kb gc`: its data is gone")
        return KnowledgeBase(self.storage, self.commits, commit)

    def dataset(self, table: str) -> lance.LanceDataset:
        """The Lance dataset of `table` as this commit pins it: an Arrow dataset, for DuckDB, Polars, pandas.

        A table that stands beside the history (`training_metrics`, `tags`, ...) comes as it is now.
        """
        return self.storage.dataset(table, self.commit.pins.get(table))

    def log(self) -> list[Commit]:
        """This commit and all that it builds on, newest first."""
        return self.commits.chain(self.commit)

    def tags(self) -> dict[str, str]:
        """Tag names and the ids of the commits they name."""
        return self.commits.tags()

    def tag(self, name: str, *, by: str | None = None, why: str | None = None) -> None:
        """Name this commit for good. A tag never moves: a taken name is a UsageError."""
        self.commits.tag(name, self.commit, by or default_author(), why)

    def publish(
        self,
        operation: str,
        change: Callable[[Publication], Mapping[str, Any] | None],
        *,
        by: str | None = None,
        why: str | None = None,
    ) -> Commit | None:
        """Commit a change on the newest commit of its branch, and stand on it; see `kb.store.publication.publish`."""
        commit = publish(
            self.storage,
            self.commits,
            change,
            operation=operation,
            author=by or default_author(),
            reason=why,
            branch=self.branch,
        )
        if commit is not None:
            self._stand_on(commit)
        return commit

    def follow(self) -> None:
        """Stand on the newest commit of the branch: what others have committed since is seen from here on."""
        self._stand_on(self.commits.head(self.branch))

    def _stand_on(self, commit: Commit) -> None:
        self.commit = commit
        for remembered in ("vocabulary", "vector_search"):
            self.__dict__.pop(remembered, None)

    def restore(self, ref: str, *, by: str | None = None, why: str | None = None) -> Commit | None:
        """Make the state of `ref` the newest one, as a new commit; None where it is already.

        The acts of curation stay listed, the ones that this undoes too.
        """
        target = self.at(ref).commit

        def change(publication: Publication) -> Mapping[str, Any] | None:
            moved = [name for name, version in target.pins.items() if publication.head.pins[name] != version]
            for table in moved:
                if table != "changes":
                    publication.restore(table, target.pins[table])
            return {"restored": target.commit_id} if moved else None

        return self.publish("restore", change, by=by, why=why)

    def gc(self, *, keep: int | None = None, dry_run: bool = False, **who: str | None) -> GcResult:
        """Give back the storage that nothing names any more; see `kb.store.gc.collect_garbage`."""
        from kb.store.gc import collect_garbage

        return collect_garbage(self, keep=keep, dry_run=dry_run, **who)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The concepts of this commit."""
        from kb.vocabulary.vocabulary import Vocabulary

        return Vocabulary(self)

    @property
    def embedder(self) -> EmbedderInfo | None:
        """What the concepts of this commit were embedded with, or None where they were not yet."""
        from kb.vectors.embedding import EmbedderInfo

        rows = self.dataset("embedders").to_table().to_pylist()
        return EmbedderInfo.from_row(rows[0]) if rows else None

    def require_embedder(self) -> EmbedderInfo:
        """What the concepts of this commit were embedded with; UsageError where they were not yet."""
        info = self.embedder
        if info is None:
            raise UsageError(f"nothing is embedded in {self.uri} yet: `clear-kb embed` first")
        return info

    def search(self, query: str, **options: Any) -> Listing[SearchHit]:
        """The concepts that `query` means, best first; the options are those of `kb.vocabulary.search.search`."""
        from kb.vocabulary.search import search

        return search(self, query, **options)

    def status(self) -> Status:
        """What this commit holds, in numbers."""
        from kb.vocabulary.status import read_status

        return read_status(self)

    def rejects(self) -> list[dict[str, Any]]:
        """The inputs that could not be taken: source, position, report_id, reason."""
        rows: list[dict[str, Any]] = self.dataset("rejects").to_table().to_pylist()
        return rows

    @cached_property
    def vector_search(self) -> VectorSearch:
        """The vectors of this commit, ready to be searched; an index, once loaded, stays in memory."""
        from kb.vectors.vector_search import VectorSearch

        return VectorSearch(self)

    @property
    def vector_index(self) -> VectorIndex | None:
        """The index over the embeddings of this commit, with what was measured when it was built."""
        from kb.vectors.vector_index import read_index

        return read_index(self)

    def build_index(self, kind: str = "hnsw", **options: Any) -> VectorIndex:
        """Build the vector index and measure it, as one commit; see `kb.vectors.vector_index.build_index`."""
        from kb.vectors.vector_index import build_index

        return build_index(self, kind, **options)

    def store_vectors(self, stored_as: str, **who: str | None) -> Stored:
        """Store the vectors as "float32" or "float16", as one commit; see `kb.vectors.vector_storage.store_vectors`."""
        from kb.vectors.vector_storage import store_vectors

        return store_vectors(self, stored_as, **who)

    def _repr_html_(self) -> str:
        from kb.display import html_table

        rows = [{"": name, "value": value} for name, value in self.status().facts()]
        return html_table(rows, ("", "value"))

    def __repr__(self) -> str:
        return f"KnowledgeBase({self.uri!r}, commit {self.commit.commit_id}, {self.commit.operation})"


def default_author() -> str:
    """Who a commit is by where nobody says: CLEAR_KB_AUTHOR, or the login name."""
    try:
        return os.environ.get("CLEAR_KB_AUTHOR") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _versioned_tables() -> list[str]:
    from schemas.tables import VERSIONED

    return [table.name for table in VERSIONED]
