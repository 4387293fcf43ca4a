"""The 95% interval of an AUROC, which holds with few positives, with several images a patient, and at 1.

Newcombe's score interval (2006, method 5): all values that the estimate is no further from than chance takes it, by the
variance of Hanley and McNeil (1982) at that value. It is widened where rows of a patient are alike (the ratio of
Obuchowski's variance, 1997, to DeLong's), and where scores of one truth spread more than of the other (the ratio of
DeLong's variance, 1988, to Hanley and McNeil's).
"""

from __future__ import annotations

import math

import numpy as np

from kb.statistics.delong import midranks
from kb.statistics.interval import Z95, Interval, numbered, t_quantile

STEPS = 40
"""Halvings of a bound: 40 leave an error below 1e-12."""


def auroc_interval(truth: np.ndarray, scores: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """The AUROC of `scores` with its 95% interval.

    Args:
        truth: (n,), bool.
        scores: (n,): higher ones say yes.
        clusters: the patient of each row, (n,).

    Returns:
        None where one of the truths has no row.
    """
    truth = np.asarray(truth, dtype=bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    value, components = components_of(truth, np.asarray(scores, dtype=np.float64))
    numbers = numbered(clusters)
    widened, quantile = _widening(truth, components, value, numbers)
    low, high = bounds(value, positives, negatives, widened=widened, quantile=quantile)
    return Interval(value, low, high)


def auroc_of_both(truth: np.ndarray, scores: np.ndarray, clusters: np.ndarray) -> Interval:
    """`auroc_interval` of rows that are known to be of both truths.

    Raises:
        ValueError: one of the truths has no row.
    """
    found = auroc_interval(truth, scores, clusters)
    if found is None:
        raise ValueError("an AUROC is of rows of both truths")
    return found


def components_of(truth: np.ndarray, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """The AUROC, and of each row the share of rows of the other truth that it is ranked rightly against, (n,).

    DeLong's structural components; a tie counts one half.
    """
    positive, negative = scores[truth], scores[~truth]
    m, n = len(positive), len(negative)
    among_all = midranks(np.concatenate([positive, negative]))
    found = np.empty(len(truth))
    found[truth] = (among_all[:m] - midranks(positive)) / n
    found[~truth] = 1 - (among_all[m:] - midranks(negative)) / m
    return float(found[truth].mean()), found


def bounds(
    value: float, positives: int, negatives: int, *, widened: float = 1.0, quantile: float = Z95
) -> tuple[float, float]:
    """The ends of Newcombe's interval around an AUROC, its variance widened by a factor."""

    def near(other: float) -> bool:
        return abs(value - other) <= quantile * math.sqrt(widened * variance(other, positives, negatives))

    low, high = (0.0, value), (value, 1.0)
    for _ in range(STEPS):
        middle = sum(low) / 2
        low = (low[0], middle) if near(middle) else (middle, low[1])
        middle = sum(high) / 2
        high = (middle, high[1]) if near(middle) else (high[0], middle)
    return low[1], high[0]


def variance(auroc: float, positives: int, negatives: int) -> float:
    """Hanley and McNeil's variance with the mean of both numbers in the place of each (Newcombe, 2006)."""
    mean = (positives + negatives) / 2
    terms = (1 - auroc) / (2 - auroc) + auroc / (1 + auroc)
    return auroc * (1 - auroc) * (1 + (mean - 1) * terms) / (positives * negatives)


def _widening(truth: np.ndarray, components: np.ndarray, value: float, clusters: np.ndarray) -> tuple[float, float]:
    """By what the variance is widened, 1 or more, and the quantile that goes with as many patients."""
    m, n = int(truth.sum()), int((~truth).sum())
    if m < 2 or n < 2:
        return 1.0, Z95
    spreads = np.var(components[truth], ddof=1) / m, np.var(components[~truth], ddof=1) / n
    independent = float(sum(spreads))
    expected = variance(value, m, n)
    # Components differ by 1 / 2n at the least: whatever is less than one step of one row is a rounding error, and is 0.
    if independent * (m * n) ** 2 < 0.1 or expected <= 0:
        return _largest(clusters, truth), Z95
    unequal = max(1.0, independent / expected)
    patients = int(clusters.max()) + 1
    if patients == len(truth):
        return unequal, Z95
    shares = (components - value) / np.where(truth, m, n)
    sums = np.bincount(clusters, weights=shares)
    alike = float((sums**2).sum()) * patients / max(patients - 1, 1) / independent
    per_truth = [max(len(np.unique(clusters[part])) - 1, 1) for part in (truth, ~truth)]
    # Satterthwaite's: as many degrees of freedom as the two spreads have patients.
    freedom = independent**2 / sum(s**2 / d for s, d in zip(spreads, per_truth, strict=True))
    return unequal * max(1.0, alike), t_quantile(freedom)


def _largest(clusters: np.ndarray, truth: np.ndarray) -> float:
    """The widening where the ranking is perfect and shows nothing of how alike rows are: each patient counts once."""
    effects = []
    for part in (truth, ~truth):
        sizes = np.bincount(clusters[part])
        effects.append(float((sizes.astype(np.float64) ** 2).sum() / sizes.sum()))
    return max(1.0, *effects)
