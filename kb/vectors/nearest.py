"""Exact nearest neighbours by cosine, streamed over the stored vectors: the answer that an index is held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.vectors.columns import vector_matrix

if TYPE_CHECKING:
    import lance
    import torch

ROWS = 8_192
"""Vectors that are held at once."""

QUERIES = 2_048
"""Queries that are compared with them at once."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest of some vectors to each query, best first: row numbers and cosines, both (queries, k)."""

    rows: np.ndarray
    cosines: np.ndarray


def vector_chunks(dataset: lance.LanceDataset, where: str = "embedding IS NOT NULL") -> Iterator[np.ndarray]:
    """The embeddings of a `concepts` dataset, a few thousand rows at a time: float32, (rows, dimension)."""
    for batch in dataset.to_batches(columns=["embedding"], filter=where, batch_size=ROWS):
        if batch.num_rows:
            yield vector_matrix(batch["embedding"])


def exact_nearest(queries: np.ndarray, chunks: Iterable[np.ndarray], k: int) -> Neighbours:
    """The `k` nearest of the vectors in `chunks` to every query, by cosine, in memory for one chunk.

    Args:
        queries: unit vectors, (queries, dimension).
        chunks: unit vectors, (rows, dimension) each; rows are numbered through all chunks.
        k: how many; fewer come back where there are fewer rows.
    """
    import torch

    parts = [_Best(part) for part in torch.from_numpy(queries).split(QUERIES)]
    start = 0
    for chunk in chunks:
        for some in torch.from_numpy(chunk).split(ROWS):
            for part in parts:
                part.meet(some, start, k)
            start += len(some)
    if not parts:
        return Neighbours(np.empty((0, 0), dtype=np.int64), np.empty((0, 0), dtype=np.float32))
    return Neighbours(
        np.concatenate([part.rows.numpy() for part in parts]), np.concatenate([part.cosines.numpy() for part in parts])
    )


class _Best:
    """The best rows of some queries so far."""

    def __init__(self, queries: torch.Tensor):
        import torch

        self._queries = queries
        self.cosines = torch.empty(len(queries), 0)
        self.rows = torch.empty(len(queries), 0, dtype=torch.long)

    def meet(self, vectors: torch.Tensor, start: int, k: int) -> None:
        """Compare the queries with vectors that are numbered from `start`."""
        import torch

        best, at = (self._queries @ vectors.T).topk(min(k, len(vectors)), dim=1)
        cosines, rows = torch.cat([self.cosines, best], 1), torch.cat([self.rows, at + start], 1)
        self.cosines, order = cosines.topk(min(k, cosines.shape[1]), dim=1)
        self.rows = rows.gather(1, order)


def recall(found: Iterable[Iterable[Any]], true: Iterable[Iterable[Any]]) -> float:
    """The share of the true neighbours that were found, over all queries; 1 if there are none."""
    pairs = [(set(some), set(all_of)) for some, all_of in zip(found, true, strict=True)]
    wanted = sum(len(all_of) for _, all_of in pairs)
    return sum(len(some & all_of) for some, all_of in pairs) / wanted if wanted else 1.0
