"""What the statements of a report say of any concept: it holds, it is denied, it is another matter, or nobody knows.

What one statement says of another concept follows from the order on concepts (`kb.hierarchy.order`): a report that
affirms "small left pleural effusion" affirms "pleural effusion" too; of a right-sided one it says nothing, and
"no pleural effusion" it contradicts. A report that denies "fracture" denies "rib fracture". What it does not mention at
all is taken as not there, but for what goes by either name (`kb.language.alike_terms`): "consolidation" leaves open
whether another reader would have said "infiltrate". A denial that it does not mention may well hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from kb.hierarchy.graph import Hierarchy
from kb.hierarchy.meaning import Meaning
from kb.hierarchy.order import narrows_to_both
from kb.language.alike_terms import may_be_called

HOLDS, UNKNOWN, OTHER, DENIED = 1, 0, -1, -2
"""A concept holds for an image; nobody knows; the report does not speak of it; the report denies it."""

PAST = ("historical", "resolved")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a report: a concept (its number), and whether it is sure and of now."""

    concept: int
    sure: bool


class Statements:
    """What the reports of images say of concepts, answered for a whole batch at once."""

    def __init__(
        self,
        meanings: Sequence[Meaning],
        reports: Sequence[Sequence[Statement]],
        *,
        linked: Iterable[tuple[str, str]] = (),
    ):
        """What each report says.

        Args:
            meanings: of the concepts, by their numbers.
            reports: the statements of each.
            linked: pairs of findings of which one may be the other, beside those that the language knows.
        """
        self.meanings = meanings
        self.reports = reports
        self._present = np.array([meaning.present for meaning in meanings], dtype=bool)
        self._about = _Topics(meanings)
        self._findings = _Findings([meaning.finding or "" for meaning in meanings], linked)

    def concepts_of(self, examples: Iterable[int]) -> list[int]:
        """The numbers of all concepts that these examples state surely, in order."""
        return sorted({said.concept for number in examples for said in self.reports[number] if said.sure})

    def relations(self, examples: Sequence[int], concepts: Sequence[int]) -> np.ndarray:
        """What each example's report says of each concept: HOLDS, UNKNOWN, OTHER or DENIED, int8, (n, m).

        All statements of a report are taken together, and say nothing of a concept of which they contradict each other.
        """
        asked = np.asarray(concepts, dtype=np.int64)
        present = self._present[asked]
        stated = [(row, said.concept, said.sure) for row, one in enumerate(examples) for said in self.reports[one]]
        rows, of, certain = np.array(stated, dtype=np.int64).reshape(-1, 3).T
        there, sure = self._present[of], certain.astype(bool)
        mentioned = self._findings.mentioned(len(examples), rows, of, there, asked)
        relations = np.where(mentioned | ~present, UNKNOWN, OTHER).astype(np.int8)
        affirmed = self._about.affirmed(len(examples), rows[there & sure], of[there & sure], asked)
        denied, said = self._about.denied(len(examples), rows[~there & sure], of[~there & sure], asked)
        holds, fails = np.where(present, affirmed, said), np.where(present, denied, affirmed)
        relations[holds & ~fails] = HOLDS
        relations[fails & ~holds] = DENIED
        relations[holds & fails] = UNKNOWN
        return relations


class _Topics:
    """What concepts are about, whether they say that it is there or not, and which stands under which."""

    def __init__(self, meanings: Sequence[Meaning]):
        about = [replace(meaning, assertion="present") for meaning in meanings]
        graph = Hierarchy(about)
        self._number = np.array([graph.number_of[one] for one in about], dtype=np.int64)
        pairs = [(low, high) for low, above in enumerate(graph.above) for high in (low, *above)]
        one_sided = [pair for pair in pairs if narrows_to_both(*(graph.meanings[one] for one in pair))]
        self._under = _matrix(pairs, len(graph))
        self._denied_with = self._under - _matrix(one_sided, len(graph))

    def affirmed(self, count: int, rows: np.ndarray, of: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """Whether what is affirmed in each row stands under what is asked: bool, (rows, asked)."""
        return _reached(self._stated(count, rows, of), self._under[:, self._number[asked]])

    def denied(self, count: int, rows: np.ndarray, of: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether what is asked cannot be there by what is denied in each row; and whether its denial is said too."""
        stated, numbers = self._stated(count, rows, of), self._number[asked]
        reached, said = (_reached(stated, matrix[numbers].T) for matrix in (self._under, self._denied_with))
        return reached, said

    def _stated(self, count: int, rows: np.ndarray, of: np.ndarray) -> sparse.csr_matrix:
        ones = np.ones(len(rows), dtype=np.int32)
        return sparse.csr_matrix((ones, (rows, self._number[of])), shape=(count, self._under.shape[0]))


class _Findings:
    """The findings of concepts by number, and which of them may be one another."""

    def __init__(self, findings: Sequence[str], linked: Iterable[tuple[str, str]]):
        names = list(dict.fromkeys(findings))
        number = {name: at for at, name in enumerate(names)}
        self._number = np.array([number[finding] for finding in findings], dtype=np.int64)
        alike = [(number[name], number[one]) for name in names for one in may_be_called(name) if one in number]
        alike += [(number[one], number[other]) for one, other in linked]
        pairs = _matrix(alike, len(names))
        self._comparable = pairs + pairs.T

    def mentioned(
        self, count: int, rows: np.ndarray, of: np.ndarray, there: np.ndarray, asked: np.ndarray
    ) -> np.ndarray:
        """Whether each row speaks of the finding of what is asked, in any way: bool, (rows, asked).

        A fracture that is there may be one of a rib, and a consolidation an infiltrate; a denied one is neither.
        """
        same, near = (self._of(count, rows[chosen], of[chosen]) for chosen in (slice(None), there))
        columns = self._number[asked]
        return _reached(near, self._comparable[:, columns]) | (same[:, columns].toarray() > 0)

    def _of(self, count: int, rows: np.ndarray, of: np.ndarray) -> sparse.csr_matrix:
        ones = np.ones(len(rows), dtype=np.int32)
        return sparse.csr_matrix((ones, (rows, self._number[of])), shape=(count, self._comparable.shape[0]))


def _matrix(pairs: Sequence[tuple[int, int]], size: int) -> sparse.csr_matrix:
    """Pairs of numbers as ones of a square matrix."""
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return sparse.csr_matrix((np.ones(len(pairs), dtype=np.int32), (first, second)), shape=(size, size))


def _reached(stated: sparse.csr_matrix, pairs: sparse.csr_matrix) -> np.ndarray:
    """Where any statement of a row is paired with a column."""
    return np.asarray((stated @ pairs).toarray() > 0)
