"""Which journal an ingest writes: that of the same ingest, interrupted, if there is one to go on from."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from ingest.reports.journal import Journal
from ingest.sources import Source
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase


@contextmanager
def open_journal(
    kb: KnowledgeBase, sources: Sequence[Source], settings: Sequence[str], *, temporary: bool, anew: bool = False
) -> Iterator[Journal]:
    """The journal of this ingest: deleted when the block ends well, kept for the next run when it does not.

    The same ingest means the same files with the same sizes and times, and the same settings. A temporary one begins
    with what an interrupted run has staged, and leaves that as it is. `anew` goes on from nothing.

    Raises:
        ClearKbError: another process is at the same ingest, or the knowledge base cannot be written to.
    """
    if not temporary:
        kb.storage.require_conditional_writes()  # before anything is mined for nothing
    path = kb.storage.staging / f"{_key(sources, settings)}.sqlite"
    if temporary:
        with tempfile.TemporaryDirectory(prefix="clear-kb-") as folder:
            copied = Path(folder) / "journal.sqlite"
            _copy(path, copied)
            journal = _resumable(kb, Journal(copied), copied, anew=anew)
            yield journal
            journal.close()
        return
    # On this machine it is for its user alone, for it tells of reports; in a folder that people share, all may write.
    path.parent.mkdir(mode=0o700 if kb.storage.folder is None else 0o777, parents=True, exist_ok=True)
    with _only_process_at(path), _told_of(path):
        journal = _resumable(kb, Journal(path), path, anew=anew)
        try:
            yield journal
        except BaseException:
            journal.close()
            raise
        journal.discard()


def _copy(path: Path, to: Path) -> None:
    """Copy the journal of an interrupted run, where there is one; another process may be writing it."""
    if not path.exists():
        return
    source = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(source, uri=True)) as there, closing(sqlite3.connect(to)) as here:
        there.backup(here)


def _resumable(kb: KnowledgeBase, journal: Journal, path: Path, *, anew: bool) -> Journal:
    """`journal`, or a fresh one: its run was committed, its data files are gone, or `anew` asks for one."""
    committed = any(commit.summary.get("run") == journal.run_id for commit in kb.commits.all())
    tables = ("reports", "observations")
    if (
        not anew
        and not committed
        and not any(kb.storage.lost_files(table, journal.fragments(table)) for table in tables)
    ):
        return journal
    journal.discard()
    return Journal(path)


def _key(sources: Sequence[Source], settings: Sequence[str]) -> str:
    said = [*settings]
    for source in sources:
        stat = Path(source.name).stat()
        said.append(f"{source.name}:{stat.st_size}:{stat.st_mtime_ns}")
    return blake2b("\0".join(said).encode(), digest_size=8).hexdigest()


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """What SQLite meets (a full disk, a file that is damaged) as an error that says where."""
    try:
        yield
    except sqlite3.Error as error:
        raise ClearKbError(
            f"the journal of this ingest, {path}, cannot be written or read: {error}; make room where the disk is full "
            "and the same ingest goes on, or delete the journal where it is damaged and it begins anew"
        ) from error


@contextmanager
def _only_process_at(path: Path) -> Iterator[None]:
    lock = FileLock(path.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ClearKbError("another process is ingesting the same files: wait for it, or stop it") from error
    try:
        yield
    finally:
        lock.release()
