"""What a file of vectors gives: some rows at a time, each with the id of its image and its numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

ROWS = 4_096
"""Rows that are held at once."""

Vectors: TypeAlias = Sequence[np.ndarray | None] | np.ndarray
"""A vector a row (or the vectors of its patches, one below the other), None where there is none; an array serves."""


@dataclass(frozen=True, slots=True)
class VectorRows:
    """Some rows of a file.

    Attributes:
        first: the number of the first, from 1 on.
        ids: the image of each, as it is spelt there; None where the row names none.
        vectors: the numbers of each, float32.
        faults: why a row has no numbers that can be read, by its place among these.
    """

    first: int
    ids: Sequence[str | None]
    vectors: Vectors
    faults: Mapping[int, str] = field(default_factory=dict)


class VectorFile(ABC):
    """A file of vectors: it can be gone through several times.

    Attributes:
        name: of the file.
        told: what it is, in words: "Parquet, column 'embedding'".
        unused: columns of which nothing is kept.
    """

    name: str
    told: str
    unused: tuple[str, ...] = ()

    @abstractmethod
    def __iter__(self) -> Iterator[VectorRows]:
        """Its rows, some at a time."""

    def position(self, row: int) -> str:
        """Where a row stands, in words."""
        return f"row {row}"


def as_float32(numbers: np.ndarray) -> np.ndarray:
    """Numbers of any kind as float32; what is too large for it is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(numbers, dtype=np.float32)
