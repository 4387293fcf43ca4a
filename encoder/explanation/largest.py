"""The largest contributions to many predictions at once, in bounded memory.

Concept i adds weight_i c_i.(f_j - mean) to image j. The scores of some images for some concepts are one product of
matrices, and serve all labels; of each label the largest that were seen so far are kept, and from then on only what is
larger is looked at. Nothing of size images x concepts is ever there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONCEPTS = 1_024
"""Concepts that are looked at together: with a few hundred images they stay in a processor's cache."""

NONE = -1
"""The place of a contribution that is none: there are fewer than were asked for."""


@dataclass(frozen=True, eq=False)
class Largest:
    """The largest contributions to the predictions of one label for m images, by size.

    Attributes:
        places: of the concepts, (m, top); `NONE` where there are no more.
        scores: of these concepts above the mean image's, (m, top).
        contributions: what they add, (m, top).
        sums: what all concepts add together, (m,), float64.
    """

    places: np.ndarray
    scores: np.ndarray
    contributions: np.ndarray
    sums: np.ndarray


def largest_contributions(vectors: np.ndarray, weights: np.ndarray, above: np.ndarray, *, top: int) -> list[Largest]:
    """What images owe most to, for each of some labels.

    Args:
        vectors: C, (N, d), float32, perhaps mapped from a file.
        weights: what a concept's score adds to the logit of each label, (N, labels).
        above: image vectors less the mean image, (m, d); a few hundred at a time.
        top: contributions that are kept of each image and label; those of 0 never are.
    """
    above, weights = np.asarray(above, np.float32), np.asarray(weights, np.float32)
    counted = np.flatnonzero(weights.any(axis=1))
    kept = [_Kept(len(above), top) for _ in range(weights.shape[1])]
    sums = np.zeros((len(above), weights.shape[1]))
    for start in range(0, len(counted), CONCEPTS):
        places = counted[start : start + CONCEPTS]
        scores: np.ndarray = above @ np.asarray(vectors[_slice_of(places)]).T
        sums += scores @ weights[places]
        for label, one in enumerate(kept):
            one.take(places, scores, weights[places, label])
    return [one.largest(sums[:, label]) for label, one in enumerate(kept)]


def _slice_of(places: np.ndarray) -> slice | np.ndarray:
    """Places as a slice, where none is missing between: a mapped file is then read without a copy."""
    whole = int(places[-1]) - int(places[0]) + 1 == len(places)
    return slice(int(places[0]), int(places[-1]) + 1) if whole else places


class _Kept:
    """The largest contributions of one label so far."""

    def __init__(self, images: int, top: int):
        self.places = np.full((images, top), NONE)
        self.scores = np.zeros((images, top), np.float32)
        self.contributions = np.zeros((images, top), np.float32)
        self._least = np.zeros((images, 1), np.float32)

    def take(self, places: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> None:
        """Look at some more concepts: their places, scores (m, n) and weights (n,)."""
        added = scores * weights
        size = np.abs(added)
        if self._least.any():
            rows, columns = np.nonzero(size > self._least)
        else:  # the first: all would pass
            most = min(self.places.shape[1], size.shape[1])
            columns = np.argpartition(-size, most - 1, axis=1)[:, :most].ravel()
            rows = np.repeat(np.arange(len(size)), most)
        if len(rows):
            self._merge(rows, places[columns], scores[rows, columns], added[rows, columns])

    def _merge(self, rows: np.ndarray, places: np.ndarray, scores: np.ndarray, added: np.ndarray) -> None:
        """Keep the largest of what is kept and of some more: entries in the order of their rows."""
        counts = np.bincount(rows, minlength=len(self.places))
        column = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        known, top = [self.places, self.scores, self.contributions], self.places.shape[1]
        joined = []
        for kept, more, blank in zip(known, (places, scores, added), (NONE, 0, 0), strict=True):
            beside = np.full((len(counts), int(counts.max())), blank, kept.dtype)
            beside[rows, column] = more
            joined.append(np.concatenate([kept, beside], axis=1))
        order = np.argsort(-np.abs(joined[2]), axis=1, kind="stable")[:, :top]
        self.places, self.scores, self.contributions = (np.take_along_axis(one, order, axis=1) for one in joined)
        self._least = np.abs(self.contributions[:, -1:])

    def largest(self, sums: np.ndarray) -> Largest:
        """What is kept now, beside the sums over all concepts; a place whose contribution is 0 is none."""
        places = np.where(self.contributions == 0, NONE, self.places)
        return Largest(places, self.scores, self.contributions, sums)


def directions_by_finding(vectors: np.ndarray, weights: np.ndarray, codes: np.ndarray, *, findings: int) -> np.ndarray:
    """The sum of weight_i c_i over the concepts of each finding: (findings, d), float64.

    Its product with an image, less the mean image, is what all concepts of the finding add to the logit together.

    Args:
        vectors: C, (N, d).
        weights: what a concept's score adds to the logit, (N,).
        codes: the number of each concept's finding, (N,).
        findings: how many there are.
    """
    from scipy.sparse import csr_array

    total = np.zeros((findings, vectors.shape[1]))
    for start in range(0, len(codes), CONCEPTS):
        part = np.asarray(vectors[start : start + CONCEPTS], np.float64)
        own = slice(start, start + len(part))
        total += csr_array((weights[own], (codes[own], np.arange(len(part)))), shape=(findings, len(part))) @ part
    return total
