"""AUROC, average precision and the curves behind them, for one weighting of the rows or a thousand at once.

The rows are sorted once. A bootstrap resample is then nothing but a weight for each row, and its ROC curve two running
sums over the sorted weights. Equal scores stand or fall together: a curve has a point for each distinct score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np


class Curve(NamedTuple):
    """The ROC and precision-recall curve of one weighting, from (0, 0) on, a point for each distinct score."""

    false_positive_rate: np.ndarray
    sensitivity: np.ndarray
    precision: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True, eq=False)
class Ranking:
    """Truths and scores of some rows, ready to be ranked under any weights."""

    truth: np.ndarray
    scores: np.ndarray

    @cached_property
    def order(self) -> np.ndarray:
        """The rows from the highest score down."""
        return np.argsort(-self.scores, kind="stable")

    @cached_property
    def ends(self) -> np.ndarray:
        """Where in that order the rows of each distinct score end."""
        sorted_scores = self.scores[self.order]
        return np.append(np.flatnonzero(np.diff(sorted_scores)), len(sorted_scores) - 1)

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """True and false positives at each distinct score, down to it, for weights of shape (..., rows)."""
        sorted_weights = np.asarray(weights, dtype=np.float64)[..., self.order]
        truth = self.truth[self.order].astype(np.float64)
        everything = np.cumsum(sorted_weights, axis=-1)[..., self.ends]
        true = np.cumsum(sorted_weights * truth, axis=-1)[..., self.ends]
        return true, everything - true

    def scores_of(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """AUROC and average precision for weights of shape (..., rows); NaN where a class has no weight."""
        true, false = self.counts(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            gained = np.diff(true, axis=-1, prepend=0)
            auroc = np.sum(np.diff(false, axis=-1, prepend=0) * (true - gained / 2), axis=-1)
            auroc = auroc / (true[..., -1] * false[..., -1])
            flagged = true + false
            precision = np.divide(true, flagged, out=np.zeros_like(true), where=flagged > 0)
            average_precision = np.sum(gained * precision, axis=-1) / true[..., -1]
        return auroc, np.where(false[..., -1] > 0, average_precision, np.nan)

    @property
    def auroc(self) -> float:
        """The AUROC of all rows alike."""
        return float(self.scores_of(np.ones(len(self.truth)))[0])

    def curve(self, weights: np.ndarray | None = None) -> Curve:
        """The ROC and precision-recall curve."""
        true, false = self.counts(np.ones(len(self.truth)) if weights is None else weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(true + false > 0, true / (true + false), 1.0)
            rates = (np.concatenate([[0.0], counts / counts[-1]]) for counts in (false, true))
            false_positive_rate, sensitivity = rates
        thresholds = np.concatenate([[np.inf], self.scores[self.order][self.ends]])
        return Curve(false_positive_rate, sensitivity, np.concatenate([[1.0], precision]), thresholds)


def sensitivity_at(curve: Curve, specificity: float) -> float:
    """The sensitivity that a model has at a specificity: the best there, between two points on the line of both."""
    wanted = 1 - specificity
    exact = np.isclose(curve.false_positive_rate, wanted, rtol=0, atol=1e-12)
    if exact.any():
        return float(curve.sensitivity[exact].max())
    return float(np.interp(wanted, curve.false_positive_rate, curve.sensitivity))
