"""The text side of an encoder: the vectors of concepts in the space of its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from encoder.model.encoder import Encoder


class TextSide(Protocol):
    """Turns concepts into unit vectors of the image space."""

    @property
    def text_side_id(self) -> str:
        """The identity of what it computes: one id gives a concept the same vector."""
        ...

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        """The vectors C of concepts from their texts or their embeddings (n, D): float32, (n, d), of length 1."""
        ...


@dataclass(frozen=True, eq=False)
class LinearTextSide:
    """A linear map of the frozen embeddings, W (D, d), learned with the encoder: a new concept needs no training."""

    weights: np.ndarray

    @property
    def text_side_id(self) -> str:
        """A hash of the weights."""
        return "T" + blake2b(self.weights.tobytes(), digest_size=6).hexdigest()

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        """The vectors of concepts: their embeddings through W, of length 1."""
        vectors = embeddings @ self.weights
        unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return unit


@dataclass(frozen=True, eq=False)
class TransformerTextSide:
    """A text transformer that reads the words of a concept; `text_side_id` is that of its weights."""

    encoder: Encoder
    text_side_id: str

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        """The vectors of concepts from their texts."""
        return np.asarray(self.encoder.text_vectors(texts).numpy())
