"""Unit vectors for benches, at most one matrix of them in memory at a time: the published bank's are 6 GB."""

from __future__ import annotations

import numpy as np

ROWS = 8_192
"""Rows that are worked on at once."""


def unit_vectors(dice: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    """Random unit vectors, float32, (rows, dimension)."""
    return shortened(dice.standard_normal((rows, dimension), dtype=np.float32))


def shortened(vectors: np.ndarray) -> np.ndarray:
    """The same matrix, its rows made as long as 1 where they stand."""
    for start in range(0, len(vectors), ROWS):
        part = vectors[start : start + ROWS]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return vectors
