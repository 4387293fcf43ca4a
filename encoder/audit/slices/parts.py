"""One data set, cut into clusters: which rows are in each, and which of them the model calls positive."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.moments import Cohort
from encoder.audit.rows import AuditRows


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """One data set, cut.

    Attributes:
        data: what it is called: "" where there is only one.
        evidence: all that is known of its rows.
        cohort: those that have vectors.
        labels: the cluster of each of them.
        distances: how far each lies from the centre of that.
        threshold: of scores; None if there is none.
    """

    data: str
    evidence: Evidence
    cohort: Cohort
    labels: np.ndarray
    distances: np.ndarray
    threshold: float | None

    @cached_property
    def rows(self) -> AuditRows:
        """The rows that have vectors."""
        return self.evidence.rows.part(self.evidence.encoded)

    @cached_property
    def flagged(self) -> np.ndarray:
        """Which of them the model calls positive; none without a threshold."""
        if self.threshold is None:
            return np.zeros(len(self.labels), dtype=bool)
        flagged: np.ndarray = self.rows.score >= self.threshold
        return flagged

    def members(self, cluster: int) -> np.ndarray:
        """The rows of one cluster, by their places."""
        return np.flatnonzero(self.labels == cluster)
