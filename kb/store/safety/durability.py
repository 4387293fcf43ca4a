"""Files on the disk before a commit names them: what a power cut must not take is written through first."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kb.errors import ClearKbError

AT_ONCE = 8
"""Files that are waited for together: a disk takes their order of writing as one."""


def write_through(files: Iterable[Path], root: Path) -> None:
    """Wait until `files` are on the disk, and the folders that name them up to `root`; ClearKbError if they cannot."""
    files = list(files)
    folders = {parent for file in files for parent in file.parents if parent == root or root in parent.parents}
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_sync, files))
            # A name is safe once its folder is: folders come after what they name.
            list(pool.map(_sync, sorted(folders, key=lambda folder: -len(folder.parts))))
    except OSError as error:
        raise ClearKbError(
            f"cannot write {error.filename or root} through to the disk: {error.strerror}: nothing was committed"
        ) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(descriptor)
