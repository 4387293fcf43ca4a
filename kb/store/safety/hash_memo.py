"""A memo of large files whose content was compared: one that has not changed since is not read again.

It lies in the platform's cache folder, not in the knowledge base; without it all is compared anew. Content that changes
under the same size, time and inode is what `check` with its storage finds, which asks no memo.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_cache_path

LARGE = 1 << 20
"""Bytes from which a file is remembered: smaller ones are read as fast as looked up."""

MOST_LINES = 100_000


class HashMemo:
    """What was compared in one folder."""

    def __init__(self, folder: Path):
        name = blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
        self._path = user_cache_path("clear-kb") / "compared" / f"{name}.txt"
        self._lines: set[str] | None = None

    def holds(self, path: Path, stat: os.stat_result, digest: str) -> bool:
        """Whether the file was found to have this hash, and looks as it did then."""
        return stat.st_size >= LARGE and _line(path, stat, digest) in self._read()

    def remember(self, path: Path, stat: os.stat_result, digest: str) -> None:
        """The file has this hash. A cache folder that cannot be written costs time, and nothing else."""
        if stat.st_size < LARGE:
            return
        line = _line(path, stat, digest)
        self._read().add(line)
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    def _read(self) -> set[str]:
        if self._lines is None:
            self._lines = set()
            with suppress(OSError, UnicodeDecodeError):
                self._lines = set(self._path.read_text(encoding="utf-8").splitlines())
            if len(self._lines) > MOST_LINES:
                self._lines = set()
                with suppress(OSError):
                    self._path.unlink()
        return self._lines


def _line(path: Path, stat: os.stat_result, digest: str) -> str:
    place = blake2b(str(path).encode(), digest_size=8).hexdigest()
    return f"{place} {stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {digest}"
