"""Arrays as .npy files that are whole or not there."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an array as .npy, whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npy", delete=False) as file:
        np.save(file, array)
    Path(file.name).replace(path)


def read_array(path: Path, *, mapped: bool = False) -> np.ndarray | None:
    """An array that `write_array` wrote; None if there is none that can be read."""
    try:
        found: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None
    return found
