"""The vectors of concepts and images by one encoder as tables for DuckDB.

Those of concepts are read from where they are kept, mapped into memory: nothing of their size is copied.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from encoder.space.concept_space import open_space
from encoder.space.fitted.fit import open_directions
from encoder.vectors.encoders import StoredEncoder, find_encoder, known_encoders
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase


class EncoderVectors:
    """The vectors of one encoder as tables for DuckDB."""

    def __init__(self, kb: KnowledgeBase, encoder: str | None = None):
        self._kb = kb
        self._named = encoder

    def concepts(self) -> pa.Table:
        """The concepts that have a direction: encoder, concept_id, text, finding, assertion, vector, scale, bias.

        Raises:
            UsageError: there is no encoder, or several and none was named.
            ClearKbError: of a foreign encoder no concept has a direction that can be trusted.
        """
        if self._encoder.without_concepts:
            fitted = open_directions(self._kb, self._encoder)
            table, vectors, scale, bias = fitted.concepts, fitted.vectors, fitted.scale, fitted.bias
        else:
            space = open_space(self._kb, self._encoder.checkpoint())
            table, vectors = space.concepts, space.vectors
            scale, bias = np.ones(len(space)), np.zeros(len(space))
        stated = table.select(["concept_id", "text", "finding", "assertion"])
        stated = stated.add_column(0, "encoder", _same(self._encoder.encoder, len(stated)))
        for name, column in (("vector", _vectors(vectors)), ("scale", _floats(scale)), ("bias", _floats(bias))):
            stated = stated.append_column(name, column)
        return stated

    def images(self) -> pa.Table:
        """The images whose present picture is encoded: encoder, image_id, vector.

        Raises:
            UsageError: there is no encoder, or several and none was named.
        """
        found = read_image_vectors(self._kb, self._encoder.encoder)
        encoder = _same(self._encoder.encoder, len(found))
        columns = {"encoder": encoder, "image_id": pa.array(found.image_ids, pa.string())}
        return pa.table({**columns, "vector": _vectors(found.matrix)})

    @cached_property
    def _encoder(self) -> StoredEncoder:
        if self._named is None and not known_encoders(self._kb):
            raise UsageError(
                f"{self._kb.uri} has no vectors of images, which concept_vectors, image_vectors and concept_scores() "
                "read",
                need="image vectors",
            )
        return find_encoder(self._kb, self._named)


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)


def _floats(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers, pa.float32())


def _vectors(matrix: np.ndarray) -> pa.Array:
    """The rows of a matrix as lists of one length, over the very memory that it lies in."""
    rows, length = matrix.shape
    numbers = matrix if matrix.flags.c_contiguous and matrix.dtype == np.float32 else np.ascontiguousarray(matrix, "f4")
    flat = pa.Array.from_buffers(pa.float32(), rows * length, [None, pa.py_buffer(numbers)])
    return pa.FixedSizeListArray.from_arrays(flat, length)
