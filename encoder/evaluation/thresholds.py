"""The threshold of a label: how one is chosen, what it makes of scores, and where it comes from.

Never from the rows that it is judged on: it is given, chosen on validation rows, cross-fitted by patient, or there is
none. The view `thresholds` (schemas/sql) says the same of the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, nextafter
from typing import Literal

import numpy as np

from encoder.evaluation.rows import LabelRows
from encoder.evaluation.threshold_source import Target, ThresholdSource
from kb.images.patient_split import FOLDS
from kb.language.label_names import plain_label
from kb.statistics.ranking import Ranking

ThresholdBy = Literal["youden", "f1"]

GIVEN = "given"
VALIDATION = "validation"
CROSS_FITTED = "cross-fitted"
FIXED = "fixed"
NOTHING = "nothing"
"""What is said of where a threshold comes from; of another run: "run NAME"."""

LEAST = 10
"""Positives, and negatives, that a threshold is chosen by at the least; the view `thresholds` says so too."""

FEW = 20
"""Positives, and negatives, under which a threshold is a choice by chance, and that is said."""


@dataclass(frozen=True, eq=False)
class Threshold:
    """What scores of a label are held against.

    Attributes:
        value: of all rows; of cross-fitted ones the middle of the five; None if nothing could choose one.
        origin: where it comes from.
        cuts: what each row is held against, (n,).
        judged: the rows that may be judged by it, (n,).
        positives: how many chose it, of cross-fitted ones the fewest of any; None where none did.
        negatives: likewise.
    """

    value: float | None
    origin: str
    cuts: np.ndarray
    judged: np.ndarray
    positives: int | None = None
    negatives: int | None = None

    @property
    def few(self) -> bool:
        """Whether it was chosen by so few that it is hardly more than chance."""
        return self.positives is not None and min(self.positives, self.negatives or 0) < FEW


@dataclass(frozen=True)
class Thresholds:
    """Chooses the threshold of each label.

    Attributes:
        by: what it makes highest, where no target is set.
        source: which of the ways is gone.
        given: the operating points of each run, by label.
        choosing: the rows of the validation, or of another run.
        pool: the rows that are cross-fitted: none that a run was trained on, and no external ones.
        folds: the fold of each patient by its number in `LabelRows.cluster`.
    """

    by: ThresholdBy
    source: ThresholdSource
    given: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    choosing: Sequence[LabelRows] = ()
    pool: Sequence[LabelRows] = ()
    folds: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def of(self, rows: LabelRows) -> Threshold:
        """The threshold of `rows`. Rows that have chosen it are not judged by it."""
        how = self.source.kind
        if how == "fixed":
            return _of_all(rows, self.source.value, FIXED)
        if how in ("auto", "given") and (point := self._given(rows)) is not None:
            return _of_all(rows, point, GIVEN)
        if how in ("auto", "validation", "target", "run") and (found := self._on_others(rows)) is not None:
            return found
        if how in ("auto", "target", "cross-fitted"):
            return self._cross_fitted(rows)
        return _of_all(rows, None, NOTHING)

    def _given(self, rows: LabelRows) -> float | None:
        points = self.given.get(rows.run, {})
        return next((point for label, point in points.items() if plain_label(label) == plain_label(rows.label)), None)

    def _on_others(self, rows: LabelRows) -> Threshold | None:
        """The threshold that other rows choose, if enough of both classes are left to choose by and to judge."""
        other = self.source.run
        found = _same_label(self.choosing, rows, other)
        if found is None:
            return None
        # A run that holds the rows to be judged lends those alone that are of other patients.
        apart = found.take(~np.isin(found.cluster, rows.cluster)) if other else found
        judged = ~np.isin(rows.unit.astype(str), apart.unit.astype(str))
        left = rows.truth[judged]
        if min(apart.positives, apart.negatives) < LEAST or not 0 < int(left.sum()) < len(left):
            return None
        value = self._choose(apart)
        origin = f"run {other}" if other else VALIDATION
        cuts = np.full(len(rows.truth), value)
        return Threshold(value, origin, cuts, judged, apart.positives, apart.negatives)

    def _cross_fitted(self, rows: LabelRows) -> Threshold:
        """Each fold of the pool is held against what the others choose, and all else against the middle of the five."""
        pool = _same_label(self.pool, rows)
        if pool is None:
            return _of_all(rows, None, NOTHING, positives=0, negatives=0)
        others = [pool.take(self.folds[pool.cluster] != fold) for fold in range(FOLDS)]
        positives, negatives = (min(getattr(one, name) for one in others) for name in ("positives", "negatives"))
        if min(positives, negatives) < LEAST:
            return _of_all(rows, None, NOTHING, positives=positives, negatives=negatives)
        chosen = [self._choose(one) for one in others]
        middle = sorted(chosen)[FOLDS // 2]
        inside = np.isin(rows.unit.astype(str), pool.unit.astype(str))
        cuts = np.where(inside, np.array(chosen)[self.folds[rows.cluster]], middle)
        return Threshold(middle, CROSS_FITTED, cuts, np.ones(len(rows.truth), dtype=bool), positives, negatives)

    def _choose(self, rows: LabelRows) -> float:
        if self.source.target is not None:
            return reach_target(rows.truth, rows.score, self.source.target)
        return choose_threshold(rows.truth, rows.score, self.by)


def _of_all(
    rows: LabelRows, value: float | None, origin: str, *, positives: int | None = None, negatives: int | None = None
) -> Threshold:
    cuts = np.full(len(rows.truth), np.nan if value is None else value)
    return Threshold(value, origin, cuts, np.ones(len(rows.truth), dtype=bool), positives, negatives)


def _same_label(groups: Sequence[LabelRows], rows: LabelRows, run: str | None = None) -> LabelRows | None:
    wanted = (run or rows.run, plain_label(rows.label))
    return next((one for one in groups if (one.run, plain_label(one.label)) == wanted), None)


def at_threshold(
    truth: np.ndarray, scores: np.ndarray, threshold: float | np.ndarray, *, weights: np.ndarray
) -> Mapping[str, np.ndarray]:
    """f1, mcc, sensitivity, specificity, ppv, npv and alerts where scores from `threshold` up are called positive.

    `threshold` is one for all rows, or one a row; `alerts` is the share of rows that are called. `weights` are of shape
    (..., rows), and so are the results without the last axis. Where a measure is a division by nothing it is NaN, but
    for F1 and MCC, which are 0 then, as scikit-learn has them.
    """
    weights = np.asarray(weights, dtype=np.float64)
    called, truth = (scores >= threshold).astype(np.float64), truth.astype(np.float64)
    positive, flagged, tp, total = (weights @ column for column in (truth, called, truth * called, np.ones(len(truth))))
    fp, fn = flagged - tp, positive - tp
    tn = total - tp - fp - fn
    spread = np.sqrt(positive * (total - positive) * flagged * (total - flagged))
    return {
        "f1": _divided(2 * tp, 2 * tp + fp + fn, 0.0),
        "mcc": _divided(tp * tn - fp * fn, spread, 0.0),
        "sensitivity": _divided(tp, positive, np.nan),
        "specificity": _divided(tn, total - positive, np.nan),
        "ppv": _divided(tp, flagged, np.nan),
        "npv": _divided(tn, total - flagged, np.nan),
        "alerts": _divided(flagged, total, np.nan),
    }


def choose_threshold(truth: np.ndarray, scores: np.ndarray, by: ThresholdBy = "youden") -> float:
    """The score from which on to call positive so that Youden's J (or F1) is highest; of several the highest one."""
    ranking = Ranking(truth, scores)
    true, false = ranking.counts(np.ones(len(truth)))
    # J times positives times negatives: whole numbers, so that equal indices are equal.
    worth = 2 * true / (true + false + true[-1]) if by == "f1" else true * false[-1] - false * true[-1]
    return float(scores[ranking.order][ranking.ends][int(np.argmax(worth))])


def reach_target(truth: np.ndarray, scores: np.ndarray, target: Target) -> float:
    """The highest score that reaches a sensitivity, or the lowest that reaches a specificity.

    Where no score does, as many are called positive alike, it is one above all scores: nothing is called.
    """
    ranking = Ranking(truth, scores)
    true, false = ranking.counts(np.ones(len(truth)))
    cuts = scores[ranking.order][ranking.ends]
    if target.measure == "sensitivity":
        return float(cuts[int(np.argmax(true >= target.value * true[-1] - 1e-9))])
    reached = np.flatnonzero(false[-1] - false >= target.value * false[-1] - 1e-9)
    return float(cuts[reached[-1]]) if len(reached) else nextafter(float(cuts[0]), inf)


def _divided(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
