"""Exact nearest neighbours by cosine, streamed over the stored vectors: the answer that an index is held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import lance
    import numpy as np
    import pyarrow as pa

ROWS = 8_192
"""Vectors that are held at once."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest of some vectors to each query, best first: row numbers and cosines, both (queries, k)."""

    rows: np.ndarray
    cosines: np.ndarray


def vector_matrix(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """A column of fixed-size lists of numbers, none of them null, as float32, (rows, dimension)."""
    import numpy as np
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    # A copy, since torch wants memory that may be written to.
    return np.array(numbers, dtype=np.float32).reshape(len(column), column.type.list_size)


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

    wanted = torch.from_numpy(queries)
    cosines = torch.empty(len(queries), 0)
    rows = torch.empty(len(queries), 0, dtype=torch.long)
    start = 0
    for chunk in chunks:
        found = wanted @ torch.from_numpy(chunk).T
        best, at = found.topk(min(k, found.shape[1]), dim=1)
        cosines, rows = torch.cat([cosines, best], 1), torch.cat([rows, at + start], 1)
        cosines, order = cosines.topk(min(k, cosines.shape[1]), dim=1)
        rows = rows.gather(1, order)
        start += len(chunk)
    return Neighbours(rows.numpy(), cosines.numpy())


def recall(found: Iterable[Iterable[Any]], true: Iterable[Iterable[Any]]) -> float:
    """The share of the true neighbours that were found, over all queries; 1 where there are none."""
    pairs = [(set(some), set(all_of)) for some, all_of in zip(found, true, strict=True)]
    wanted = sum(len(all_of) for _, all_of in pairs)
    return sum(len(some & all_of) for some, all_of in pairs) / wanted if wanted else 1.0
