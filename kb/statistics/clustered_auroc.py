"""The AUROC of rows of which some are of one patient, with its interval (Obuchowski, 1997), without resampling."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from kb.statistics.delong import Z95, midranks


class Interval(NamedTuple):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float


def clustered_auroc(truth: np.ndarray, scores: np.ndarray, owners: np.ndarray) -> Interval:
    """The AUROC of some rows, and its interval with patients as clusters, on the scale of its logit.

    Args:
        truth: (n,), bool, of both kinds.
        scores: (n,).
        owners: whose each row is, as numbers from 0 on.

    Where all are told apart there is no spread to be seen: the interval is then that of as many patients as the rarer
    truth has, of whom half a one is told wrongly.
    """
    truth = truth.astype(bool)
    positive, negative = scores[truth], scores[~truth]
    m, n = len(positive), len(negative)
    among_all = midranks(np.concatenate([positive, negative]))
    of_positive = (among_all[:m] - midranks(positive)) / n
    of_negative = 1 - (among_all[m:] - midranks(negative)) / m
    auroc = float(of_positive.mean())
    clusters = int(owners.max()) + 1
    influence = np.bincount(owners[truth], (of_positive - auroc) / m, clusters)
    influence += np.bincount(owners[~truth], (of_negative - auroc) / n, clusters)
    met = len(np.unique(owners))
    error = math.sqrt(float(influence @ influence) * met / max(met - 1, 1))
    rarer = min(len(np.unique(owners[truth])), len(np.unique(owners[~truth])))
    inside = min(max(auroc, 0.5 / (rarer + 1)), 1 - 0.5 / (rarer + 1))
    if error < 1e-9 or inside != auroc:
        error = max(error, math.sqrt(inside * (1 - inside) / rarer))
    logit, reach = math.log(inside / (1 - inside)), Z95 * error / (inside * (1 - inside))
    low, high = (1 / (1 + math.exp(-value)) for value in (logit - reach, logit + reach))
    return Interval(auroc, min(low, auroc), max(high, auroc))
