"""Calibration slope and intercept: a logistic regression of the truth on the logit of the score (Cox, 1958).

A slope below 1 says that scores are too extreme, an intercept above 0 that they are too low altogether. The intercept
is the one at slope 1, and calibration in the large the same on the scale of shares (Van Calster and others, 2019).
Errors are those of sums over patients (the sandwich of Huber, White, Liang and Zeger).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from kb.statistics.interval import Z95, Interval, numbered, t_quantile
from kb.statistics.shares import share_interval, wilson

STEPS = 50
"""Steps of Newton's method at the most; ten do, where there is an end to reach."""

MOST_LEFT_OUT = 0.01
"""Share of the rows that may have no logit, and be left out, for a slope of the others."""


@dataclass(frozen=True, kw_only=True)
class Recalibration:
    """What a logistic recalibration would do to scores.

    Attributes:
        slope: by what it would multiply their logits; 1 of calibrated ones; None where it cannot be told.
        intercept: what it would add to their logits, at slope 1; 0 of calibrated ones; None likewise.
        in_the_large: the share of positives less the mean score, which is what the model expects.
        reason: why there is no slope or no intercept; "" where there are both.
        left_out: rows of neither, since their scores of 0 or 1 have no logit.
    """

    slope: Interval | None
    intercept: Interval | None
    in_the_large: Interval | None
    reason: str = ""
    left_out: int = 0


def recalibrate(
    truth: np.ndarray, scores: np.ndarray, clusters: np.ndarray, *, logits: np.ndarray | None = None
) -> Recalibration:
    """The slope and the intercept of scores with their 95% intervals.

    Args:
        truth: (n,), bool.
        scores: probabilities, (n,).
        clusters: the patient of each row, (n,).
        logits: of the scores; default: computed. Scores of 0 or 1 have none: up to one in a hundred is left out.
    """
    truth, scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float64)
    numbers = numbered(clusters)
    large = in_the_large(truth, scores, numbers)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = logit(scores) if logits is None else np.asarray(logits, dtype=np.float64)
    inside = np.isfinite(x)
    if 0 < (~inside).sum() <= MOST_LEFT_OUT * len(x):
        kept = recalibrate(truth[inside], scores[inside], numbers[inside], logits=x[inside])
        return replace(kept, in_the_large=large, left_out=int((~inside).sum()))
    if reason := _unfit(truth, x, numbers):
        return Recalibration(slope=None, intercept=None, in_the_large=large, reason=reason)
    intercept = _intercept(truth, x, numbers)
    if (reason := _no_slope(truth, x)) or (fit := logistic_fit(truth, x)) is None:
        reason = reason or "the slope does not settle"
        return Recalibration(slope=None, intercept=intercept, in_the_large=large, reason=reason)
    design = np.column_stack([np.ones(len(x)), x])
    slope = _interval(fit[1], _errors(design, truth, expit(design @ fit), numbers)[1], numbers)
    unsure = "" if slope is not None and intercept is not None else "nothing shows how sure it is"
    return Recalibration(slope=slope, intercept=intercept, in_the_large=large, reason=unsure)


def in_the_large(truth: np.ndarray, scores: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """The share of positives less the mean score, with its 95% interval; None where there is no row.

    Wilson's interval of the share, of as many independent rows as give the error that the residuals of patients have:
    it leans to where few positives can still lead.
    """
    n = len(truth)
    share = share_interval(truth, clusters)
    if share is None:
        return None
    numbers, expected = numbered(clusters), float(np.mean(scores))
    patients = int(numbers.max()) + 1
    residuals = np.bincount(numbers, weights=truth - scores - (share.value - expected))
    error2 = float((residuals**2).sum()) * patients / max(patients - 1, 1) / n**2
    if share.value not in (0.0, 1.0) and error2 > 1e-12:
        quantile = Z95 if patients == n else t_quantile(patients - 1)
        share = wilson(share.value, share.value * (1 - share.value) / error2, quantile)
    return Interval(share.value - expected, share.low - expected, share.high - expected)


def logistic_fit(truth: np.ndarray, x: np.ndarray) -> np.ndarray | None:
    """Intercept and slope of a logistic regression on one column; None where it does not settle."""
    design = np.column_stack([np.ones(len(x)), x])
    centre, spread = float(x.mean()), float(x.std())
    if spread == 0 or _no_slope(truth, x):
        return None
    design[:, 1] = (x - centre) / spread
    found = np.array([float(logit(truth.mean())), 0.0])
    for _ in range(STEPS):
        fitted = expit(design @ found)
        information = design.T @ (design * (fitted * (1 - fitted))[:, None])
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (truth - fitted))
        found = found + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            slope = found[1] / spread
            return np.array([found[0] - slope * centre, slope])
    return None


def _unfit(truth: np.ndarray, x: np.ndarray, clusters: np.ndarray) -> str:
    """Why there can be neither slope nor intercept; "" where there can."""
    if not truth.any() or truth.all():
        return f"all rows are {'positive' if len(truth) and truth.all() else 'negative'}"
    if int(clusters.max()) < 1:
        return "all rows are of one patient"
    ends = int((~np.isfinite(x)).sum())
    return f"{ends:,} of {len(x):,} scores are 0 or 1, which have no logit" if ends else ""


def _no_slope(truth: np.ndarray, x: np.ndarray) -> str:
    positive, negative = x[truth], x[~truth]
    if not len(positive) or not len(negative):
        return "all rows are of one truth"
    if x.min() == x.max():
        return "all scores are the same"
    if positive.min() >= negative.max() or positive.max() <= negative.min():
        return "the scores part positives from negatives, so that no slope is too steep"
    return ""


def _intercept(truth: np.ndarray, x: np.ndarray, clusters: np.ndarray) -> Interval | None:
    """What has to be added to all logits so that as many positives are expected as there are."""
    share = float(truth.mean())
    low, high = float(logit(share) - x.max()), float(logit(share) - x.min())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(x + middle).mean() < share else (low, middle)
    value = (low + high) / 2
    error = _errors(np.ones((len(x), 1)), truth, expit(x + value), clusters)[0]
    return _interval(value, error, clusters)


def _errors(design: np.ndarray, truth: np.ndarray, fitted: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """The standard error of each coefficient, by sums over patients."""
    n, width = design.shape
    patients = int(clusters.max()) + 1
    information = design.T @ (design * (fitted * (1 - fitted))[:, None])
    residuals = design * (truth - fitted)[:, None]
    sums = np.stack([np.bincount(clusters, weights=column) for column in residuals.T], axis=1)
    few = patients / max(patients - 1, 1) * (n - 1) / max(n - width, 1)
    inverse = np.linalg.pinv(information)
    errors: np.ndarray = np.sqrt(np.diag(inverse @ (sums.T @ sums * few) @ inverse))
    return errors


def _interval(value: float, error: float, clusters: np.ndarray) -> Interval | None:
    """Value and error as an interval; None where nothing shows how sure it is."""
    if not math.isfinite(value) or not math.isfinite(error) or error <= 0:
        return None
    patients = int(clusters.max()) + 1
    reach = (Z95 if patients == len(clusters) else t_quantile(patients - 1)) * float(error)
    return Interval(float(value), float(value) - reach, float(value) + reach)
