"""Erasing: what a model would say if a thing were not told by the images; by what is known of the thing itself.

Where it is known which images hold a thing, x, the least change of f that leaves no linear trace of x within truth
strata is f - cov(f, x | y) (x - mean x) / var(x | y) (oracle least-squares concept erasure: Belrose et al., 2023). For
a concept's score, x is c.f itself: its whole direction goes, with what it shares with the disease.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from encoder.audit.confounders.moments import Cohort

Rescore = Callable[["np.ndarray"], "np.ndarray"]
"""What a model of ours says, as logits (m,), of image vectors (m, d)."""


def without(logit: np.ndarray, truth: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The logits less what goes along with `values` within truth strata: what erasing does to a linear model."""
    values = values.astype(float)
    beyond, along = centred(values, truth), centred(logit, truth)
    total = float(beyond @ beyond)
    left: np.ndarray = logit - (float(beyond @ along) / total if total > 0 else 0.0) * (values - values.mean())
    return left


def erased(cohort: Cohort, values: np.ndarray, rescore: Rescore | None) -> np.ndarray:
    """What a model says of images once `values`, (n,), are erased from their vectors.

    Through the model itself where it is one of ours; else along its logits, as if it were linear in the vectors.
    """
    if rescore is None:
        return without(cohort.logit, cohort.truth, values)
    beyond = centred(values.astype(np.float64), cohort.truth)
    total = float(beyond @ beyond)
    if total == 0:
        return cohort.logit
    along = beyond @ cohort.vectors / total  # the strata's means drop out: beyond sums to 0 in each
    return rescore(cohort.vectors - np.outer(values - values.mean(), along))


def centred(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Values less the mean of their truth stratum."""
    found = np.array(values, dtype=np.float64)
    for side in (False, True):
        if (truth == side).any():
            found[truth == side] -= found[truth == side].mean()
    return found
