"""Calibration: the Brier score, and the expected calibration error over bins of equally many rows."""

from __future__ import annotations

import numpy as np

BINS = 10


def brier(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean squared difference of score and truth, for weights of shape (..., rows)."""
    weights = np.asarray(weights, dtype=np.float64)
    mean: np.ndarray = weights @ (scores - truth) ** 2 / weights.sum(axis=-1)
    return mean


def equal_mass_bins(scores: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each row: as many rows in each as can be, equal scores always in one bin."""
    order = np.sort(scores)
    # A tie belongs, all of it, where its first row falls.
    first = np.searchsorted(order, scores, side="left")
    return np.minimum(first * bins // max(len(scores), 1), bins - 1)


def calibration_error(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray, *, bins: np.ndarray) -> np.ndarray:
    """ECE: how far the mean score of a bin lies from the share of positives in it, over all rows.

    The bins are those of the sample, in every resample. A sample is never calibrated to the row: what chance alone
    gives, and how far an ECE lies beyond it, is told by `kb.statistics.calibration_beyond_chance`.
    """
    weights = np.asarray(weights, dtype=np.float64)
    member = bins[:, None] == np.arange(BINS if not len(bins) else int(bins.max()) + 1)
    gaps = np.abs(weights @ (member * (scores - truth)[:, None]))
    error: np.ndarray = gaps.sum(axis=-1) / weights.sum(axis=-1)
    return error


def reliability(truth: np.ndarray, scores: np.ndarray, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean score and the share of positives of each bin that has rows."""
    rows = np.bincount(bins)
    kept = rows > 0
    means = [np.bincount(bins, weights=column.astype(np.float64))[kept] / rows[kept] for column in (scores, truth)]
    return means[0], means[1]
