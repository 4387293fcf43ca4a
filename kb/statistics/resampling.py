"""The patient-cluster bootstrap: patients are drawn, with all of their rows, and intervals read off what comes out.

Rows of one patient are alike: resampling rows as if they were not makes intervals too narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from kb.statistics.interval import Interval, t_quantile
from kb.statistics.p_values import floor_of
from kb.statistics.shares import wilson

CELLS = 2_000_000
"""Numbers of a block of weights: as many resamples are computed at once as fit."""


def multiplicities(clusters: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each cluster is drawn in each resample, as (resamples, clusters)."""
    random = np.random.default_rng(seed)
    # A cluster that is drawn 256 times out of more than 255 is not met in the age of the universe.
    drawn = np.empty((resamples, clusters), dtype=np.uint8)
    for row in range(resamples):
        drawn[row] = np.bincount(random.integers(0, clusters, clusters), minlength=clusters)
    return drawn


def blocks(drawn: np.ndarray, clusters: np.ndarray) -> Iterator[np.ndarray]:
    """The weights of rows that belong to `clusters`, some resamples at a time, as (resamples, rows)."""
    step = max(1, CELLS // max(len(clusters), 1))
    for start in range(0, len(drawn), step):
        yield drawn[start : start + step][:, clusters].astype(np.float64)


def resampled(
    drawn: np.ndarray, clusters: np.ndarray, measure: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Every measure in every resample; `measure` takes weights (resamples, rows)."""
    parts = [measure(weights) for weights in blocks(drawn, clusters)]
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def interval(values: np.ndarray, share: float = 0.95) -> tuple[float, float] | None:
    """The middle `share` of the resamples in which there was a value; None if there was none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def spread(value: float, values: np.ndarray) -> Interval | None:
    """A figure with the middle 95% of its resamples; None where these are all alike, which says nothing of it."""
    ends = interval(values)
    if ends is None or ends[1] - ends[0] < 1e-12 or not np.isfinite(value):
        return None
    return Interval(value, min(ends[0], value), max(ends[1], value))


def precision_interval(value: float, values: np.ndarray, patients: int) -> Interval | None:
    """An average precision with its 95% interval: Wilson's, of as many rows as would scatter as its resamples do.

    The middle of the resamples alone lies too high where positives are few.

    Args:
        value: the average precision.
        values: of the resamples.
        patients: with positives; each counts once where the resamples are all alike.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2 or not np.isfinite(value):
        return None
    variance = float(np.var(known, ddof=1))
    n = value * (1 - value) / variance if variance > 1e-12 and 0 < value < 1 else patients
    return wilson(value, n, t_quantile(patients - 1))


def at_floor(p: float | None, values: np.ndarray) -> bool:
    """Whether a p of these resamples is the least that it could be."""
    return p is not None and p <= floor_of(int(np.isfinite(values).sum())) + 1e-12


def two_sided_p(differences: np.ndarray) -> float | None:
    """How often a difference this sure comes by chance: twice the smaller share of resamples on one side of 0."""
    known = differences[np.isfinite(differences)]
    if not len(known):
        return None
    fewer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (fewer + 1) / (len(known) + 1))
