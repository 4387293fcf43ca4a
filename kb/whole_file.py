"""A file that is written whole or not at all: beside its place first, and then moved there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A name to write to: it becomes `path` when all went well, is gone when not, and a kill leaves what was there.

    The name ends as `path` does, for those who write by the ending. A link is followed. A device or a pipe is written
    to itself: moving a file to /dev/null would take it from the machine.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        yield place
        return
    partial = place.with_name(f".{os.getpid()}.{place.name}")
    try:
        yield partial
        partial.replace(place)
    finally:
        partial.unlink(missing_ok=True)
