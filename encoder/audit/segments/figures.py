"""The figures of a group of rows: errors at one threshold, calibration and ranking, patients as clusters."""

from __future__ import annotations

import math

import numpy as np

from encoder.audit.rows import AuditRows
from encoder.audit.segments.result import Figures
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import Interval, numbered
from kb.statistics.means import mean_interval
from kb.statistics.recalibration import Recalibration, recalibrate
from kb.statistics.shares import share_interval

NOTHING = Recalibration(slope=None, intercept=None, in_the_large=None)
"""What can be said of the calibration of no row."""


def figures_of(rows: AuditRows, chosen: np.ndarray, threshold: float) -> Figures:
    """How a run does on the rows that `chosen` marks, (n,), bool."""
    part = np.flatnonzero(chosen)
    truth, flagged, owners = rows.truth[part], rows.score[part] >= threshold, rows.owners[part]
    clusters = numbered(owners)
    told = recalibrate(truth, rows.score[part], clusters) if len(part) else NOTHING
    return Figures(
        n=len(part),
        patients=int(clusters.max()) + 1 if len(part) else 0,
        positives=int(truth.sum()),
        false_alarms=int((flagged & ~truth).sum()),
        missed=int((truth & ~flagged).sum()),
        sensitivity=share_interval(flagged[truth], clusters[truth]),
        specificity=share_interval(~flagged[~truth], clusters[~truth]),
        ppv=share_interval(truth[flagged], clusters[flagged]),
        npv=share_interval(~truth[~flagged], clusters[~flagged]),
        alerts=share_interval(flagged, clusters),
        calibration=told.in_the_large,
        slope=told.slope,
        auroc=auroc_interval(truth, rows.logit[part], clusters),
        bpsn=_across(rows, chosen, positives_here=False),
        bnsp=_across(rows, chosen, positives_here=True),
    )


def _across(rows: AuditRows, chosen: np.ndarray, *, positives_here: bool) -> Interval | None:
    """The AUROC between one truth here and the other one elsewhere (Borkan et al., 2019)."""
    kept = np.flatnonzero(rows.truth == (chosen if positives_here else ~chosen))
    return auroc_interval(rows.truth[kept], rows.logit[kept], rows.owners[kept])


def shift_interval(rows: AuditRows, chosen: np.ndarray) -> Interval | None:
    """How much higher the logit is in some rows than in others at the same truth; None where a side has no row.

    The mean over both truths of what lies above the mean elsewhere, weighted as the rows here are.
    """
    beyond = np.full(len(rows), np.nan)
    error = 0.0
    for positive in (False, True):
        here, there = chosen & (rows.truth == positive), ~chosen & (rows.truth == positive)
        if not here.any():
            continue
        if not there.any():
            return None
        other = mean_interval(rows.logit[there], rows.owners[there])
        if other is None:
            return None
        beyond[here] = rows.logit[here] - other.value
        error += (float(here.sum() / chosen.sum()) * (other.high - other.value)) ** 2
    mine = mean_interval(beyond[chosen], rows.owners[chosen])
    if mine is None:
        return None
    reach = math.hypot(mine.high - mine.value, math.sqrt(error))
    return Interval(mine.value, mine.value - reach, mine.value + reach)
