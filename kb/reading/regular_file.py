"""Files that are files: devices, pipes and sockets are never opened for good, and no more is read than may be.

A device has no end, and a pipe waits for ever: what a folder holds under a usual name may be either.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import IO

from kb.errors import UsageError

TEXT_LIMIT = 64 << 20
"""Bytes of a file that is read as a whole: settings, a patch, a description."""

_KINDS = {stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def open_regular(path: str | Path) -> IO[bytes]:
    """A file, opened to be read.

    Raises:
        OSError: there is none, it cannot be opened, or it is a folder, a device, a pipe or a socket.
    """
    # Without O_NONBLOCK, opening a pipe that nobody writes to would wait; on a file it says nothing.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if kind != stat.S_IFREG:
            number = errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL
            raise OSError(number, f"not a file but {_KINDS.get(kind, 'a folder')}", str(path))
        return io.BufferedReader(io.FileIO(descriptor, closefd=True))
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: str | Path, most: int) -> bytes:
    """The bytes of a file, at most one more than `most`: whoever gets more than it asked for knows that there are.

    Raises:
        OSError: as of `open_regular`.
    """
    with open_regular(path) as file:
        return file.read(most + 1)


def read_text(path: Path, *, most: int = TEXT_LIMIT) -> str:
    """The text of a file in UTF-8, with or without a mark.

    Raises:
        UsageError: there is no such file, it cannot be read, is no UTF-8, or has more than `most` bytes.
    """
    try:
        data = read_regular(path, most)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > most:
        raise UsageError(f"{path} has more than {most:,} bytes, which is the most that is read of such a file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: byte {error.start + 1} is 0x{data[error.start]:02x}") from error
