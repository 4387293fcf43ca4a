"""F1, Matthews' correlation, sensitivity and specificity at a threshold, and the choice of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from kb.statistics.ranking import Ranking

if TYPE_CHECKING:
    import numpy as np

ThresholdBy = Literal["youden", "f1"]


def at_threshold(
    truth: np.ndarray, scores: np.ndarray, threshold: float, weights: np.ndarray
) -> Mapping[str, np.ndarray]:
    """f1, mcc, sensitivity and specificity where scores from `threshold` up are called positive.

    `weights` are of shape (..., rows), and so are the results without the last axis. Where a measure is a division by
    nothing it is NaN, but for F1 and MCC, which are 0 then, as scikit-learn has them.
    """
    import numpy as np

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
    import numpy as np

    ranking = Ranking(truth, scores)
    true, false = ranking.counts(np.ones(len(truth)))
    f1 = 2 * true / (true + false + true[-1])
    worth = f1 if by == "f1" else true / true[-1] - false / false[-1]
    return float(scores[ranking.order][ranking.ends][int(np.argmax(worth))])


def _divided(part: np.ndarray, whole: np.ndarray, otherwise: float) -> np.ndarray:
    import numpy as np

    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
