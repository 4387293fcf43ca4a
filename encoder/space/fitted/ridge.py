"""Ridge regression of many targets at once, from moments: its penalty is chosen by what it says of patients left out.

All that is ever needed of the images are sums of x, y, xx' and xy' within each fold (Hoerl and Kennard, 1970, for the
regression). So a penalty more costs no pass over the images, and targets may be a sparse matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from encoder.space.fitted.folds import FOLDS

PENALTIES = tuple(10.0**power for power in (-4, -3, -2, -1, 0, 1, 2))
"""Penalties that are tried, as multiples of the mean spread of a dimension."""

AT_ONCE = 16_384


@dataclass(frozen=True, eq=False)
class LinearMap:
    """y = mean_y + weights' (x - mean_x)."""

    weights: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over some rows: how many, x, y, xx', xy' and y squared."""

    n: int
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray

    def plus(self, other: _Sums, sign: int = 1) -> _Sums:
        return _Sums(
            self.n + sign * other.n,
            self.x + sign * other.x,
            self.y + sign * other.y,
            self.xx + sign * other.xx,
            self.xy + sign * other.xy,
            self.yy + sign * other.yy,
        )


class GroupedRidge:
    """The ridge regression of targets on vectors, in folds.

    Args:
        x: the vectors, (n, d).
        y: the targets, (n, t): an array, or a sparse matrix.
        folds: the fold of each row.
    """

    def __init__(self, x: np.ndarray, y: Any, folds: np.ndarray):
        self._x, self._y, self._folds = x, y, folds
        self._middle = x.mean(axis=0, dtype=np.float64)  # far from 0, squares would cancel each other
        self._parts = [self._sums(np.flatnonzero(folds == fold)) for fold in range(FOLDS)]
        whole = self._parts[0]
        for part in self._parts[1:]:
            whole = whole.plus(part)
        self._whole = whole

    @cached_property
    def penalty(self) -> float:
        """The penalty by which patients left out are told best, over all targets, each in its own spread."""
        spread = self._whole.yy / self._whole.n - (self._whole.y / self._whole.n) ** 2
        weight = np.where(spread > 1e-12, 1 / np.maximum(spread, 1e-12), 0.0)
        errors = np.zeros(len(PENALTIES))
        for fold in range(FOLDS):
            maps, part = self._solved[fold], self._parts[fold]
            for number, penalty in enumerate(PENALTIES):
                errors[number] += float(_squared_errors(maps.at(penalty), part) @ weight)
        return PENALTIES[int(np.argmin(errors))]

    def whole(self) -> LinearMap:
        """The map that is fitted on all rows."""
        return self._moved(_Solved(self._whole).at(self.penalty))

    def left_out(self) -> Iterator[tuple[np.ndarray, LinearMap]]:
        """The rows of each fold, and the map that is fitted without them."""
        for fold in range(FOLDS):
            rows = np.flatnonzero(self._folds == fold)
            if len(rows):
                yield rows, self._moved(self._solved[fold].at(self.penalty))

    @cached_property
    def _solved(self) -> list[_Solved]:
        return [_Solved(self._whole.plus(part, -1)) for part in self._parts]

    def _moved(self, found: LinearMap) -> LinearMap:
        return LinearMap(found.weights, found.mean_x + self._middle, found.mean_y)

    def _sums(self, rows: np.ndarray) -> _Sums:
        d, t = self._x.shape[1], self._y.shape[1]
        n, x, y, yy = 0, np.zeros(d), np.zeros(t), np.zeros(t)
        xx, xy = np.zeros((d, d)), np.zeros((d, t))
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            vectors, targets = self._x[some] - self._middle, self._y[some]
            n, x = n + len(some), x + vectors.sum(axis=0)
            xx += vectors.T @ vectors
            xy += np.asarray((targets.T @ vectors).T)
            y += np.asarray(targets.sum(axis=0)).ravel()
            squares = targets.multiply(targets) if hasattr(targets, "multiply") else targets * targets
            yy += np.asarray(squares.sum(axis=0)).ravel()
        return _Sums(n, x, y, xx, xy, yy)


class _Solved:
    """The regressions of all penalties on some sums: one decomposition serves them all."""

    def __init__(self, sums: _Sums):
        self._mean_x, self._mean_y = sums.x / sums.n, sums.y / sums.n
        spread = sums.xx - sums.n * np.outer(self._mean_x, self._mean_x)
        self._values, self._directions = np.linalg.eigh(spread)
        self._values = np.maximum(self._values, 0)
        self._along = self._directions.T @ (sums.xy - sums.n * np.outer(self._mean_x, self._mean_y))

    def at(self, penalty: float) -> LinearMap:
        added = penalty * max(float(self._values.mean()), 1e-12)
        weights = self._directions @ (self._along / (self._values + added)[:, None])
        return LinearMap(weights, self._mean_x, self._mean_y)


def _squared_errors(found: LinearMap, part: _Sums) -> np.ndarray:
    """The sum of squared errors of each target on other rows, from their sums."""
    w, mx, my, n = found.weights, found.mean_x, found.mean_y, part.n
    yy = part.yy - 2 * my * part.y + n * my**2
    xy = part.xy - np.outer(part.x, my) - np.outer(mx, part.y) + n * np.outer(mx, my)
    xx = part.xx - np.outer(part.x, mx) - np.outer(mx, part.x) + n * np.outer(mx, mx)
    errors: np.ndarray = yy - 2 * np.einsum("ij,ij->j", w, xy) + np.einsum("ij,ij->j", w, xx @ w)
    return errors
