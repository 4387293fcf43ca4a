"""Shares of rows, such as sensitivity or alerts, with intervals that know of patients; and differences of shares.

Wilson's interval (1927) of as many independent rows as the rows are worth: rows of one patient are alike, and their
number is divided by the design effect (Kish, 1965). It never ends at its own estimate alone: 7 of 7 is "0.65 to 1".
"""

from __future__ import annotations

import math

import numpy as np

from kb.statistics.interval import Z95, Interval, numbered, t_quantile


def share_interval(said: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """The share of rows of which something is said, with its 95% interval.

    Args:
        said: (n,), bool.
        clusters: the patient of each row, (n,).

    Returns:
        None where there is no row.
    """
    if not len(said):
        return None
    said = np.asarray(said, dtype=np.float64)
    effect, patients = design_effect(said, clusters)
    quantile = Z95 if patients == len(said) else t_quantile(patients - 1)
    return wilson(float(said.mean()), len(said) / effect, quantile)


def wilson(share: float, n: float, quantile: float = Z95) -> Interval:
    """Wilson's score interval of a share of `n` independent rows, which need be no whole number."""
    z2 = quantile**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = quantile * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(share, max(0.0, min(middle - reach, share)), min(1.0, max(middle + reach, share)))


def difference_interval(first: Interval, second: Interval) -> Interval:
    """The first share less the second, by the distances to the ends of their intervals (Newcombe, 1998).

    The two are taken to be of other patients; of the same ones, who are alike, it is too wide rather than too narrow.
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Interval(value, max(-1.0, value - below), min(1.0, value + above))


def design_effect(said: np.ndarray, clusters: np.ndarray) -> tuple[float, int]:
    """How many rows of patients say as much as one of independent rows, 1 or more; and the number of patients.

    Where all say the same nothing is to be seen of how alike they are: then each patient counts once.
    """
    numbers = numbered(clusters)
    sizes = np.bincount(numbers)
    patients, n = len(sizes), len(said)
    if patients == n:
        return 1.0, patients
    share = said.mean()
    if patients < 2 or share in (0.0, 1.0):
        return float((sizes.astype(np.float64) ** 2).sum() / n), patients
    sums = np.bincount(numbers, weights=said - share)
    between = float((sums**2).sum()) * patients / (patients - 1)
    return max(1.0, between / (n * share * (1 - share))), patients
