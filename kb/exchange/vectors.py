"""Vectors on their way in that come in the order of their records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from kb.vectors.embedding import EmbedderInfo
from kb.vectors.embedding.embedder import unit_vectors


@dataclass
class StreamedVectors:
    """Vectors that come in the order of their records, batch by batch; taken by rising numbers."""

    info: EmbedderInfo
    batches: Iterator[pa.Array]
    _start: int = 1
    _batch: pa.Array | None = field(default=None, repr=False)

    def take(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of the records with these numbers, and which of them are there; see `importing.Vectors`."""
        matrix = np.zeros((len(numbers), self.info.dimension), dtype=np.float32)
        there = np.zeros(len(numbers), dtype=bool)
        for row, number in enumerate(numbers):
            if (vector := self._one(number)) is not None:
                matrix[row], there[row] = vector, True
        if there.any():
            texts = [f"record {number}" for number in np.asarray(numbers)[there]]
            matrix[there] = unit_vectors(matrix[there], texts, self.info.name)
        return matrix, there

    def _one(self, number: int) -> np.ndarray | None:
        while self._batch is None or number >= self._start + len(self._batch):
            self._start += 0 if self._batch is None else len(self._batch)
            self._batch = next(self.batches)
        scalar = self._batch[number - self._start]
        return scalar.values.to_numpy() if scalar.is_valid else None
