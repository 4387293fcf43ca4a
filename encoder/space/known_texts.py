"""Text sides that need no network: for texts whose vectors are at hand, and for work that wants none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.space.text_side import TextSide


class NoTextSide:
    """For a pass in which only the embeddings are wanted."""

    text_side_id = ""

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        """Nothing of them."""
        return embeddings[:, :0]


@dataclass(frozen=True, eq=False)
class RememberingTextSide:
    """A text side that reads words alone, and has read most texts before: other embeddings change nothing of those."""

    inner: TextSide
    vectors_of: Mapping[str, np.ndarray]

    @property
    def text_side_id(self) -> str:
        """That of the text side that reads what is new."""
        return self.inner.text_side_id

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        """The vectors of concepts from their texts: as known, or read now."""
        new = [text for text in dict.fromkeys(texts) if text not in self.vectors_of]
        made = dict(zip(new, self.inner.concept_vectors(new, embeddings), strict=True)) if new else {}
        return np.stack([self.vectors_of[text] if text in self.vectors_of else made[text] for text in texts])


@dataclass(frozen=True, eq=False)
class KnownTextSide:
    """A text side whose vectors are at hand, by text: no network reads the vocabulary again."""

    text_side_id: str
    vectors_of: Mapping[str, np.ndarray]

    def concept_vectors(self, texts: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
        """The vectors of concepts, as known."""
        return np.stack([self.vectors_of[text] for text in texts])
