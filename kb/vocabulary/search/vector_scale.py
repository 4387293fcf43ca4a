"""What cosines mean in one vocabulary, learned from a sample of its own vectors: embedders differ in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kb.store.state import State
from kb.vectors.columns import vector_matrix

SAMPLE = 2_000
"""Concepts that are drawn; their cosines to each other say what is usual."""

FEWEST = 20
"""Vectors from which a vocabulary says something itself; below, what a small sentence embedder has is taken."""

MOST = 0.95
"""The most that vectors alone give: less than saying the same."""


@dataclass(frozen=True, slots=True)
class VectorScale:
    """The cosine of two concepts drawn at random, and that of a concept and its nearest other."""

    random: float = 0.2
    nearest: float = 0.9

    def similarity(self, cosines: np.ndarray) -> np.ndarray:
        """Cosines as similarities: 0 as far as two drawn at random, `MOST` as near as nearest others."""
        return MOST * np.clip((cosines - self.random) / max(self.nearest - self.random, 1e-3), 0.0, 1.0)


def read_scale(state: State) -> VectorScale:
    """The scale of the vectors of a state: drawn by a fixed seed, so that it is the same each time."""
    concepts = state.dataset("concepts")
    count = concepts.count_rows()
    drawn = np.random.default_rng(0).choice(count, min(SAMPLE, count), replace=False)
    column = concepts.take(np.sort(drawn).tolist(), columns=["embedding"])["embedding"].drop_null()
    if len(column) < FEWEST:
        return VectorScale()
    vectors = vector_matrix(column)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, np.nan)
    return VectorScale(float(np.nanmean(cosines)), float(np.median(np.nanmax(cosines, axis=1))))
