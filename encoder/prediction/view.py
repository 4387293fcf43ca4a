"""Images as the heads of one space read them, without ever spelling out the LLM space.

An image vector of d numbers lands in a d-dimensional part of the D-dimensional LLM space, whatever D is. With P = Q R
(Q orthonormal), z = P f has the coordinates u = R f there, and <w, z>/|z| = <Q^T w, u>/|u| exactly. So 100,000 images
take n x d numbers and not n x D, and what is learned on coordinates goes back into the LLM space by Q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoder.prediction.head import Head, Space
from encoder.space.projection import Projector
from kb.errors import UsageError

AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class View:
    """Images in one space.

    Attributes:
        space: which.
        matrix: a row an image, (n, k), float32: in the LLM space its coordinates, of length 1.
        basis: Q, (D, k), in the LLM space; None elsewhere.
    """

    space: Space
    matrix: np.ndarray
    basis: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.matrix)

    def part(self, numbers: Sequence[int]) -> View:
        """Some of the images."""
        return replace(self, matrix=self.matrix[list(numbers)])

    def logits(self, heads: Sequence[Head]) -> np.ndarray:
        """The logits of the images for each head: (n, heads), float64."""
        weights = np.stack([head.weights for head in heads], axis=1)
        bias, scale = (np.array([getattr(head, name) for head in heads]) for name in ("bias", "scale"))
        return scale * (self._products(weights) + bias)

    def along(self, direction: np.ndarray) -> np.ndarray:
        """The images' products with one direction of the space: (n,), float64; cosines, where both have length 1."""
        return self._products(direction[:, None])[:, 0]

    def head(self, label: str, weights: np.ndarray, bias: float) -> Head:
        """The head of the space for weights that were learned on the matrix, (k,)."""
        return Head(label, weights if self.basis is None else self.basis @ weights, bias)

    def _products(self, weights: np.ndarray) -> np.ndarray:
        inner = weights if self.basis is None else self.basis.T @ weights
        found = np.empty((len(self.matrix), inner.shape[1]))
        for start in range(0, len(found), AT_ONCE):
            found[start : start + AT_ONCE] = self.matrix[start : start + AT_ONCE].astype(np.float64) @ inner
        return found


def view_of(space: Space, vectors: np.ndarray, projector: Projector | None) -> View:
    """Images of these vectors (n, d) as the heads of a space read them.

    Args:
        space: which.
        vectors: image vectors, or what the backbone says.
        projector: of the space; needed for `llm`.

    Raises:
        UsageError: no concept counts in the LLM space: nothing can be projected into it.
    """
    if space != "llm":
        return View(space, np.asarray(vectors, dtype=np.float32))
    if projector is None:
        raise ValueError("the LLM space needs the projector")
    if not projector.matrix.any():
        raise UsageError(
            f"no concept in use at commit {projector.facts.commit} says that a finding is present, and the others have "
            "no weight in the LLM space: weigh each concept alike",
            parameter="weights",
        )
    basis, inner = np.linalg.qr(projector.matrix)
    coordinates = np.empty((len(vectors), len(inner)), dtype=np.float32)
    for start in range(0, len(vectors), AT_ONCE):
        part = vectors[start : start + AT_ONCE].astype(np.float64) @ inner.T
        coordinates[start : start + len(part)] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12)
    return View(space, coordinates, basis)
