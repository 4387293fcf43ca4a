"""What is there in an image or is not: findings that its report states, attributes of it; as columns of 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.confounders.concept_tests import ConceptTests, test_concepts
from encoder.audit.confounders.moments import Cohort, Deviations, Moments
from encoder.audit.confounders.result import Kind
from encoder.audit.rows import AuditRows

AT_ONCE = 256
"""Columns that are tested together: their covariances are a small matrix."""

EXPECTED = 5.0
"""Patients that the smallest cell of thing and truth must be expected to hold, were the two independent."""

FIELDS = ("spread", "lean", "lean_error", "shift", "shift_error")


@dataclass(frozen=True, eq=False)
class Exposures:
    """Things of one kind over the rows of an audit.

    Attributes:
        kind: "report" or "attribute".
        names: of the things.
        findings: which finding each is, or None.
        columns: for each thing the rows where it is there, ascending.
        known: for each thing the rows of which anybody knows: those that have a report, or a value; (n,), bool.
    """

    kind: Kind
    names: Sequence[str]
    findings: Sequence[str | None]
    columns: Sequence[np.ndarray]
    known: Sequence[np.ndarray]

    def __len__(self) -> int:
        return len(self.names)

    def column(self, number: int) -> np.ndarray:
        """Where one thing is there: (n,), bool."""
        found = np.zeros(len(self.known[number]), dtype=bool)
        found[self.columns[number]] = True
        return found & self.known[number]

    def common(self, rows: AuditRows, least: int, expected: float = EXPECTED) -> Exposures:
        """Those that at least so many patients have, and as many have not, and that could go with the label or not.

        A thing that no positive could be expected to have says nothing of its going with the label.
        """
        kept = [n for n in range(len(self)) if self._enough(n, rows, least, expected)]
        return self.take(kept)

    def take(self, numbers: Sequence[int]) -> Exposures:
        """Some of the things."""
        return Exposures(
            self.kind,
            [self.names[n] for n in numbers],
            [self.findings[n] for n in numbers],
            [self.columns[n] for n in numbers],
            [self.known[n] for n in numbers],
        )

    def of_rows(self, numbers: np.ndarray, count: int) -> Exposures:
        """The things on some of `count` rows, by their numbers; masks that were one object stay one."""
        place = np.full(count, -1, dtype=np.int64)
        place[numbers] = np.arange(len(numbers))
        masks = {id(mask): mask[numbers] for mask in self.known}
        columns = [place[column][place[column] >= 0] for column in self.columns]
        return replace(self, columns=columns, known=[masks[id(mask)] for mask in self.known])

    def inseparable(self, rows: AuditRows) -> list[str]:
        """Things that cannot be told apart from the label: all positives have them and no negative, or the reverse."""
        found = []
        for number, name in enumerate(self.names):
            known, there = self.known[number], self.column(number)
            truth = rows.truth[known]
            if 0 < truth.sum() < len(truth) and ((there[known] == truth).all() or (there[known] != truth).all()):
                found.append(name)
        return found

    def tests(self, rows: AuditRows) -> tuple[ConceptTests, tuple[np.ndarray, np.ndarray]]:
        """The tests of all, and by how many patients their errors are known; one that cannot be tested is NaN.

        Each is a vector of one number, so the algebra of concepts serves. Where few hold a thing, the spread between
        patients is not to be seen in the data: leaning on it is known by no more patients than tell of it, and no error
        of a difference is smaller than that of as many independent patients.
        """
        found = np.full((len(FIELDS), len(self)), np.nan)
        patients = np.full(len(self), np.nan), np.full(len(self), np.nan)
        for numbers in self._alike():
            known = self.known[numbers[0]]
            matrix = np.stack([self.column(n)[known] for n in numbers], axis=1).astype(np.float32)
            truth = rows.truth[known]
            if min(int(truth.sum()), int((~truth).sum())) < 2:
                continue
            cohort = Cohort(matrix, truth, rows.logit[known], rows.owners[known])
            deviations = Deviations.of(cohort)
            moments = deviations.moments
            tests = test_concepts(moments, np.eye(len(numbers), dtype=np.float32))
            telling = _telling(deviations, moments)
            found[:, numbers] = [getattr(tests, name) for name in FIELDS]
            # A sum of few squares is too small a spread by so much.
            found[FIELDS.index("lean_error"), numbers] *= np.sqrt(telling / (telling - 1))
            floor = _floor(truth, cohort.owners)
            found[FIELDS.index("shift_error"), numbers] = np.maximum(tests.shift_error, floor)
            patients[0][numbers], patients[1][numbers] = telling, moments.effective
        return ConceptTests(*found), patients

    def _alike(self) -> Iterable[list[int]]:
        """Things of which the same rows are known, some at a time."""
        by_known: dict[int, list[int]] = {}
        for number, known in enumerate(self.known):
            by_known.setdefault(id(known), []).append(number)
        for numbers in by_known.values():
            yield from (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))

    def _enough(self, number: int, rows: AuditRows, least: int, expected: float) -> bool:
        known, there = self.known[number], self.column(number)
        with_it, without_it = (len(np.unique(rows.owners[part])) for part in (there, known & ~there))
        positive, negative = (len(np.unique(rows.owners[known & part])) for part in (rows.truth, ~rows.truth))
        if min(with_it, without_it) < least or min(positive, negative) < 2:
            return False
        return min(with_it, without_it) * min(positive, negative) / (with_it + without_it) >= expected


def _telling(deviations: Deviations, moments: Moments) -> np.ndarray:
    """Of how many patients in effect it is known how far the model leans on each thing, 2 or more.

    The least of three: of all; of those that hold the thing, by how much (Carter, Schnepel and Steigerwald, 2017); and
    of those that make the error, by how much (Satterthwaite, 1946). A thing of ten patients is known by ten at most.
    """
    holding, making = deviations.by_patient(moments.lean)
    counts = [_effective(holding), _effective(making**2), np.full(holding.shape[1], moments.effective)]
    return np.maximum(np.nan_to_num(np.min(counts, axis=0), nan=2.0), 2.0)


def _effective(shares: np.ndarray) -> np.ndarray:
    """How many equal shares say as much as these, of each column."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = shares.sum(axis=0) ** 2 / (shares**2).sum(axis=0)
    return found


def _floor(truth: np.ndarray, owners: np.ndarray) -> float:
    """The error of a difference between as many independent patients as there are."""
    positive, negative = (len(np.unique(owners[part])) for part in (truth, ~truth))
    return float(np.sqrt(1 / positive + 1 / negative))


def exposures_of(kind: Kind, found: Iterable[tuple[int, str, str | None]], known: np.ndarray) -> Exposures:
    """Exposures from (row, name, finding) as they come."""
    places: dict[str, set[int]] = {}
    findings: dict[str, str | None] = {}
    for row, name, finding in found:
        places.setdefault(name, set()).add(row)
        findings[name] = finding
    names = sorted(places)
    columns = [np.array(sorted(places[name]), dtype=np.int64) for name in names]
    return Exposures(kind, names, [findings[name] for name in names], columns, [known] * len(names))


def together(kind: Kind, parts: Sequence[Exposures]) -> Exposures:
    """Exposures of one kind as one: each keeps the rows of which it is known."""
    return Exposures(
        kind,
        [name for part in parts for name in part.names],
        [finding for part in parts for finding in part.findings],
        [column for part in parts for column in part.columns],
        [known for part in parts for known in part.known],
    )
