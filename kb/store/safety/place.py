"""A place that files are copied from or to: a folder or an object store, by the names that they have in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError
from kb.store.safety.durability import write_through
from kb.store.safety.file_notes import hash_file
from kb.store.safety.put_aside import PutAside
from kb.store.storage import PUT_ASIDE, Storage, first_line

MANIFEST = ".manifest"

PART = ".copy-"
"""How a file is called in a folder until it is whole."""


class GoneError(ClearKbError):
    """A file is not there: a clean-up came between, or it is damaged."""


class Place:
    """The files of one knowledge base."""

    def __init__(self, storage: Storage):
        self.uri = storage.uri
        self._folder = storage.folder
        self._storage = storage
        self._opened: Any = None

    @property
    def _session(self) -> Any:
        if self._opened is None:
            from lance.file import LanceFileSession

            self._opened = LanceFileSession(self.uri, storage_options=self._storage.options)
        return self._opened

    def holds(self, path: str, size: int | None, digest: str | None) -> bool:
        """Whether the file is there as it should be; an object is there whole or not at all."""
        if self._folder is None:
            # Data files have names that no other file ever has; a manifest may be that of another table's history.
            return Path(path).suffix != MANIFEST and self._is_there(path)
        place = self._folder / path
        if not place.is_file() or size not in (None, place.stat().st_size):
            return False
        # What no commit has noted is small, and copied again.
        return digest is not None and hash_file(place) == digest

    def size(self, path: str) -> int:
        """Its bytes; 0 where a store would have to be asked for each."""
        return 0 if self._folder is None else (self._folder / path).stat().st_size

    def fetch(self, path: str, scratch: Path) -> Path:
        """The file on this machine: itself, or downloaded into the folder `scratch`."""
        if not self._is_there(path):
            raise GoneError(f"{self.uri}/{path} is gone: a clean-up came between, or it is damaged; try again")
        if self._folder is not None:
            return self._folder / path
        local = scratch / Path(path).name
        self._asked(lambda: self._session.download_file(path, str(local)))
        return local

    def put(self, path: str, local: Path, digest: str) -> None:
        """Bring a file of this hash here: in a folder it is read back, and under its name it is whole, on the disk."""
        if self._folder is None:
            self._asked(lambda: self._session.upload_file(str(local), path))
            return
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=self._folder, prefix=PART)
        os.close(descriptor)
        try:
            shutil.copyfile(local, part)
            write_through([Path(part)], self._folder)
            if hash_file(Path(part)) != digest:
                raise ClearKbError(f"{place} was written, and reads back with other bytes: the disk may be damaged")
            Path(part).replace(place)
        finally:
            Path(part).unlink(missing_ok=True)
        write_through([place], self._folder)

    def write(self, path: str, content: bytes) -> None:
        """Write a small file of our own."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
            self.put(path, Path(file.name), hash_file(Path(file.name)))

    def read(self, path: str) -> bytes | None:
        """A small file of our own; None if there is none."""
        if not self._is_there(path):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return self.fetch(path, Path(folder)).read_bytes()

    def listed(self, under: str) -> list[str]:
        """The files under a folder, by their names from the top."""
        if self._folder is not None:
            found = sorted(path for path in (self._folder / under).rglob("*") if path.is_file())
            return [str(path.relative_to(self._folder)) for path in found]
        return sorted(self._asked(lambda: self._session.list(under)))

    def put_aside(self, path: str) -> None:
        """Take a file away from where it counts, and keep it."""
        if self._folder is not None:
            PutAside(self._storage, dry_run=False).take(path)
            return
        with tempfile.TemporaryDirectory() as folder:
            local = self.fetch(path, Path(folder))
            self.put(f"{PUT_ASIDE}/{path}", local, hash_file(local))
        self.delete(path)

    def delete(self, path: str) -> None:
        """Delete a file."""
        if self._folder is not None:
            (self._folder / path).unlink(missing_ok=True)
            return
        self._asked(lambda: self._session.delete_file(path))

    def _is_there(self, path: str) -> bool:
        if self._folder is not None:
            return (self._folder / path).is_file()
        return bool(self._asked(lambda: self._session.contains(path)))

    def _asked(self, ask: Any) -> Any:
        try:
            return ask()
        except (OSError, ValueError, RuntimeError) as error:
            raise ClearKbError(f"cannot reach {self.uri}: {first_line(error)}") from error
