"""Verification: the files that a state is made of are there, of the size and content that a commit noted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError
from kb.store.manifests import local_versions, manifest_path, version_of
from kb.store.safety.file_notes import FileNotes, Noted, hash_file, named_files
from kb.store.safety.hash_memo import HashMemo
from kb.store.storage import Storage
from schemas.tables import TABLES

logger = logging.getLogger("clear_kb.store")

BESIDE = tuple(table.name for table in TABLES if not table.versioned and table.name != "commits")
"""The tables that stand beside the history, as they are now."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One file that is not what it was: of which table, what is wrong with it, and the commit that noted it."""

    table: str
    file: str
    what: str
    commit: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The damage as plain data."""
        return asdict(self)

    @property
    def derived(self) -> bool:
        """Whether only an index is damaged: all it says can be had from the table itself."""
        return self.file.startswith("_indices/")

    def line(self) -> str:
        """The damage in words."""
        if not self.file:
            return f"table '{self.table}' {self.what}"
        since = f" (part of the knowledge base since commit {self.commit})" if self.commit else ""
        return f"{self.table}.lance/{self.file} {self.what}{since}"


class DamagedError(ClearKbError):
    """A file of the knowledge base is not what it was when it was committed."""

    need = "repair"


class Verifier:
    """Compares states with the notes of their files, each version of a table once.

    Args:
        storage: the tables.
        notes: what was noted of their files.
        name: the id of a commit, by its number.
        thorough: read every file, whatever the memo holds.
    """

    def __init__(
        self, storage: Storage, notes: FileNotes, name: Callable[[int], str | None], *, thorough: bool = False
    ):
        self._storage = storage
        self._notes = notes
        self._name = name
        self._thorough = thorough
        self._memo = None if storage.folder is None else HashMemo(storage.folder)
        self._found: dict[tuple[str, int], list[Damage]] = {}
        self._compared: dict[tuple[str, str], Damage | None] = {}
        self.files = 0

    def state(self, pins: Mapping[str, int]) -> list[Damage]:
        """What is damaged of the state that `pins` make up."""
        return [damage for table, version in sorted(pins.items()) for damage in self.version(table, version)]

    def version(self, table: str, version: int) -> list[Damage]:
        """What is damaged of one version of a table."""
        if (table, version) not in self._found:
            self._found[table, version] = self._version(table, version)
        return self._found[table, version]

    def beside(self) -> list[Damage]:
        """What is damaged of the tables that stand beside the history."""
        return [damage for table in (*BESIDE, "commits") for damage in self._newest_of(table)]

    def newest(self, table: str, version: int) -> list[Damage]:
        """What is damaged of a table that commits do not pin, whose newest version this was when it was opened."""
        last = max(self.noted_versions(table), default=0)
        # A later version that is there came since: another process has written.
        if last > version and last > max(local_versions(Path(self._storage.location(table))), default=0):
            return [self._damage(table, manifest_path(last), "is gone")]
        return self.version(table, version)

    def noted_versions(self, table: str) -> list[int]:
        """The versions of a table whose manifests were noted."""
        paths = [path for of, path in self._notes.all() if of == table and path.startswith("_versions/")]
        return [version for path in paths if (version := version_of(Path(path).name))]

    def _newest_of(self, table: str) -> list[Damage]:
        versions = self._storage.versions(table) if self._storage.has(table) else set()
        return self.newest(table, max(versions)) if versions else [self._damage(table, "", "is gone")]

    def _version(self, table: str, version: int) -> list[Damage]:
        if self._storage.folder is None and not self._thorough:
            return []  # a store keeps its objects whole, and every look at one is a request
        self._notes.all()  # read here, once for all files of the version
        manifest = manifest_path(version)
        if damage := self._file(table, manifest, None):
            return [damage]
        try:
            files = named_files(self._storage, table, self._storage.dataset(table, version))
        except (ClearKbError, OSError, ValueError, RuntimeError) as error:
            logger.debug("%s at version %d: %s", table, version, error)
            return [self._damage(table, manifest, "cannot be read")]
        if self._storage.folder is None:
            return self._in_a_store(table, version, files)
        return [damage for path, size in sorted(files.items()) if (damage := self._file(table, path, size))]

    def _file(self, table: str, path: str, size: int | None) -> Damage | None:
        """What is wrong with one local file; None if nothing is, or a store holds it."""
        if self._storage.folder is None:
            return None
        if (table, path) not in self._compared:
            what = self._compare(
                Path(self._storage.location(table)) / path, self._notes.known().get((table, path)), size
            )
            self._compared[table, path] = self._damage(table, path, what) if what else None
        return self._compared[table, path]

    def _compare(self, place: Path, noted: Noted | None, size: int | None) -> str | None:
        self.files += 1
        try:
            found = place.stat()
            wanted = size if noted is None else noted.note.size
            if wanted is not None and found.st_size != wanted:
                return "is empty" if not found.st_size else f"has {found.st_size:,} bytes, and had {wanted:,}"
            digest = None if noted is None else noted.note.hash
            if digest is None or self._memo is None:
                return None
            if not self._thorough and self._memo.holds(place, found, digest):
                return None
            if hash_file(place) != digest:
                return "holds other bytes than were committed"
            self._memo.remember(place, found, digest)
        except FileNotFoundError:
            return "is gone"
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"
        return None

    def _in_a_store(self, table: str, version: int, files: Mapping[str, int | None]) -> list[Damage]:
        """What of a store's objects is missing or has another size."""
        reader = self._storage.dataset(table, version).all_files()
        there = {row["path"]: row["size_bytes"] for batch in reader for row in batch.to_pylist()}
        self.files += len(files)
        found = []
        for path, size in sorted(files.items()):
            if path not in there:
                found.append(self._damage(table, path, "is gone"))
            elif size is not None and there[path] != size:
                found.append(self._damage(table, path, f"has {there[path]:,} bytes, and had {size:,}"))
        return found

    def _damage(self, table: str, path: str, what: str) -> Damage:
        noted = self._notes.known().get((table, path))
        return Damage(table, path, what, None if noted is None else self._name(noted.number))


def damaged(uri: str, found: Iterable[Damage], more: str = "") -> DamagedError:
    """The error that tells of damage: its first file, how many others there are, and what else is to be said."""
    first, *others = found
    and_more = f", and {len(others):,} other files" if others else ""
    return DamagedError(f"{uri} is damaged: {first.line()}{and_more}{more}")
