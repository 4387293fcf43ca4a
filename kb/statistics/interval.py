"""A number with the 95% interval around it, and what widens intervals where rows come in patients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054
"""The 97.5% quantile of the normal distribution."""


class Interval(NamedTuple):
    """An estimate and the ends of its 95% interval; the estimate lies within.

    Attributes:
        value: the estimate itself, as it stands in the sample.
        low: where the interval begins.
        high: where it ends.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def numbered(clusters: np.ndarray) -> np.ndarray:
    """Clusters as numbers from 0 on, whatever they are called."""
    return np.unique(clusters, return_inverse=True)[1]


def t_quantile(freedom: float) -> float:
    """The 97.5% quantile of Student's t, by its expansion around the normal one (Cornish and Fisher, 1938).

    Args:
        freedom: degrees of freedom; under 3 counts as 3. Within 0.03 of the exact one there, within 0.002 from 6 on.

    The expansion stands in SQL as well (schemas/sql/macros/intervals.sql): a table and a query say the same.
    """
    v, z = max(float(freedom), 3.0), Z95
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / v + second / v**2 + third / v**3
