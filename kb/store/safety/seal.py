"""A seal: before a commit is written, its new files are on the disk and noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from kb.store.manifests import local_versions, manifest_path
from kb.store.safety.durability import write_through
from kb.store.safety.file_notes import FileNote, FileNotes, named_files, note_file
from kb.store.safety.hash_memo import HashMemo
from kb.store.storage import Storage
from schemas.tables import TABLES


def seal(storage: Storage, notes: FileNotes, pins: Iterable[Mapping[str, int]]) -> list[FileNote]:
    """Write the files that are new in the states `pins` through to the disk, note them, and remember what was read.

    A state is known by its manifests: where that of a table was noted before, all it names was. Raises ClearKbError
    where a file cannot be written through or read.
    """
    known, new = notes.all(), dict[tuple[str, str], int | None]()
    versions = {(table, version) for state in pins for table, version in state.items()}
    for table, version in sorted(versions | _beside_the_history(storage)):
        if (table, manifest_path(version)) not in known:
            files = named_files(storage, table, storage.dataset(table, version))
            new |= {(table, path): size for path, size in files.items() if (table, path) not in known}
    made = [note_file(storage, table, path, size) for (table, path), size in new.items()]
    if storage.folder is not None:
        places = {Path(storage.location(note.table)) / note.path: note.hash for note in made}
        write_through(places, storage.folder)
        memo = HashMemo(storage.folder)
        for place, digest in places.items():
            memo.remember(place, place.stat(), digest or "")
    return made


def settle(storage: Storage, notes: FileNotes, table: str) -> None:
    """Write what was last added to a table that commits do not pin through to the disk; a store does so by itself."""
    if storage.folder is None:
        return
    known, files = notes.known(), named_files(storage, table, storage.dataset(table))
    root = Path(storage.location(table))
    write_through([root / path for path in files if (table, path) not in known], storage.folder)


def _beside_the_history(storage: Storage) -> set[tuple[str, int]]:
    """The newest versions of the local tables that commits do not pin."""
    if storage.folder is None:
        return set()
    found = {table.name: local_versions(Path(storage.location(table.name))) for table in TABLES if not table.versioned}
    return {(table, versions[-1]) for table, versions in found.items() if versions}
