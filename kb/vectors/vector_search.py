"""Concepts by the nearness of their vectors: through the index if it finds enough, otherwise exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kb.store.state import State
from kb.vectors.vector_index import VectorIndex, nearest_rows, read_index

SPARE = 3
"""How many times the rows that are wanted an index is asked for, so that enough of them pass a filter."""


class VectorSearch:
    """The vectors of one commit, ready to be searched."""

    def __init__(self, state: State):
        self._concepts = state.dataset("concepts")
        index = read_index(state)
        broken = any(damage.table == "concepts" for damage in state.commits.damage_of(state.commit))
        self.index: VectorIndex | None = index if index is not None and index.used and not broken else None

    def nearest(
        self, vector: np.ndarray, k: int, columns: Sequence[str], where: str | None = None
    ) -> list[dict[str, Any]]:
        """The `k` rows nearest to a vector, by cosine, the nearest first; `_distance` is 1 - cosine.

        Args:
            vector: (dimension,), of length 1.
            k: how many at most.
            columns: what of the rows is wanted.
            where: a filter (SQL) that every row passes.
        """
        if self.index is None:
            return nearest_rows(self._concepts, vector, k, columns, where=where)
        # A filter before the search costs more than the search. Nearly everything passes, so it comes after, and only
        # where that leaves too few does the search begin again behind it.
        settings, wider = self.index.settings, SPARE * k if where else k
        rows = nearest_rows(self._concepts, vector, wider, columns, settings=settings, where=where, where_first=False)
        if len(rows) < k and where:
            rows = nearest_rows(self._concepts, vector, k, columns, settings=settings, where=where)
        return rows[:k]
