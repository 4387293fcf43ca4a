"""Vectors as a column of the `concepts` table: from a matrix, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def vector_matrix(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """A column of fixed-size lists of numbers, none of them null, as float32, (rows, dimension)."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    numbers = column.flatten().to_numpy(zero_copy_only=False)
    # A copy, since torch wants memory that may be written to.
    return np.array(numbers, dtype=np.float32).reshape(len(column), column.type.list_size)


def vector_array(matrix: np.ndarray, there: np.ndarray, kind: pa.DataType) -> pa.Array:
    """A matrix of vectors, (rows, dimension), as a column of fixed-size lists; null if `there` is false."""
    numbers = pa.array(matrix.reshape(-1)).cast(kind.value_type)
    mask = None if there.all() else pa.array(~there)
    return pa.FixedSizeListArray.from_arrays(numbers, type=kind, mask=mask)


def vector_column(vectors: Sequence[np.ndarray | None], kind: pa.DataType) -> pa.Array:
    """Vectors, (dimension,) each, as a column; null if there is None."""
    matrix = np.zeros((len(vectors), kind.list_size), dtype=np.float32)
    there = np.array([vector is not None for vector in vectors], dtype=bool)
    for row, vector in enumerate(vectors):
        if vector is not None:
            matrix[row] = vector
    return vector_array(matrix, there, kind)
