"""Agreement beyond chance of readers who say yes or no: Cohen's kappa and Fleiss' kappa, under weights of patients."""

from __future__ import annotations

import numpy as np


def cohens_kappa(first: np.ndarray, second: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Cohen's kappa of two readers who read the same, for each row of weights; NaN where both say one thing of all.

    Args:
        first: whether the first reader says yes to each unit.
        second: whether the second one does.
        cluster: the patient of each unit.
        weights: how much each patient counts, as (resamples, patients).
    """
    both = _summed(np.stack([first & second, first & ~second, ~first & second, ~first & ~second]), cluster, weights)
    total = both.sum(axis=0)
    yes_yes, yes_no, no_yes, no_no = both / np.where(total == 0, np.nan, total)
    observed = yes_yes + no_no
    a, b = yes_yes + yes_no, yes_yes + no_yes
    return _beyond(observed, a * b + (1 - a) * (1 - b))


def fleiss_kappa(yes: np.ndarray, many: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fleiss' kappa, for each row of weights; each unit may be read by other readers, and by another number of them.

    Args:
        yes: how many readers say yes to each unit.
        many: how many read it; two or more.
        cluster: the patient of each unit.
        weights: how much each patient counts, as (resamples, patients).
    """
    no = many - yes
    alike = (yes * (yes - 1) + no * (no - 1)) / (many * (many - 1))
    agreed, units, positive, readings = _summed(np.stack([alike, np.ones(len(yes)), yes, many]), cluster, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed, share = agreed / units, positive / readings
    return _beyond(observed, share**2 + (1 - share) ** 2)


def _summed(columns: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Columns of units summed over patients, under each row of weights: (columns, resamples)."""
    sums = np.stack([np.bincount(cluster, column.astype(float), weights.shape[1]) for column in columns])
    return np.asarray(sums @ weights.T)


def _beyond(observed: np.ndarray, chance: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance < 1 - 1e-12, (observed - chance) / (1 - chance), np.nan)
