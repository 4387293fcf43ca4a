"""Notes of files: the size and hash that every file had when a commit first named it.

Files of a table never change once written, so one note holds for good. A commit notes the files that are new since
the one before it. The tables that stand beside the history are noted as the next commit finds them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import ClearKbError
from kb.store.manifests import local_versions, manifest_path
from kb.store.storage import Storage

if TYPE_CHECKING:
    import lance


@dataclass(frozen=True, slots=True)
class FileNote:
    """One file of a table as a commit found it; an object store tells sizes of data files alone, and no hash."""

    table: str
    path: str
    size: int | None
    hash: str | None

    def to_row(self) -> dict[str, Any]:
        """The note as it stands in a row of the `commits` table."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Noted:
    """A note, and the number of the commit that made it."""

    note: FileNote
    number: int


class FileNotes:
    """All notes of one knowledge base, read when they are first asked for."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._read_version = 0
        self._last = -1
        self._found: dict[tuple[str, str], Noted] = {}
        self.lost: list[int] = []
        """The numbers of the commits whose notes are damaged: their files are known by their sizes alone."""

    def all(self) -> Mapping[tuple[str, str], Noted]:
        """The notes by table and path; only rows that came since the last reading are read."""
        dataset = _newest_that_opens(self._storage)
        if dataset is not None and dataset.version != self._read_version and "files_hash" in dataset.schema.names:
            for row in _rows_since(dataset, self._last):
                # A row has none any more once all its files are gone.
                notes = [FileNote(**file) for file in row["files"] or ()]
                # Notes that are no longer what the commit says they were would accuse sound files.
                if notes and hash_notes(notes) == row["files_hash"]:
                    self.add(row["number"], notes)
                elif row["files_hash"] is not None and row["files"] is not None:
                    self.lost.append(row["number"])
            self._read_version = dataset.version
        return self._found

    def known(self) -> Mapping[tuple[str, str], Noted]:
        """The notes as they were last read."""
        return self._found

    def add(self, number: int, notes: Sequence[FileNote], version: int | None = None) -> None:
        """Take the notes of one commit in; `version` of the log is the one that holds it as its newest row."""
        for note in notes:
            self._found[note.table, note.path] = Noted(note, number)
        self._last = max(self._last, number)
        self._read_version = self._read_version if version is None else version


def _newest_that_opens(storage: Storage) -> lance.LanceDataset | None:
    """The log as it is now, or where that is damaged at its newest version that opens; None if none does."""
    try:
        if "commit_id" in (newest := storage.dataset("commits")).schema.names:
            return newest
    except ClearKbError:
        if storage.folder is None:
            raise
    for version in reversed(local_versions(Path(storage.location("commits")))):
        with suppress(ClearKbError):
            if "commit_id" in (older := storage.dataset("commits", version)).schema.names:
                return older
    return None


def _rows_since(dataset: lance.LanceDataset, number: int) -> Iterator[Mapping[str, Any]]:
    """The notes of the commits after `number`; where a file of the log is damaged, those of the others."""
    columns, later = ["number", "files", "files_hash"], f"number > {number}"
    try:
        yield from dataset.to_table(columns=columns, filter=later).to_pylist()
    except (OSError, ValueError, RuntimeError):
        for fragment in dataset.get_fragments():
            try:
                rows = fragment.to_table(columns=columns).to_pylist()
            except (OSError, ValueError, RuntimeError):
                continue  # told by whoever reads the log itself
            yield from rows


def named_files(storage: Storage, table: str, dataset: lance.LanceDataset) -> dict[str, int | None]:
    """Every file that this version of a table is made of, with its size where the manifest tells it."""
    found: dict[str, int | None] = {manifest_path(dataset.version): None}
    for fragment in dataset.get_fragments():
        for file in fragment.metadata.files:
            found[f"data/{file.path}"] = file.file_size_bytes
        if deleted := fragment.deletion_file():
            found[deleted] = None
    for index in dataset.describe_indices():
        for segment in index.segments:
            found |= dict.fromkeys(_index_files(storage, table, str(segment.uuid)))
    return found


def _index_files(storage: Storage, table: str, uuid: str) -> list[str]:
    if storage.folder is None:
        return []
    folder = Path(storage.location(table)) / "_indices" / uuid
    # An index without its folder is named by the folder, which verification then misses.
    return (
        [f"_indices/{uuid}/{path.name}" for path in sorted(folder.iterdir())]
        if folder.is_dir()
        else [f"_indices/{uuid}/metadata.lance"]
    )


def hash_notes(notes: Sequence[FileNote]) -> str:
    """The hash of notes, in whatever order they come."""
    said = sorted((note.table, note.path, note.size or -1, note.hash or "") for note in notes)
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=8).hexdigest()


def hash_file(path: Path) -> str:
    """The hash of a file's content."""
    import xxhash

    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


def note_file(storage: Storage, table: str, path: str, size: int | None) -> FileNote:
    """What is to be remembered of a file; ClearKbError if a local one is not there."""
    if storage.folder is None:
        return FileNote(table, path, size, None)
    place = Path(storage.location(table)) / path
    try:
        return FileNote(table, path, place.stat().st_size, hash_file(place))
    except OSError as error:
        raise ClearKbError(
            f"{place} was written a moment ago and cannot be read ({error.strerror}): nothing was committed"
        ) from error
