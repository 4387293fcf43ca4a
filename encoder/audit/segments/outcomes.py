"""What can go wrong within a truth: false alarms and misses at the threshold, and scores on the wrong side of others.

Each is a number a row, higher where the model does worse, held against the mean of its truth. Scores count by their
normal scores (van der Waerden): no outlier makes a test. That the negatives of a segment score higher than others is
what the BPSN AUROC (background positives, subgroup negatives) shows; that its positives score lower, BNSP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betainc, ndtri, xlogy

from kb.statistics.delong import midranks
from kb.statistics.interval import numbered

Measure = Literal["false alarms", "misses", "bpsn", "bnsp", "auroc"]
MEASURES: tuple[Measure, ...] = ("false alarms", "misses", "bpsn", "bnsp", "auroc")

SMALLEST = 1e-250
"""A chance under this is no longer told by its own number, but by the likelihood ratio."""

MOST_PAIRS = 60
"""Pairs of rows of one patient by which it is judged how alike they are: of a patient with more, some are drawn."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """One thing that can go wrong with rows of one truth.

    Attributes:
        measure: which.
        values: of each row, higher is worse, (m,).
        binary: whether these are 0 and 1.
    """

    measure: Measure
    values: np.ndarray
    binary: bool

    @property
    def mean(self) -> float:
        """Over all rows of that truth."""
        return float(self.values.mean())

    @property
    def variance(self) -> float:
        """Of one row."""
        return float(self.values.var())


@dataclass(frozen=True, eq=False, kw_only=True)
class Stratum:
    """The rows of one truth, and what can go wrong with them.

    Attributes:
        positive: which truth.
        rows: the places of the rows, (m,).
        outcomes: errors at the threshold, and scores.
        pairs: places in `rows` of two rows of one patient, (pairs, 2).
        weights: how many pairs of its patient each stands for.
        owners: the patient of each row, numbered.
    """

    positive: bool
    rows: np.ndarray
    outcomes: tuple[Outcome, ...]
    pairs: np.ndarray
    weights: np.ndarray
    owners: np.ndarray

    def likeness(self, outcome: Outcome) -> float:
        """How alike the outcomes of a patient's rows are: their correlation, 0 to 1."""
        if not len(self.pairs) or outcome.variance <= 0:
            return 0.0
        beyond = outcome.values - outcome.mean
        products = beyond[self.pairs[:, 0]] * beyond[self.pairs[:, 1]]
        return float(np.clip((products @ self.weights) / self.weights.sum() / outcome.variance, 0.0, 1.0))


def strata_of(
    truth: np.ndarray, logit: np.ndarray, flagged: np.ndarray, owners: np.ndarray, seed: int = 0
) -> list[Stratum]:
    """The two strata of rows: negatives with false alarms and high scores, positives with misses and low scores."""
    found = []
    for positive in (False, True):
        rows = np.flatnonzero(truth == positive)
        if not len(rows):
            continue
        wrong = (flagged[rows] != positive).astype(np.float64)
        worse = normal_scores(-logit[rows] if positive else logit[rows])
        numbers = numbered(owners[rows])
        pairs, weights = _pairs(numbers, np.random.default_rng(seed))
        names: tuple[Measure, Measure] = ("misses", "bnsp") if positive else ("false alarms", "bpsn")
        outcomes = (
            Outcome(measure=names[0], values=wrong, binary=True),
            Outcome(measure=names[1], values=worse, binary=False),
        )
        found.append(
            Stratum(positive=positive, rows=rows, outcomes=outcomes, pairs=pairs, weights=weights, owners=numbers)
        )
    return found


def normal_scores(values: np.ndarray) -> np.ndarray:
    """The normal quantile of the rank of each value; equal ones share it."""
    found: np.ndarray = ndtri((midranks(values) - 0.5) / len(values))
    return found


def tail_z(count: np.ndarray, n: np.ndarray, share: np.ndarray, whole: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """How far `count` wrong rows among `n` lie beyond what chance does, as a normal deviate of the binomial tail.

    Args:
        count: wrong rows of the segment.
        n: rows of it.
        share: of wrong rows where it is drawn from.
        whole: rows where it is drawn from, itself included: as many are drawn without return.
        effect: the design effect, by which rows that are alike count for less.
    """
    free = np.maximum(n * (1 - n / whole), 1e-9) / effect
    there = np.clip(free * share + (count - n * share) / effect, 0.0, free)
    # Where all rows are right, or all are wrong, none is so beyond chance; nor where fewer are than elsewhere.
    tells = (share > 0) & (share < 1) & (there > 0)
    p, k = np.where(tells, share, 0.5), np.where(tells, there, 0.0)
    tail = np.where(tells, betainc(np.maximum(k, 1e-12), free - k + 1, p), 1.0)
    far = xlogy(k, k / (free * p)) + xlogy(free - k, (free - k) / (free * (1 - p)))
    by_likelihood = np.sqrt(2 * np.maximum(far, 0.0))
    deviates: np.ndarray = np.where(tail > SMALLEST, -ndtri(np.clip(tail, SMALLEST, 1 - 1e-16)), by_likelihood)
    return deviates


def mean_z(total: np.ndarray, n: np.ndarray, variance: float, whole: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """How far the sum of deviations of `n` rows lies beyond what chance does, in standard deviations."""
    spread = np.sqrt(np.maximum(variance * n * effect * (1 - n / whole), 1e-12))
    deviates: np.ndarray = total / spread
    return deviates


def _pairs(owners: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(owners, kind="stable")
    parts: Sequence[np.ndarray] = np.split(order, np.flatnonzero(np.diff(owners[order])) + 1)
    found, weights = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    for rows in parts:
        if len(rows) > 1:
            one, other = np.triu_indices(len(rows), 1)
            all_of_them = len(one)
            if all_of_them > MOST_PAIRS:
                chosen = draw.choice(all_of_them, MOST_PAIRS, replace=False)
                one, other = one[chosen], other[chosen]
            found.append(np.stack([rows[one], rows[other]], axis=1))
            weights.append(np.full(len(one), all_of_them / len(one)))
    return np.concatenate(found), np.concatenate(weights)
