"""The threshold of a label: how one is chosen, what it makes of scores, and where it comes from.

Never from the rows that it is judged on, if that can be helped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from encoder.evaluation.rows import LabelRows
from kb.language.label_names import plain_label
from kb.statistics.ranking import Ranking

ThresholdBy = Literal["youden", "f1"]

SAME = "same rows"
"""What is said of a threshold that was chosen on the very rows it is judged on."""

NOTHING = "nothing"
"""What is said where no threshold was chosen: external rows choose none, not even for themselves."""

LEAST = 5
"""Positives, and negatives, that a threshold is chosen by at the least."""


@dataclass(frozen=True, eq=False)
class Threshold:
    """A threshold (None if nothing could choose one), where it comes from, and the rows that it may be judged on."""

    value: float | None
    origin: str
    judged: np.ndarray


@dataclass(frozen=True)
class Thresholds:
    """Chooses the threshold of each label.

    `fixed` is taken as it is; else it is chosen on `choosing`: the rows of the validation split, or of another run.
    Where that is too little, rows choose for themselves, but for external ones: `internal` rows choose for these.
    """

    by: ThresholdBy
    fixed: float | None
    choosing: Sequence[LabelRows]
    other_run: str | None = None
    internal: Sequence[LabelRows] = ()

    def of(self, rows: LabelRows) -> Threshold:
        """The threshold of `rows`. Where it is chosen on some of them, these are not judged by it."""
        everything = np.ones(len(rows.truth), dtype=bool)
        if self.fixed is not None:
            return Threshold(self.fixed, "fixed", everything)
        chosen = self._on_others(rows, self.choosing)
        if chosen is None and rows.split == "external":
            spare = self._on_others(rows, self.internal)
            if spare is None:
                return Threshold(None, NOTHING, everything)
            return Threshold(choose_threshold(spare.truth, spare.score, self.by), spare.split, everything)
        if chosen is None:
            return Threshold(choose_threshold(rows.truth, rows.score, self.by), SAME, everything)
        judged = ~np.isin(rows.unit.astype(str), chosen.unit.astype(str))
        origin = f"run {self.other_run}" if self.other_run else "validation"
        return Threshold(choose_threshold(chosen.truth, chosen.score, self.by), origin, judged)

    def _on_others(self, rows: LabelRows, choosing: Sequence[LabelRows]) -> LabelRows | None:
        """Rows to choose on, such that enough of both classes are left to choose by and to judge."""
        run = self.other_run or rows.run
        found = [r for r in choosing if (r.run, plain_label(r.label)) == (run, plain_label(rows.label))]
        if not found or min(found[0].positives, found[0].negatives) < LEAST:
            return None
        # A run that holds the rows to be judged lends those alone that are of other patients.
        apart = found[0].take(~np.isin(found[0].cluster, rows.cluster)) if self.other_run else found[0]
        if min(apart.positives, apart.negatives) < LEAST:
            return None
        left = rows.truth[~np.isin(rows.unit.astype(str), apart.unit.astype(str))]
        return apart if 0 < int(left.sum()) < len(left) else None


def at_threshold(
    truth: np.ndarray, scores: np.ndarray, threshold: float, *, weights: np.ndarray
) -> Mapping[str, np.ndarray]:
    """f1, mcc, sensitivity and specificity where scores from `threshold` up are called positive.

    `weights` are of shape (..., rows), and so are the results without the last axis. Where a measure is a division by
    nothing it is NaN, but for F1 and MCC, which are 0 then, as scikit-learn has them.
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
    }


def choose_threshold(truth: np.ndarray, scores: np.ndarray, by: ThresholdBy = "youden") -> float:
    """The score from which on to call positive so that Youden's J (or F1) is highest; of several the highest one."""
    ranking = Ranking(truth, scores)
    true, false = ranking.counts(np.ones(len(truth)))
    f1 = 2 * true / (true + false + true[-1])
    worth = f1 if by == "f1" else true / true[-1] - false / false[-1]
    return float(scores[ranking.order][ranking.ends][int(np.argmax(worth))])


def _divided(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
