"""Publishing: staged data becomes one commit, or nothing does.

Lance versions each table on its own, and an append that meets another append is rebased in silence. So a
publication counts: every step must raise its table's version by exactly one. If it does not, another writer
came between, and the whole publication starts again on the new head. Nothing of that is seen by readers,
who follow commits. A lock file spares local writers the retries; the counting is what keeps them correct,
in a folder as in an object store. It holds where no version can be written twice, and an object store is asked
for that before the first write.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from shutil import disk_usage
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock

from kb.errors import ClearKbError
from kb.store.commits import MAIN, Commit, CommitLog
from kb.store.gathering import gather, is_scattered
from kb.store.readers import READERS, prepare
from kb.store.rewriting import written_anew
from kb.store.safety.seal import seal
from kb.store.storage import Storage
from kb.store.sweeping import YOUNG
from kb.store.table_versions import refuse_newer
from kb.store.tidying import tidy

if TYPE_CHECKING:
    import lance


logger = logging.getLogger("clear_kb.store")

UNINDEXED_ROWS = 2_000
"""Rows that may wait for the full-text index."""

LONGEST_S = YOUNG.total_seconds() / 2
"""How long a publication in an object store may take: a clean-up there tells what is at work by its age alone."""

LEAST_ROOM = 1 << 20
"""Bytes free on a disk under which a file that was cut is so for lack of room."""

ATTEMPTS = 30
LONGEST_PAUSE_S = 2.0


T = TypeVar("T")


class Interleaved(Exception):
    """Another writer changed a table between two steps of this publication."""


class Publication:
    """One attempt to write a commit on top of `head`: the steps of a change, table by table."""

    def __init__(self, storage: Storage, head: Commit):
        self.head = head
        self._storage = storage
        self._open: dict[str, lance.LanceDataset] = {}

    def dataset(self, table: str) -> lance.LanceDataset:
        """`table` as this publication has left it so far; at first as `head` pins it."""
        if table not in self._open:
            self._open[table] = self._at_head(table)
            refuse_newer(self._storage.uri, table, self._open[table])
        return self._open[table]

    def snapshot(self, table: str) -> lance.LanceDataset:
        """`table` as this publication has left it so far, in a handle that later steps do not move."""
        return self._storage.dataset(table, self.dataset(table).version)

    def delete(self, table: str, predicate: str) -> None:
        """Delete the rows that `predicate` (SQL) holds for."""
        with self._step(table) as dataset:
            dataset.delete(predicate)

    def append(self, table: str, fragments: Iterable[str]) -> None:
        """Append the data files that `Storage.stage` wrote; ClearKbError if one of them is there no more."""
        import lance

        if staged := self._whole(table, fragments):
            with self._step(table):
                self._commit(table, lance.LanceOperation.Append(staged))

    def stage(self, table: str, batches: Iterable[pa.RecordBatch]) -> list[str]:
        """Write rows as data files for a later `append`; they may be read from what is then deleted."""
        self.dataset(table)
        return self._storage.stage(table, batches)

    def write(self, table: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Write rows in one go: stage them and append them."""
        self.append(table, self.stage(table, batches))

    def replace(self, table: str, predicate: str, batches: Iterable[pa.RecordBatch]) -> None:
        """Put rows in the place of those that `predicate` holds for; `batches` may be read from these."""
        self.exchange(table, predicate, self.stage(table, batches))

    def exchange(self, table: str, predicate: str, fragments: Iterable[str]) -> None:
        """Put staged rows in the place of those that `predicate` holds for, in one version: `delete` and `append`."""
        import lance

        staged = self._whole(table, fragments)
        with self._step(table) as dataset:
            rows = dataset.scanner(columns=[], filter=predicate, with_row_address=True).to_table()["_rowaddr"]
            touched = set(pc.unique(pc.shift_right(rows, pa.scalar(32, pa.uint64()))).to_pylist())
            left = {f.fragment_id: f.delete(predicate) for f in dataset.get_fragments() if f.fragment_id in touched}
            change = lance.LanceOperation.Update(
                removed_fragment_ids=[number for number, fragment in left.items() if fragment is None],
                updated_fragments=[fragment for fragment in left.values() if fragment is not None],
                new_fragments=staged,
            )
            self._commit(table, change)

    def rewrite(self, table: str, predicate: str) -> None:
        """Write the rows of `table` anew but for those that `predicate` holds for: no file of it holds these then.

        Indexes are not of the new files.
        """
        with self._step(table) as dataset:
            self._open[table] = written_anew(dataset, predicate, self._storage.options)

    def set_column(self, table: str, field: pa.Field) -> None:
        """Give `table` the column `field`, all null, in place of any column of that name."""
        if field.name in self.dataset(table).schema.names:
            with self._step(table) as dataset:
                dataset.drop_columns([field.name])
        with self._step(table) as dataset:
            dataset.add_columns(field)

    def set_metadata(self, table: str, said: Mapping[str, str]) -> None:
        """Have the schema of `table` say something more, unless it says so already."""
        found = self.dataset(table).schema.metadata or {}
        if any(found.get(name.encode()) != value.encode() for name, value in said.items()):
            with self._step(table) as dataset:
                dataset.update_schema_metadata(dict(said))

    def compact(self, table: str, few: int) -> bool:
        """Make one of all data files of `table` where it has more than `few`; says whether it did."""
        if len(self.dataset(table).get_fragments()) <= few:
            return False
        return self._gather(table, lambda dataset: bool(dataset.optimize.compact_files().fragments_removed))

    def gather(self) -> None:
        """Gather the small data files of the tables that this publication has changed, where they have become many."""
        for table, dataset in [*self._open.items()]:
            if dataset.version != self.head.pins[table] and is_scattered(dataset):
                self._gather(table, gather)

    def _gather(self, table: str, how: Callable[[lance.LanceDataset], bool]) -> bool:
        dataset = self.dataset(table)
        before = dataset.version
        with _conflicts_as_interleaving():
            gathered = how(dataset)
        # Lance reserves the new files' numbers in a version of its own, so gathering takes two steps, always.
        if dataset.version != before + 2 * gathered:
            raise Interleaved(table)
        return gathered

    def restore(self, table: str, version: int) -> None:
        """Make `table` again what it was at `version`."""
        with self._step(table):
            earlier = self._storage.dataset(table, version)
            earlier.restore()
            self._open[table] = earlier

    def index_words(self, table: str, column: str) -> None:
        """Bring the full-text index of `column` up to date, once enough rows wait for it.

        Rows that are not in the index yet are searched one by one, so a few of them cost nothing, while bringing
        a large index up to date for each act of curation would.
        """
        dataset = self.dataset(table)
        index = next((index for index in dataset.describe_indices() if column in index.field_names), None)
        if index is not None and dataset.count_rows() - index.num_rows_indexed < UNINDEXED_ROWS:
            return
        with self._step(table):
            if index is not None:
                dataset.optimize.optimize_indices(index_names=[index.name])
            else:
                dataset.create_scalar_index(
                    column, index_type="INVERTED", with_position=False, stem=True, remove_stop_words=False
                )

    def index_vectors(self, table: str, name: str, kind: str, parameters: Mapping[str, Any]) -> None:
        """Build a vector index by cosine over the column `embedding`, in place of the one of that name."""
        with self._step(table) as dataset:
            dataset.create_index("embedding", kind, name=name, metric="cosine", replace=True, **parameters)

    def drop_index(self, table: str, name: str) -> None:
        """Take an index away."""
        with self._step(table) as dataset:
            dataset.drop_index(name)

    def pins(self) -> dict[str, int]:
        """The version of every table, as this publication leaves it."""
        return {**self.head.pins, **{name: dataset.version for name, dataset in self._open.items()}}

    def _whole(self, table: str, fragments: Iterable[str]) -> list[lance.FragmentMetadata]:
        """Staged fragments as Lance takes them; ClearKbError if a file of theirs is there no more."""
        import lance

        fragments = list(fragments)
        # Lance would name a file that is gone without a word, and every later reader would fail on it.
        if lost := self._storage.lost_files(table, fragments):
            if self._storage.folder is not None and disk_usage(self._storage.folder).free < LEAST_ROOM:
                raise ClearKbError(f"there is no room left on the disk of {self._storage.uri}: nothing was committed")
            raise ClearKbError(
                f"{len(lost)} of the data files staged for '{table}' of {self._storage.uri} are gone or damaged "
                f"({lost[0]}): nothing was committed; run the same command again, which makes them anew"
            )
        return [lance.FragmentMetadata.from_json(fragment) for fragment in fragments]

    def _commit(self, table: str, change: lance.LanceOperation.BaseOperation) -> None:
        import lance

        dataset = self.dataset(table)
        self._open[table] = lance.LanceDataset.commit(
            dataset, change, read_version=dataset.version, storage_options=self._storage.options
        )

    def _at_head(self, table: str) -> lance.LanceDataset:
        dataset = self._storage.dataset(table)
        pinned = self.head.pins[table]
        if dataset.version == pinned:
            return dataset
        # What lies above the pinned version is another branch's, or was left by a writer that died.
        newest = dataset.version
        restored = self._storage.dataset(table, pinned)
        with _conflicts_as_interleaving():
            restored.restore()
        if restored.version != newest + 1:
            raise Interleaved(table)
        return restored

    @contextmanager
    def _step(self, table: str) -> Iterator[lance.LanceDataset]:
        dataset = self.dataset(table)
        before = dataset.version
        with _conflicts_as_interleaving():
            yield dataset
        if self._open[table].version != before + 1:
            raise Interleaved(table)


