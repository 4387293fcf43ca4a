"""How a model does where something is there and where it is not, before and after its direction is erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.result import ErrorRates, Strata
from kb.statistics.ranking import Ranking

if TYPE_CHECKING:
    import numpy as np

BINS = 256


def high(values: np.ndarray) -> np.ndarray:
    """Which values are high: above the cut that leaves the two sides most alike within (Otsu, 1979)."""
    import numpy as np

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


def strata_of(truth: np.ndarray, logit: np.ndarray, present: np.ndarray, erased: np.ndarray) -> Strata:
    """How a model does with and without something.

    Args:
        truth: (n,), bool.
        logit: what the model says.
        present: where the thing is there, bool.
        erased: what the model says once it is erased.
    """
    against = (truth & ~present) | (~truth & present)
    return Strata(
        int(present.sum()),
        int((~present).sum()),
        int((truth & present).sum()),
        int((truth & ~present).sum()),
        auroc(truth, logit),
        auroc(truth[present], logit[present]),
        auroc(truth[~present], logit[~present]),
        auroc(truth[against], logit[against]),
        _correlation(present, logit, truth),
        auroc(truth, erased),
        auroc(truth[against], erased[against]),
        _correlation(present, erased, truth),
        error_rates(truth, logit, present),
        error_rates(truth, erased, present),
    )


def _correlation(present: np.ndarray, logit: np.ndarray, truth: np.ndarray) -> float:
    """The correlation of both within truth strata; 0 where one of them is the same everywhere."""
    import numpy as np

    there, said = centred(present.astype(np.float64), truth), centred(logit, truth)
    length = float(np.linalg.norm(there) * np.linalg.norm(said))
    return float(np.clip(there @ said / length, -1.0, 1.0)) if length > 0 else 0.0


def error_rates(truth: np.ndarray, logit: np.ndarray, present: np.ndarray) -> ErrorRates:
    """What is wrong with and without something, at the cut of the highest Youden index."""
    import numpy as np

    if not len(truth):
        return ErrorRates(None, None, None, None)
    curve = Ranking(truth, logit).curve()
    cut = curve.thresholds[int(np.argmax(np.nan_to_num(curve.sensitivity - curve.false_positive_rate)))]
    yes = logit >= cut

    def share(wrong: np.ndarray, among: np.ndarray) -> float | None:
        return float(wrong[among].mean()) if among.any() else None

    return ErrorRates(
        share(yes, ~truth & present),
        share(yes, ~truth & ~present),
        share(~yes, truth & present),
        share(~yes, truth & ~present),
    )


def auroc(truth: np.ndarray, logit: np.ndarray) -> float | None:
    """The AUROC; None where a truth has no row."""
    return Ranking(truth, logit).auroc if 0 < int(truth.sum()) < len(truth) else None
