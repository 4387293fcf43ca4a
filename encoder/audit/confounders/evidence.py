"""All that is known of the rows of an audit: predictions, what is there in them, the vectors of their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from encoder.audit.confounders.exposures import Exposures
from encoder.audit.confounders.moments import Cohort
from encoder.audit.rows import AuditRows


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of the rows of an audit.

    Attributes:
        rows: the predictions, with their truth.
        exposures: findings of reports, attributes.
        encoded: numbers of the rows whose images have vectors.
        vectors: these, (m, d), float32; None if there are none.
        groups: for each attribute the value that each row has, (n,), or None where nobody knows it.
    """

    rows: AuditRows
    exposures: Sequence[Exposures]
    encoded: np.ndarray
    vectors: np.ndarray | None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def cohort(self, numbers: np.ndarray | None = None) -> Cohort:
        """The rows that have vectors, or some of them by their numbers."""
        if self.vectors is None:
            raise ValueError("no row has a vector")
        chosen = self.encoded if numbers is None else numbers
        vectors = self.vectors if numbers is None else self.vectors[np.searchsorted(self.encoded, numbers)]
        return Cohort(vectors, self.rows.truth[chosen], self.rows.logit[chosen], self.rows.owners[chosen])

    def of_rows(self, numbers: np.ndarray, logit: np.ndarray) -> Evidence:
        """Some of the rows, with another logit in the place of theirs."""
        new = np.full(len(self.rows), -1, dtype=np.int64)
        new[numbers] = np.arange(len(numbers))
        kept = new[self.encoded] >= 0
        exposures = [one.of_rows(numbers, len(self.rows)) for one in self.exposures]
        rows = replace(self.rows.part(numbers), logit=logit)
        vectors = None if self.vectors is None else self.vectors[kept]
        groups = {name: values[numbers] for name, values in self.groups.items()}
        return Evidence(rows, exposures, new[self.encoded[kept]], vectors, groups)

    def rows_alone(self, numbers: np.ndarray) -> Cohort:
        """Some rows without their vectors."""
        rows = self.rows
        nothing = np.empty((len(numbers), 0), dtype=np.float32)
        return Cohort(nothing, rows.truth[numbers], rows.logit[numbers], rows.owners[numbers])