Change: TypeAlias = Callable[[Publication], tuple[Mapping[str, Any] | None, T]]
"""What is done in a publication: it gives the summary for the commit (None: nothing to commit), and a value."""


def publish(
    storage: Storage,
    log: CommitLog,
    change: Change[T],
    *,
    operation: str,
    author: str,
    reason: str | None = None,
    branch: str = MAIN,
    done: Callable[[Commit], object] = lambda _: None,
) -> tuple[Commit | None, T]:
    """Run `change` on the head of `branch` and commit what it did; the commit, and the value that `change` gave.

    `change` may run more than once, each time on the then newest commit, so it must look at
    `publication.head` and `publication.dataset(...)` rather than remember an earlier state. It returns the
    summary that the commit stores, or None if there is nothing to commit, and a value. `done` hears of the commit while
    the lock is still held: no clean-up has come after it.

    Raises:
        ClearKbError: other writers kept coming between; nothing was written.
    """
    started = time.monotonic()
    with writer_lock(storage):
        logger.debug("%s: the lock came after %.2f s", operation, time.monotonic() - started)
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, min(LONGEST_PAUSE_S, 0.05 * 2**attempt)))
            begun = time.monotonic()
            # First the number, then the head: of a commit that comes in between, in an object store, the number is
            # taken when we append, and we begin again. The other way round we would pass it over.
            newest = log.history().numbers[-1]
            head = log.head(branch)
            log.require_sound(head)
            publication = Publication(storage, head)
            try:
                summary, value = change(publication)
                if summary is not None:
                    publication.gather()
            except Interleaved:
                logger.debug("%s: attempt %d met another writer", operation, attempt + 1)
                continue
            if summary is None:
                logger.info("%s: nothing to commit, %.2f s", operation, time.monotonic() - started)
                return None, value
            if storage.folder is None and time.monotonic() - begun > LONGEST_S:
                raise ClearKbError(
                    f"{operation} wrote to {storage.uri} for over {LONGEST_S / 3600:.0f} hours: a clean-up may have "
                    "taken that for what a dead writer left, so nothing was committed; do it in smaller parts"
                )
            pins = publication.pins()
            commit = Commit(
                number=newest + 1,
                parent=publication.head.commit_id,
                operation=operation,
                author=author,
                reason=reason,
                pins=pins,
                summary=dict(summary),
                branch=branch,
                files=seal(storage, log.notes, [pins]),
            )
            if log.append(commit):
                seconds = time.monotonic() - started
                logger.info("%s: commit %s, %.2f s, attempts %d", operation, commit.commit_id, seconds, attempt + 1)
                done(commit)
                tidy(storage, log, commit)
                return commit, value
    raise ClearKbError(
        f"other writers kept changing {storage.uri} ({ATTEMPTS} attempts): nothing was written; try again"
    )


def writer_lock(storage: Storage) -> Any:
    """A lock that local writers take in turn; in an object store there is none, and counting has to do.

    Counting rests on the store: it is asked first whether it lets two writers take one version (ClearKbError).
    """
    if storage.folder is None:
        storage.require_conditional_writes()
        return nullcontext()

    if not (storage.folder / READERS).exists():
        prepare(storage)
    return FileLock(storage.folder / ".lock")


@contextmanager
def _conflicts_as_interleaving() -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        if "conflict" in str(error).lower():
            raise Interleaved(str(error)) from error
        raise
