"""What is there in an image or is not: findings that its report states, attributes of it; as columns of 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.audit.concept_tests import ConceptTests, test_concepts
from kb.audit.confounder import Kind
from kb.audit.moments import Cohort, moments_of

if TYPE_CHECKING:
    import numpy as np

    from kb.audit.rows import AuditRows

AT_ONCE = 256
"""Columns that are tested together: their covariances are a small matrix."""


@dataclass(frozen=True, eq=False)
class Exposures:
    """Things of one kind over the rows of an audit.

    Attributes:
        kind: "report" or "attribute".
        names: of the things.
        findings: which finding each is, or None.
        columns: for each thing the rows where it is there, ascending.
        known: rows of which anybody knows: those that have a report.
    """

    kind: Kind
    names: Sequence[str]
    findings: Sequence[str | None]
    columns: Sequence[np.ndarray]
    known: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def column(self, number: int) -> np.ndarray:
        """Where one thing is there: (n,), bool."""
        import numpy as np

        found = np.zeros(len(self.known), dtype=bool)
        found[self.columns[number]] = True
        return found

    def common(self, least: int) -> Exposures:
        """Those that are there in at least so many known rows, and are missing in as many."""
        known = int(self.known.sum())
        counts = [int(self.known[rows].sum()) for rows in self.columns]
        kept = [n for n, count in enumerate(counts) if least <= count <= known - least]
        return Exposures(
            self.kind,
            [self.names[n] for n in kept],
            [self.findings[n] for n in kept],
            [self.columns[n] for n in kept],
            self.known,
        )

    def tests(self, rows: AuditRows) -> ConceptTests:
        """The tests of all: each is a vector of one number, so the algebra of concepts serves."""
        import numpy as np

        parts = []
        for start in range(0, len(self), AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, len(self)))
            matrix = np.stack([self.column(n)[self.known] for n in numbers], axis=1).astype(np.float32)
            cohort = Cohort(matrix, rows.truth[self.known], rows.logit[self.known], rows.owners[self.known])
            parts.append(test_concepts(moments_of(cohort), np.eye(len(numbers), dtype=np.float32)))
        return ConceptTests(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


_FIELDS = ("spread", "lean", "lean_error", "shift", "shift_error")


def exposures_of(
    kind: Kind, found: Iterable[tuple[int, str, str | None]], known: np.ndarray, *, skip: frozenset[str] = frozenset()
) -> Exposures:
    """Exposures from (row, name, finding) as they come; `skip` are findings that are left out."""
    import numpy as np

    places: dict[str, set[int]] = {}
    findings: dict[str, str | None] = {}
    for row, name, finding in found:
        if finding is None or finding not in skip:
            places.setdefault(name, set()).add(row)
            findings[name] = finding
    names = sorted(places)
    columns = [np.array(sorted(places[name]), dtype=np.int64) for name in names]
    return Exposures(kind, names, [findings[name] for name in names], columns, known)
