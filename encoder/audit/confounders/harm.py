"""What leaning on a thing does: whom the model ranks wrongly, alarms falsely or misses because of it.

That a model leans on something is no harm by itself: it may be right to. Harm is what it does to those of whom the
thing says the wrong: positives without it, and negatives with it.
"""

from __future__ import annotations

import numpy as np

from encoder.audit.confounders.result import Harm
from encoder.audit.confounders.strata import auroc, called_positive, pairs_against
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import Interval
from kb.statistics.shares import difference_interval, share_interval

REVERSED = 0.5
"""An AUROC against that lies under this with its whole interval: the thing outranks the disease, and a coin would do
better on those patients."""

GAP = 0.2
"""A gap of false alarms, or of misses, that lies over this with its whole interval: one in five more of those patients
is told the wrong."""


def harm_of(truth: np.ndarray, logit: np.ndarray, present: np.ndarray, owners: np.ndarray, drawn: int) -> Harm:
    """The harm of leaning on a thing.

    Args:
        truth: (n,), bool.
        logit: what the model says.
        present: where the thing is there, bool.
        owners: the patient of each row.
        drawn: 1 where it makes the model say more, -1 where less.
    """
    speaks_for = present if drawn > 0 else ~present
    wrong = pairs_against(truth, present, drawn)
    against = auroc_interval(truth[wrong], logit[wrong], owners[wrong])
    false_alarms, misses = _gaps(truth, logit, speaks_for, owners)
    overall = auroc(truth, logit)
    lost = overall - against.value if overall is not None and against is not None else 0.0
    gaps = [gap for gap in (false_alarms, misses) if gap is not None]
    bad = any(gap.low > GAP for gap in gaps) or (against is not None and against.high < REVERSED)
    return Harm(
        drawn=drawn,
        against=against,
        false_alarms=false_alarms,
        misses=misses,
        size=max(0.0, lost, *(gap.value for gap in gaps)),
        bad=bad,
    )


def _gaps(
    truth: np.ndarray, logit: np.ndarray, speaks_for: np.ndarray, owners: np.ndarray
) -> tuple[Interval | None, Interval | None]:
    """How many more false alarms where the thing speaks for the label, and how many more misses where it does not."""
    if not 0 < int(truth.sum()) < len(truth):
        return None, None
    yes = called_positive(truth, logit)

    def gap(wrong: np.ndarray, first: np.ndarray, second: np.ndarray) -> Interval | None:
        shares = [share_interval(wrong[part], owners[part]) for part in (first, second)]
        return None if shares[0] is None or shares[1] is None else difference_interval(shares[0], shares[1])

    return (
        gap(yes, ~truth & speaks_for, ~truth & ~speaks_for),
        gap(~yes, truth & ~speaks_for, truth & speaks_for),
    )
