"""The part of a logit that each finding spans: the logit's direction shared out among the spans of all findings.

For image vectors f of mean m and covariance S, a logit above the mean is (f - m).v, and the standardised score of
concept i is (f - m).c_i / sd_i with sd_i^2 = c_i' S c_i. With a_i = S^(1/2) c_i / sd_i, u = S^(1/2) v, of a finding F

    A_F = 1/n_F sum_(i in F) a_i a_i'        K = sum_F p_F A_F / sum_F p_F        part of F = u . p_F A_F (K + r)^-1

each part is a combination of the finding's own scores, and all of them sum to the logit above the mean, but for what
no finding spans. A_F counts a direction by the share of the finding's concepts that lie along it: ten wordings of one
thing count once, and a concept turned round ("no X" for X) counts as X. Where findings span the same, they share it, by
p_F: the root of how often reports mention them, for a direction that hardly any report taught means little. (It is the
additive Gaussian process of Duvenaud et al., 2011, with a linear kernel for each finding.)

K is d x d, and concepts are read in chunks: nothing is of size images x concepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from encoder.explanation.largest import directions_by_finding

RIDGE = 1e-3
"""Of all that the findings span together: a direction with this share of it is shared out by half."""

CHUNK = 4_096
"""Concepts or images that are read together."""

FAINT = 1e-6
"""A direction along which images deviate by less than this share of the widest one tells no image from another."""


@dataclass(frozen=True, eq=False)
class Spread:
    """How the vectors of images lie: their mean (d,) and covariance S (d, d), float64."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray) -> Spread:
        """The spread of image vectors (n, d), summed up a few thousand at a time."""
        mean = vectors.mean(axis=0, dtype=np.float64)
        total = np.zeros((len(mean), len(mean)))
        for start in range(0, len(vectors), CHUNK):
            part = vectors[start : start + CHUNK].astype(np.float64) - mean
            total += part.T @ part
        return cls(mean, total / max(len(vectors) - 1, 1))

    @cached_property
    def root(self) -> np.ndarray:
        """The symmetric root of S."""
        values, directions = np.linalg.eigh(self.covariance)
        found: np.ndarray = (directions * np.sqrt(np.maximum(values, 0))) @ directions.T
        return found

    @cached_property
    def widest(self) -> float:
        """The standard deviation along the direction in which images differ most."""
        return float(np.sqrt(max(np.linalg.eigvalsh(self.covariance)[-1], 0.0)))

    def deviations(self, directions: np.ndarray) -> np.ndarray:
        """The standard deviations of the images along some directions (n, d)."""
        covariance = self.covariance.astype(directions.dtype)
        found = np.sqrt(np.maximum(np.einsum("nd,nd->n", directions @ covariance, directions), 0))
        return np.maximum(found, max(FAINT * self.widest, 1e-12))

    def standard(self, concepts: np.ndarray) -> np.ndarray:
        """Concept vectors (n, d) so that their scores deviate by 1: c_i / sd_i, float64."""
        vectors = np.asarray(concepts, dtype=np.float64)
        found: np.ndarray = vectors / self.deviations(vectors)[:, None]
        return found


class Spans:
    """What the findings span together, K: made once for all logits.

    Args:
        concepts: C, (N, d), perhaps mapped from a file.
        codes: the number of each concept's finding, (N,); -1: it takes no part.
        mentions: of each finding, (findings,).
        spread: of the images.
    """

    def __init__(self, concepts: np.ndarray, codes: np.ndarray, mentions: Sequence[int], spread: Spread):
        self._concepts, self._codes, self._spread = concepts, codes, spread
        self._rows = np.flatnonzero(codes >= 0)
        prior = np.sqrt(np.asarray(mentions, dtype=np.float64) + 1)
        counts = np.bincount(codes[self._rows], minlength=len(prior))
        self._findings = len(prior)
        self._share = (prior / prior.sum() / np.maximum(counts, 1))[codes[self._rows]]
        self._deviations = np.empty(len(self._rows))
        self._kernel = self._summed()

    def parts(self, logit: np.ndarray, *, ridge: float = RIDGE) -> np.ndarray:
        """The parts of a logit as directions among the image vectors: of an image it is (f - m).b, (findings, d).

        Args:
            logit: its direction v among the image vectors, (d,).
            ridge: see `RIDGE`.
        """
        root = self._spread.root
        wanted = root @ np.asarray(logit, dtype=np.float64)
        solved = root @ np.linalg.solve(self._kernel + ridge * np.eye(len(wanted)), wanted)
        weights = np.zeros(len(self._codes))
        for own, vectors in self._chunks():
            along = vectors @ solved.astype(vectors.dtype)
            weights[self._rows[own]] = self._share[own] * along / self._deviations[own] ** 2
        used = np.where(self._codes >= 0, self._codes, 0)
        return directions_by_finding(self._concepts, weights, used, findings=self._findings)

    def _summed(self) -> np.ndarray:
        total = np.zeros_like(self._spread.covariance)
        for own, vectors in self._chunks():
            self._deviations[own] = self._spread.deviations(vectors)
            counted = np.sqrt(self._share[own]) / self._deviations[own]
            standard = vectors * counted[:, None].astype(vectors.dtype)
            total += standard.T @ standard
        found: np.ndarray = self._spread.root @ total @ self._spread.root
        return found

    def _chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """The concepts that take part, a few thousand at a time: where they stand among these, and their vectors.

        They stay in the numbers that they are stored in, float32 for a space: half the work, and as exact as they are.
        """
        for start in range(0, len(self._rows), CHUNK):
            own = slice(start, min(start + CHUNK, len(self._rows)))
            yield own, np.asarray(self._concepts[self._rows[own]])
