"""Readers at work: each holds the commit that it reads, so that no clean-up takes it from under its hands.

In a folder, a reader has a shared lock on one byte of the file `.readers`: the one that the number of its commit
counts. A clean-up first takes those of the commits that it will drop, and leaves those that it cannot have. The
system gives a lock back when its process ends, however it ends, so nothing has to be taken up again.

An object store has no such locks, nor have systems other than Linux: there a clean-up goes by age (see `seen`).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from weakref import finalize

from kb.store.storage import Storage

READERS: Final = ".readers"
"""The file that is locked; nothing is written to it."""

try:
    import fcntl

    # Locks of an open file, not of the process: two readers of one process are two, and a fork keeps them.
    _SET: int | None = getattr(fcntl, "F_OFD_SETLK", None)
    _GET: int | None = getattr(fcntl, "F_OFD_GETLK", None)
except ImportError:  # Windows
    _SET = _GET = None

_LOCK = "hhqqi4x"
"""`struct flock`: kind, whence, start, length, process."""

_NOBODYS = 1 << 62
"""A byte that no commit has: whether the file system knows locks is tried on it."""


def seen(storage: Storage) -> bool:
    """Whether a clean-up can see who reads; where it cannot, it spares what is young."""
    file = _open(storage.folder) if storage.folder is not None and _SET is not None else None
    if file is None:
        return False
    try:
        _lock(file, fcntl.F_WRLCK, _NOBODYS, _NOBODYS + 1)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)
    return True


def prepare(storage: Storage) -> None:
    """Make the file that readers lock; an older knowledge base has none."""
    if storage.folder is not None:
        (storage.folder / READERS).touch()


class Hold:
    """One reader, and the commit that it holds."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._file = _open(storage.folder) if storage.folder is not None and _SET is not None else None
        self._number: int | None = None
        if self._file is not None:
            finalize(self, os.close, self._file)

    def take(self, number: int) -> bool:
        """Hold this commit in place of the one before; False if a clean-up is dropping it."""
        if self._file is None or number == self._number:
            return True
        if not _read_locked(self._file, number):
            return False
        if self._number is not None:
            _lock(self._file, fcntl.F_UNLCK, self._number, self._number + 1)
        self._number = number
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process, it holds the same commit there by a lock of its own."""
        return _held_again, (self._storage, self._number)


def _held_again(storage: Storage, number: int | None) -> Hold:
    hold = Hold(storage)
    if number is not None:
        hold.take(number)
    return hold


@contextmanager
def holding(storage: Storage, numbers: Collection[int]) -> Iterator[set[int]]:
    """Hold many commits at once; gives those that are held: the others are being dropped."""
    file = _open(storage.folder) if storage.folder is not None and _SET is not None else None
    if file is None:
        yield set(numbers)
        return
    try:
        yield {number for number in numbers if _read_locked(file, number)}
    finally:
        os.close(file)


@contextmanager
def claimed(storage: Storage, kept: Collection[int], newest: int) -> Iterator[set[int]]:
    """Claim every commit up to the `newest` but those `kept`; gives those that readers hold, which must stay too.

    Nobody begins to read a claimed commit. Only for storage whose readers are `seen`.
    """
    assert storage.folder is not None
    file = _open(storage.folder)
    if file is None:
        raise OSError(f"{storage.folder / READERS} cannot be opened")
    try:
        held: set[int] = set()
        start = 0
        for end in [*sorted(kept), newest + 1]:
            held |= _claim(file, start, end)
            start = end + 1
        yield held
    finally:
        os.close(file)


def _read_locked(file: int, number: int) -> bool:
    """Lock the byte of one commit as a reader; False if a clean-up has it."""
    try:
        _lock(file, fcntl.F_RDLCK, number, number + 1)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: nobody can be told of this reader
    return True


def _claim(file: int, start: int, end: int) -> set[int]:
    """Lock a range but for what others hold in it, which is told."""
    if start >= end:
        return set()
    try:
        _lock(file, fcntl.F_WRLCK, start, end)
    except BlockingIOError:
        found = _held_in(file, start, end)
        if found is None:  # given back in between
            return _claim(file, start, end)
        return {found} | _claim(file, start, found) | _claim(file, found + 1, end)
    return set()


def _held_in(file: int, start: int, end: int) -> int | None:
    asked = struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, start, end - start, 0)
    assert _GET is not None
    kind, _, first, _, _ = struct.unpack(_LOCK, fcntl.fcntl(file, _GET, asked))
    return None if kind == fcntl.F_UNLCK else max(first, start)


def _lock(file: int, kind: int, start: int, end: int) -> None:
    assert _SET is not None
    fcntl.fcntl(file, _SET, struct.pack(_LOCK, kind, os.SEEK_SET, start, end - start, 0))


def _open(folder: Path) -> int | None:
    """The file of readers; None where it is not there yet, or may not be opened."""
    for access in (os.O_RDWR, os.O_RDONLY):
        with suppress(OSError):
            return os.open(folder / READERS, access)
    return None
