"""What a head costs against another on the same images: the difference of their AUROCs, with its paired interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kb.statistics.interval import Interval, numbered
from kb.statistics.ranking import Ranking
from kb.statistics.resampling import multiplicities, resampled, spread

RESAMPLES = 1_000


def auroc_gap(
    truth: np.ndarray, logit: np.ndarray, other: np.ndarray, owners: Sequence[str], *, resamples: int = RESAMPLES
) -> Interval | None:
    """The AUROC of one logit less that of another, with 95% of the patient-cluster bootstrap; None if it has none.

    Args:
        truth: 1, 0 or NaN for each image, (n,); NaN is left out.
        logit: of the one, (n,).
        other: of the other, (n,).
        owners: the patient of each image.
        resamples: of the patients.
    """
    known = ~np.isnan(truth)
    if len(set(truth[known])) < 2:
        return None
    rankings = [Ranking(truth[known], found[known]) for found in (logit, other)]
    clusters = numbered(np.asarray(owners)[known])

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        mine, theirs = (ranking.scores_of(weights)[0] for ranking in rankings)
        return {"gap": mine - theirs}

    drawn = multiplicities(int(clusters.max()) + 1, resamples)
    return spread(rankings[0].auroc - rankings[1].auroc, resampled(drawn, clusters, measure)["gap"])
