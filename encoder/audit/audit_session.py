"""An audit session that also knows the vectors of concepts and images by one encoder, made when a query speaks of them.

    with open_session(kb) as session:
        session.query("SELECT text, score FROM concept_scores('im1') ORDER BY score DESC LIMIT 10").rows()

The vectors of concepts are read from where they are kept, mapped into memory: nothing of their size is copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from encoder.space.concept_space import open_space
from encoder.space.fitted.fit import open_directions
from encoder.vectors.encoders import StoredEncoder, find_encoder, known_encoders
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import Limits
from kb.sql.opener import Opened, Opener
from kb.sql.session import AuditSession

OPENS = __name__
"""The module that a session's process opens its state by."""


def open_session(
    kb: KnowledgeBase,
    limits: Limits | None = None,
    encoder: str | None = None,
    *,
    tables: Mapping[str, str | Path] | None = None,
) -> AuditSession:
    """A session over `kb` that serves `concept_vectors`, `image_vectors` and `concept_scores(image)` too.

    Args:
        kb: the knowledge base, at any commit.
        limits: of each query.
        encoder: the folder of a checkpoint, or its id or the beginning of that; not needed if there is one only.
        tables: files of the analyst's own by the name that queries call them; see `kb.sql.own_tables`.

    What is wrong with the encoder is said by the first query that needs it: others run without one.
    """
    return AuditSession(kb, limits, Opener(OPENS, open_with_vectors.__name__, {"encoder": encoder}), tables=tables)


def open_with_vectors(
    uri: str, commit: str, storage_options: Mapping[str, str] | None, *, encoder: str | None
) -> Opened:
    """A state and the vectors of one encoder, in the process of a session."""
    kb = KnowledgeBase.open(uri, commit, storage_options)
    vectors = EncoderVectors(kb, encoder)
    return kb, {"concept_vectors": vectors.concepts, "image_vectors": vectors.images}


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
