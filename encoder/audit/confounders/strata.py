"""How a model does where something is there and where it is not, before and after its direction is erased."""

from __future__ import annotations

import numpy as np

from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.result import ErrorRates, Strata
from kb.statistics.ranking import Ranking

BINS = 256


def high(values: np.ndarray) -> np.ndarray:
    """Which values are high: above the cut that leaves the two sides most alike within (Otsu, 1979)."""
    counts, edges = np.histogram(values, bins=BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    sums, whole = np.cumsum(counts * middles), (counts * middles).sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (sums * total - whole * below) ** 2 / (below * (total - below))
    between = np.nan_to_num(between, nan=-1.0, posinf=-1.0)
    if between.max() <= 0:  # all values are one
        return np.zeros(len(values), dtype=bool)
    # Between two heaps every cut is as good as the other: the middle one is taken.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    above: np.ndarray = values > edges[1:][best[len(best) // 2]]
    return above


def strata_of(
    truth: np.ndarray, logit: np.ndarray, present: np.ndarray, *, erased: np.ndarray, drawn: int = 1
) -> Strata:
    """How a model does with and without something.

    Args:
        truth: (n,), bool.
        logit: what the model says.
        present: where the thing is there, bool.
        erased: what the model says once it is erased.
        drawn: 1 where it makes the model say more, -1 where less.
    """
    against = pairs_against(truth, present, drawn)
    return Strata(
        present=int(present.sum()),
        absent=int((~present).sum()),
        positives_present=int((truth & present).sum()),
        positives_absent=int((truth & ~present).sum()),
        auroc=auroc(truth, logit),
        auroc_present=auroc(truth[present], logit[present]),
        auroc_absent=auroc(truth[~present], logit[~present]),
        auroc_against=auroc(truth[against], logit[against]),
        leans=_correlation(present, logit, truth),
        erased=auroc(truth, erased),
        erased_against=auroc(truth[against], erased[against]),
        erased_leans=_correlation(present, erased, truth),
        errors=error_rates(truth, logit, present),
        erased_errors=error_rates(truth, erased, present),
    )


def pairs_against(truth: np.ndarray, present: np.ndarray, drawn: int) -> np.ndarray:
    """The rows whose truth a thing speaks against: positives where it speaks for a negative, and the reverse."""
    found: np.ndarray = truth != (present if drawn > 0 else ~present)
    return found


def _correlation(present: np.ndarray, logit: np.ndarray, truth: np.ndarray) -> float:
    """The correlation of both within truth strata; 0 if one of them is the same everywhere."""
    there, said = centred(present.astype(np.float64), truth), centred(logit, truth)
    length = float(np.linalg.norm(there) * np.linalg.norm(said))
    return float(np.clip(there @ said / length, -1.0, 1.0)) if length > 0 else 0.0


def error_rates(truth: np.ndarray, logit: np.ndarray, present: np.ndarray) -> ErrorRates:
    """What is wrong with and without something, at the cut of the highest Youden index."""
    if not len(truth):
        return ErrorRates(None, None, None, None)
    yes = called_positive(truth, logit)

    def share(wrong: np.ndarray, among: np.ndarray) -> float | None:
        return float(wrong[among].mean()) if among.any() else None

    return ErrorRates(
        share(yes, ~truth & present),
        share(yes, ~truth & ~present),
        share(~yes, truth & present),
        share(~yes, truth & ~present),
    )


def called_positive(truth: np.ndarray, logit: np.ndarray) -> np.ndarray:
    """Which rows lie at or above the cut of the highest Youden index, chosen on these rows."""
    curve = Ranking(truth, logit).curve()
    cut = curve.thresholds[int(np.argmax(np.nan_to_num(curve.sensitivity - curve.false_positive_rate)))]
    found: np.ndarray = logit >= cut
    return found


def auroc(truth: np.ndarray, logit: np.ndarray) -> float | None:
    """The AUROC; None if a truth has no row."""
    return Ranking(truth, logit).auroc if 0 < int(truth.sum()) < len(truth) else None
