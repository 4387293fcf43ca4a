"""What calling rows positive comes to: how many are called rightly and wrongly, and what shares these are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoder.evaluation.rows import LabelRows
from kb.statistics.interval import Interval
from kb.statistics.shares import share_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of rows by truth and call, and their shares with 95% intervals that know of patients.

    A share is None where there is no row that it is a share of.

    Attributes:
        true_positives: rows that hold the label and are called.
        false_positives: that hold it not and are called.
        false_negatives: that hold it and are not called.
        true_negatives: that hold it not and are not called.
        sensitivity: of the positives, how many are called.
        specificity: of the negatives, how many are not.
        ppv: of the called, how many are positive.
        npv: of the others, how many are negative.
        alerts: of all, how many are called.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    sensitivity: Interval | None
    specificity: Interval | None
    ppv: Interval | None
    npv: Interval | None
    alerts: Interval | None

    @property
    def positives(self) -> int:
        """Rows that hold the label."""
        return self.true_positives + self.false_negatives

    @property
    def negatives(self) -> int:
        """Rows that do not."""
        return self.false_positives + self.true_negatives

    @property
    def called(self) -> int:
        """Rows that are called positive."""
        return self.true_positives + self.false_positives

    @property
    def n(self) -> int:
        """All rows."""
        return self.positives + self.negatives


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """What a threshold makes of the rows of a label: which it calls, and which of them may be judged by it.

    Attributes:
        positive: which rows are called positive, (n,), bool.
        judged: which have not helped to choose it, (n,), bool.
    """

    positive: np.ndarray
    judged: np.ndarray

    def confusion(self, rows: LabelRows, chosen: np.ndarray | None = None) -> Confusion:
        """The confusion of the rows that may be judged, or of those among them that are `chosen`."""
        those = self.judged if chosen is None else self.judged & chosen
        return confusion_of(rows.truth[those], self.positive[those], rows.cluster[those])


def confusion_of(truth: np.ndarray, called: np.ndarray, clusters: np.ndarray) -> Confusion:
    """The confusion of some rows.

    Args:
        truth: (n,), bool.
        called: which rows are called positive, (n,), bool.
        clusters: the patient of each row, (n,).
    """
    return Confusion(
        true_positives=int((truth & called).sum()),
        false_positives=int((~truth & called).sum()),
        false_negatives=int((truth & ~called).sum()),
        true_negatives=int((~truth & ~called).sum()),
        sensitivity=share_interval(called[truth], clusters[truth]),
        specificity=share_interval(~called[~truth], clusters[~truth]),
        ppv=share_interval(truth[called], clusters[called]),
        npv=share_interval(~truth[~called], clusters[~called]),
        alerts=share_interval(called, clusters),
    )
