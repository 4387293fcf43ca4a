"""DeLong's test of AUROCs on the same rows, by midranks (Sun and Xu, 2014): O(n log n) instead of O(n^2)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kb.statistics.interval import Z95


class Difference(NamedTuple):
    """A difference with its 95% interval and two-sided p.

    Where every row is ranked alike by each model nothing shows how sure it is: there is no interval, and a p only of no
    difference at all.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None


def midranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value from 1 on; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + 1 + ends) / 2)[inverse]


def covariance(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The AUROCs of models (models, rows) and the covariance matrix of these estimates."""
    positive, negative = scores[:, truth], scores[:, ~truth]
    m, n = positive.shape[1], negative.shape[1]
    among_all = np.stack([midranks(np.concatenate([x, y])) for x, y in zip(positive, negative, strict=True)])
    among_positive = np.stack([midranks(x) for x in positive])
    among_negative = np.stack([midranks(y) for y in negative])
    aurocs = (among_all[:, :m].sum(axis=1) / m - (m + 1) / 2) / n
    of_positive = (among_all[:, :m] - among_positive) / n
    of_negative = 1 - (among_all[:, m:] - among_negative) / m
    return aurocs, np.atleast_2d(np.cov(of_positive)) / m + np.atleast_2d(np.cov(of_negative)) / n


def delong_test(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> Difference:
    """AUROC of `first` minus that of `second`, on rows of which no two are of one patient."""
    return delong_contrast(truth, np.stack([first, second]), np.array([1.0, -1.0]))


def delong_contrast(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> Difference:
    """A weighted sum of the AUROCs of models (models, rows), such as the mean of some minus the mean of others."""
    aurocs, spread = covariance(truth.astype(bool), scores)
    difference = float(weights @ aurocs)
    variance = float(weights @ spread @ weights)
    # Rounding leaves 1e-20 where two models rank alike.
    error = math.sqrt(variance) if variance > 1e-15 else 0.0
    if error == 0:
        return Difference(difference, None, None, 1.0 if abs(difference) < 1e-12 else None)
    p = math.erfc(abs(difference) / error / math.sqrt(2))
    return Difference(difference, difference - Z95 * error, difference + Z95 * error, p)
