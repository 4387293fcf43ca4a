"""What an embedder is: a protocol, the facts that identify one, and the check on what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np

from kb.errors import ClearKbError

UNKNOWN_REVISION = "unknown"
"""The revision of an embedder whose vectors came without saying which weights made them."""

FILE_SCHEME = "file:"
"""What the name of an embedder begins with whose vectors came from a file that does not say what made them."""


class EmbeddingError(ClearKbError):
    """An embedder is not there, is not the one it should be, or gave no usable vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderInfo:
    """Everything that decides which vector a text gets.

    `name` is what loads it again ("all-MiniLM-L6-v2", a path, "openai:MODEL@URL"); `revision` pins the
    weights as far as they can be known; `prompt` stands before every concept, `query_prompt` before a query.
    Vectors are always divided by their length (`normalised`).
    """

    name: str
    revision: str
    dimension: int
    prompt: str = ""
    query_prompt: str = ""
    dtype: str = "float32"
    normalised: bool = True

    @property
    def embedder_id(self) -> str:
        """The identity of the space: two embedders with one id give a text the same vector."""
        said = [self.name, self.revision, self.dimension, self.prompt, self.dtype, self.normalised]
        return "E" + blake2b(repr(said).encode(), digest_size=6).hexdigest()

    def to_row(self) -> dict[str, Any]:
        """The embedder as a row of the `embedders` table."""
        return {"embedder": self.embedder_id, **asdict(self)}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> EmbedderInfo:
        """The embedder that `row` of the `embedders` table describes."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    info: EmbedderInfo

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Embed concept texts: float32, (len(texts), dimension), every row of length 1."""
        ...

    def embed_query(self, text: str) -> np.ndarray:
        """Embed one query: float32, (dimension,), of length 1."""
        ...


def unit_vectors(vectors: np.ndarray, texts: Sequence[str], info_name: str) -> np.ndarray:
    """`vectors` divided by their lengths, as float32.

    Args:
        vectors: (n, dimension), one row a text.
        texts: what was embedded, for the message.
        info_name: the embedder's name, for the message.

    Raises:
        EmbeddingError: a row is missing, zero or not finite; the message names its text.
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise EmbeddingError(f"{info_name} gave {vectors.shape} for {len(texts)} texts: one vector each was expected")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    usable = np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)
    if not usable.all():
        bad = texts[int(np.argmin(usable))]
        raise EmbeddingError(f"{info_name} gave no usable vector (zero, or not finite) for '{bad}'")
    return vectors / lengths
