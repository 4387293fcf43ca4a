"""Means of rows, such as scores, with intervals that know of patients; and differences of means.

The cluster-robust sandwich (Liang and Zeger, 1986): what spreads is sums over patients, by Student's t of their number.
"""

from __future__ import annotations

import math

import numpy as np

from kb.statistics.interval import Interval, numbered, t_quantile


def mean_interval(values: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """The mean of `values` with its 95% interval.

    Args:
        values: (n,).
        clusters: the patient of each row, (n,).

    Returns:
        None where the rows are of fewer than two patients.
    """
    values = np.asarray(values, dtype=np.float64)
    if not len(values):
        return None
    mean = float(values.mean())
    return _around(mean, (values - mean) / len(values), clusters)


def mean_difference(values: np.ndarray, later: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """The mean of the later rows less that of the others, with its 95% interval; a patient may be in both.

    Args:
        values: (n,).
        later: which rows are the later ones, (n,), bool.
        clusters: the patient of each row, (n,).

    Returns:
        None where one side has no row, or the rows are of fewer than two patients.
    """
    values, later = np.asarray(values, dtype=np.float64), np.asarray(later, dtype=bool)
    if later.all() or not later.any():
        return None
    after, before = values[later].mean(), values[~later].mean()
    shares = np.where(later, (values - after) / later.sum(), (before - values) / (~later).sum())
    return _around(float(after - before), shares, clusters)


def _around(value: float, shares: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """The interval of an estimate of which each row has a share."""
    sums = np.bincount(numbered(clusters), weights=shares)
    patients = len(sums)
    if patients < 2:
        return None
    reach = t_quantile(patients - 1) * math.sqrt(float((sums**2).sum()) * patients / (patients - 1))
    return Interval(value, value - reach, value + reach)
