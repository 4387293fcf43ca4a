"""What logits are made of: of one image or the mean over some, and term by term of many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Parts:
    """What a logit, the mean of some logits, or the difference of two means is made of.

    Attributes:
        logit: the number that is taken apart.
        base: what does not come from a concept.
        outside: what is read of the images that no concept reaches.
        above: the concepts' scores above the mean image's, (N,).
        contributions: what each concept adds, (N,).
    """

    logit: float
    base: float
    outside: float
    above: np.ndarray
    contributions: np.ndarray

    @property
    def total(self) -> float:
        """The sum over all concepts."""
        return float(self.contributions.sum(dtype=np.float64))

    @property
    def residual(self) -> float:
        """The logit less everything that it is made of: what numbers lose."""
        return self.logit - self.base - self.outside - self.total

    @property
    def count(self) -> int:
        """How many concepts add anything."""
        return int(np.count_nonzero(self.contributions))

    def largest(self, top: int) -> list[int]:
        """The places of the largest contributions, by size."""
        return [int(place) for place in np.argsort(-np.abs(self.contributions), kind="stable")[:top]]

    def less(self, other: Parts) -> Parts:
        """The difference of two, term by term."""
        return Parts(
            self.logit - other.logit,
            self.base - other.base,
            self.outside - other.outside,
            self.above - other.above,
            self.contributions - other.contributions,
        )


@dataclass(frozen=True, eq=False)
class Terms:
    """The logits of m images less what their concepts add: (m,) each, float64.

    Concept i adds (c_i.(f_j - mean)) weight_i / |z_j| to the logit of image j; |z| is 1 outside the LLM space.

    Attributes:
        logit: what the run says.
        base: what does not come from a concept.
        outside: what is read of each image that no concept reaches.
        per_length: 1/|z_j|.
    """

    logit: np.ndarray
    base: np.ndarray
    outside: np.ndarray
    per_length: np.ndarray
