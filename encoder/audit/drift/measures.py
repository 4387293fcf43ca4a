"""What is followed over time: each measure as sums over periods that are counted anew for any order of the rows.

A measure of a period is `sums / counts`, and of several periods the ratio of what these add up to. Most are means of
some rows. The AUROC ranks rows within their own period alone, so that scores that all move up are no loss of it; over
several periods it is their mean, weighted by m n / (m + n) of m positives and n negatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from encoder.audit.drift.rows import DriftRows

Name = Literal[
    "prevalence",
    "alerts",
    "mean score",
    "sensitivity",
    "specificity",
    "AUROC",
    "calibration",
    "score of positives",
    "score of negatives",
]
SHARES: frozenset[Name] = frozenset({"prevalence", "alerts", "sensitivity", "specificity"})
"""Measures that are shares of rows."""

Tally = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""From the period of each row, and how many periods there are: sums and counts."""

LEAST_OF_TRUTH = 10
"""Positives, and negatives, under which nothing is said of performance."""


@dataclass(frozen=True, eq=False)
class Measure:
    """One measure.

    Attributes:
        name: of it.
        rows: the numbers of the rows that it is of.
        values: what each of these counts; for the AUROC its truth.
        tally: how it adds up.
    """

    name: Name
    rows: np.ndarray
    values: np.ndarray
    tally: Tally


def measures_of(found: DriftRows) -> list[Measure]:
    """The measures that these rows have: those of truth only where enough of it is known."""
    rows, every = found.rows, np.arange(len(found))
    known = np.flatnonzero(found.labelled)
    positive, negative = (known[rows.truth[known] == side] for side in (True, False))
    judged = min(len(positive), len(negative)) >= LEAST_OF_TRUTH
    called = None if found.threshold is None else rows.score >= found.threshold
    hits, rejections = (side[~found.chose[side]] for side in (positive, negative))
    told: list[tuple[Name, np.ndarray, np.ndarray | None]] = [
        ("prevalence", known if judged else known[:0], rows.truth),
        ("alerts", every, called),
        ("mean score", every, rows.score),
        ("sensitivity", hits if judged else known[:0], called),
        ("specificity", rejections if judged else known[:0], None if called is None else ~called),
        ("calibration", known if judged else known[:0], rows.truth - rows.score),
        ("score of positives", positive if judged else known[:0], rows.score),
        ("score of negatives", negative if judged else known[:0], rows.score),
    ]
    measures = [_mean(name, chosen, values) for name, chosen, values in told if len(chosen) and values is not None]
    if judged:
        tally = ranked_within_periods(rows.truth[known], rows.logit[known], known)
        measures.append(Measure("AUROC", known, rows.truth[known], tally))
    return measures


def _mean(name: Name, chosen: np.ndarray, values: np.ndarray) -> Measure:
    counted = values[chosen].astype(np.float64)

    def tally(at: np.ndarray, periods: int) -> tuple[np.ndarray, np.ndarray]:
        mine = at[chosen]
        return np.bincount(mine, counted, periods), np.bincount(mine, minlength=periods).astype(np.float64)

    return Measure(name, chosen, counted, tally)


def ranked_within_periods(truth: np.ndarray, ranked_by: np.ndarray, numbers: np.ndarray) -> Tally:
    """The tally of the AUROC within each period.

    Args:
        truth: of the rows with known truth, (k,), bool.
        ranked_by: what they are ranked by, (k,).
        numbers: which rows these are.
    """
    order = np.argsort(ranked_by, kind="stable")
    positive, chosen = truth[order], numbers[order]
    tied = np.unique(ranked_by[order], return_inverse=True)[1]

    def tally(at: np.ndarray, periods: int) -> tuple[np.ndarray, np.ndarray]:
        mine = at[chosen]
        by_period = np.argsort(mine, kind="stable")
        mine, truths, scores = mine[by_period], positive[by_period], tied[by_period]
        starts = np.flatnonzero(np.r_[True, (np.diff(mine) != 0) | (np.diff(scores) != 0)])
        yes, no = (np.add.reduceat(side.astype(np.float64), starts) for side in (truths, ~truths))
        positives = np.bincount(mine[starts], yes, periods)
        negatives = np.bincount(mine[starts], no, periods)
        earlier = np.r_[0.0, np.cumsum(negatives)[:-1]]
        below = np.cumsum(no) - no / 2 - earlier[mine[starts]]
        pairs_won = np.bincount(mine[starts], yes * below, periods)
        sizes = np.maximum(positives + negatives, 1)
        return pairs_won / sizes, positives * negatives / sizes

    return tally
