"""Sums over images of a foreign vector g and of what is known of the image, y: all that a fit needs, fold by fold.

A penalty more, or a fold left out, then costs no pass over the images; y may be a sparse matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from encoder.space.fitted.folds import FOLDS

AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class Sums:
    """How many images, and the sums of g, y, gg', gy' and yy' over them."""

    n: int
    g: np.ndarray
    y: np.ndarray
    gg: np.ndarray
    gy: np.ndarray
    yy: np.ndarray

    def plus(self, other: Sums, sign: int = 1) -> Sums:
        """The sums over these images and others (or, with sign -1, without them)."""
        return Sums(
            self.n + sign * other.n,
            self.g + sign * other.g,
            self.y + sign * other.y,
            self.gg + sign * other.gg,
            self.gy + sign * other.gy,
            self.yy + sign * other.yy,
        )

    def centred(self) -> Centred:
        """The same about the means."""
        return self.about(self.g / self.n, self.y / self.n)

    def about(self, mean_g: np.ndarray, mean_y: np.ndarray) -> Centred:
        """The same about other means: those of the images that something was fitted on."""
        n = self.n
        return Centred(
            n,
            mean_g,
            mean_y,
            self.gg - np.outer(self.g, mean_g) - np.outer(mean_g, self.g) + n * np.outer(mean_g, mean_g),
            self.gy - np.outer(self.g, mean_y) - np.outer(mean_g, self.y) + n * np.outer(mean_g, mean_y),
            self.yy - np.outer(self.y, mean_y) - np.outer(mean_y, self.y) + n * np.outer(mean_y, mean_y),
        )


@dataclass(frozen=True, eq=False)
class Centred:
    """How many images, the means of g and y, and the sums of products about them."""

    n: int
    mean_g: np.ndarray
    mean_y: np.ndarray
    gg: np.ndarray
    gy: np.ndarray
    yy: np.ndarray


class FoldedSums:
    """The sums of each fold, and of all images.

    Args:
        g: foreign vectors, (n, d).
        y: what is known of the images, (n, t): an array, or a sparse matrix.
        folds: the fold of each image.

    Attributes:
        middle: the mean of g, which is taken out of all sums: far from 0, squares would cancel each other.
        parts: of each fold.
        whole: of all.
    """

    def __init__(self, g: np.ndarray, y: Any, folds: np.ndarray):
        self.middle: np.ndarray = g.mean(axis=0, dtype=np.float64)
        folded = [np.flatnonzero(folds == fold) for fold in range(FOLDS)]
        self.parts = [sums_of(g, y, rows, rows, middle=self.middle) for rows in folded]
        whole = self.parts[0]
        for part in self.parts[1:]:
            whole = whole.plus(part)
        self.whole = whole

    def without(self, fold: int) -> Centred:
        """All images but those of a fold, about their means."""
        return self.whole.plus(self.parts[fold], -1).centred()


def sums_of(
    g: np.ndarray, y: Any, rows: np.ndarray, rows_of_y: np.ndarray, *, middle: np.ndarray | float = 0.0
) -> Sums:
    """The sums over some rows of g and those of y that belong to them, a part of them at a time.

    Args:
        g: vectors.
        y: what is known of images.
        rows: of g.
        rows_of_y: of y, in the same order.
        middle: is taken out of each vector.
    """
    d, t = g.shape[1], y.shape[1]
    found = Sums(0, np.zeros(d), np.zeros(t), np.zeros((d, d)), np.zeros((d, t)), np.zeros((t, t)))
    for start in range(0, len(rows), AT_ONCE):
        vectors = g[rows[start : start + AT_ONCE]].astype(np.float64) - middle
        targets = y[rows_of_y[start : start + AT_ONCE]]
        products, squares = (targets.T @ vectors).T, targets.T @ targets
        squares = squares.toarray() if hasattr(squares, "toarray") else squares
        part = Sums(
            len(vectors),
            vectors.sum(axis=0),
            np.asarray(targets.sum(axis=0), dtype=np.float64).ravel(),
            vectors.T @ vectors,
            np.asarray(products, dtype=np.float64),
            np.asarray(squares, dtype=np.float64),
        )
        found = found.plus(part)
    return found
