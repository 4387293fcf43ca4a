"""Erasing: what a model would say if a direction were not in the images, the disease left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from kb.audit.moments import Cohort

Rescore = Callable[["np.ndarray"], "np.ndarray"]
"""What a model of ours says, as logits (m,), of image vectors (m, d)."""


DRAWN = 0.1
"""How much of a covariance is that of a sphere, where its inverse is wanted."""


class Eraser:
    """Erases directions from the vectors of a cohort.

    The least change of f that leaves no linear trace of a = c.f in it is f - S c (c'S c)^-1 (a - mean a), with S the
    covariance within truth strata (least-squares concept erasure: Belrose et al., 2023). Of a concept, what looks like
    the disease stays: it is taken beyond the scores of the disease's own directions D first.

    Args:
        cohort: whose vectors.
        disease: D, (d, k), or None.
    """

    def __init__(self, cohort: Cohort, disease: np.ndarray | None):
        import numpy as np

        self.cohort = cohort
        truth = cohort.truth
        means = np.stack([cohort.vectors[truth == side].mean(axis=0) for side in (False, True)]).astype(np.float64)
        self._beyond: np.ndarray = cohort.vectors - means[truth.astype(int)].astype(np.float32)
        self._disease = disease
        self._scores = None if disease is None else self._beyond @ disease

    def without(self, direction: np.ndarray, rescore: Rescore | None = None) -> np.ndarray:
        """What the model says without a direction (d): through it where it is ours, else along its logits' slope."""
        import numpy as np

        direction = self._apart(direction)
        values = self.cohort.vectors @ direction
        if rescore is None:
            return without(self.cohort.logit, self.cohort.truth, values)
        beyond = self._beyond @ direction
        total = float(beyond @ beyond)
        if total == 0:
            return self.cohort.logit
        along = beyond @ self._beyond / total
        return rescore(self.cohort.vectors - np.outer(values - values.mean(), along))

    def direction_of(self, there: np.ndarray) -> np.ndarray:
        """The direction (d) that tells best, within truth strata, where something is there, (n,) bool.

        S^-1 cov(f, x), with S drawn a little towards a sphere: there may be fewer images than dimensions. Erasing it
        leaves no linear trace of x, but for that little.
        """
        import numpy as np

        truth = self.cohort.truth
        levels = [there[truth == side].mean() if (truth == side).any() else 0.0 for side in (False, True)]
        beyond = there - np.array(levels)[truth.astype(int)]
        spread = self._beyond.T.astype(np.float64) @ self._beyond / len(truth)
        spread += np.eye(len(spread)) * DRAWN * np.trace(spread) / len(spread)
        direction: np.ndarray = np.linalg.solve(spread, beyond @ self._beyond / len(truth))
        return direction

    def _apart(self, direction: np.ndarray) -> np.ndarray:
        """What of a concept is not told by the disease's own directions: c - D (D'S D)^-1 D'S c."""
        import numpy as np

        if self._disease is None or self._scores is None:
            return direction
        told = np.linalg.lstsq(self._scores, self._beyond @ direction, rcond=None)[0]
        apart: np.ndarray = direction - self._disease @ told
        return apart


def without(logit: np.ndarray, truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The logits less what goes along with `values` within truth strata: what erasing does to a linear model."""
    import numpy as np

    beyond = values.astype(np.float64).copy()
    levels = logit.astype(np.float64).copy()
    for side in (False, True):
        beyond[truth == side] -= beyond[truth == side].mean()
        levels[truth == side] -= levels[truth == side].mean()
    total = float(beyond @ beyond)
    if total == 0:
        return logit.astype(np.float64)
    slope = float(beyond @ levels) / total
    left: np.ndarray = logit - slope * (values - values.mean())
    return left
