"""What the statements of a report say of any concept: it holds, it is denied, it is another matter, or nobody knows.

A report that affirms "small left pleural effusion" affirms "pleural effusion" too; of a right-sided one it says
nothing, and "no pleural effusion" it contradicts. A report that denies "pleural effusion" denies every special kind of
it. What it does not mention at all is taken as not there; a denial that it does not mention may well hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

HOLDS, UNKNOWN, OTHER, DENIED = 1, 0, -1, -2
"""A concept holds for an image; nobody knows; the report does not speak of it; the report denies it."""

PAST = ("historical", "resolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The facets that decide what one concept says of another."""

    present: bool
    finding: str
    anatomy: str | None
    laterality: str
    severity: str | None
    descriptors: frozenset[str]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Meaning:
        """The meaning of a row of the `concepts` table."""
        return cls(
            present=row["assertion"] == "present",
            finding=row["finding"],
            anatomy=row["anatomy"],
            laterality=row["laterality"],
            severity=row["severity"],
            descriptors=frozenset(row["descriptors"]),
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a report: a concept (its number), and whether it is sure and of now."""

    concept: int
    sure: bool


class Statements:
    """What the reports of images say of concepts, answered for a whole batch at once."""

    def __init__(self, meanings: Sequence[Meaning], reports: Sequence[Sequence[Statement]]):
        self.meanings = meanings
        self.reports = reports
        self._facets = _Facets(meanings)
        self._stated = [np.array([said.concept for said in report], dtype=np.int64) for report in reports]
        self._sure = [np.array([said.sure for said in report], dtype=bool) for report in reports]

    def concepts_of(self, examples: Iterable[int]) -> list[int]:
        """The numbers of all concepts that these examples state surely, in order."""
        return sorted({said.concept for number in examples for said in self.reports[number] if said.sure})

    def relations(self, examples: Sequence[int], concepts: Sequence[int]) -> np.ndarray:
        """What each example's report says of each concept: HOLDS, UNKNOWN, OTHER or DENIED, int8, (n, m).

        Only concepts of a finding that a report mentions are looked at, finding by finding: several statements of one
        finding are taken together, and say nothing if they contradict each other.
        """
        asked = np.asarray(concepts, dtype=np.int64)
        present = self._facets.present[asked]
        relations = np.tile(np.where(present, OTHER, UNKNOWN).astype(np.int8), (len(examples), 1))
        stated = np.concatenate([np.empty(0, np.int64), *(self._stated[number] for number in examples)])
        if not len(asked) or not len(stated):
            return relations
        sure = np.concatenate([self._sure[number] for number in examples])
        rows = np.repeat(np.arange(len(examples)), [len(self._stated[number]) for number in examples])
        findings, asked_findings = self._facets.finding[stated], self._facets.finding[asked]
        by_finding = np.argsort(findings, kind="stable")  # rows stay in order within a finding
        for finding, mentions in _groups(findings[by_finding], by_finding):
            columns = np.flatnonzero(asked_findings == finding)
            if len(columns):
                of, said = self._together(stated[mentions], sure[mentions], rows[mentions], asked[columns])
                relations[np.ix_(of, columns)] = said
        return relations

    def _together(
        self, stated: np.ndarray, sure: np.ndarray, rows: np.ndarray, asked: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The rows that mention one finding, and what all of their statements say of the concepts asked about."""
        distinct, place = np.unique(stated, return_inverse=True)
        said = self._facets.says_of(distinct, asked)[place]
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        holds = np.logical_or.reduceat((said == HOLDS) & sure[:, None], first, axis=0)
        denied = np.logical_or.reduceat((said == DENIED) & sure[:, None], first, axis=0)
        found = np.where(holds & ~denied, HOLDS, np.where(denied & ~holds, DENIED, UNKNOWN))
        return rows[first], found.astype(np.int8)


class _Facets:
    """The meanings of all concepts as numbers, so that many are compared at once."""

    def __init__(self, meanings: Sequence[Meaning]):
        self.present = np.array([meaning.present for meaning in meanings], dtype=bool)
        self.finding = _numbered([meaning.finding for meaning in meanings])
        anatomy = _numbered(["", *(meaning.anatomy or "" for meaning in meanings)])[1:]
        side = _numbered(["none", *(meaning.laterality for meaning in meanings)])[1:]
        severity = _numbered(["", *(meaning.severity or "" for meaning in meanings)])[1:]
        self._single = np.stack([anatomy, side, severity])
        self._descriptors = [meaning.descriptors for meaning in meanings]

    def says_of(self, stated: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """What each sure statement says of each concept asked about, all of one finding: int8, (stated, asked)."""
        affirmed, present = self.present[stated][:, None], self.present[asked][None]
        # An affirmed statement reaches the wider concepts, a denial the narrower ones: where both are of one kind they
        # hold, and where they are of two the concept is denied.
        reached = np.where(affirmed, self._wider(asked, stated).T, self._wider(stated, asked))
        return np.where(reached, np.where(affirmed == present, HOLDS, DENIED), UNKNOWN).astype(np.int8)

    def _wider(self, general: np.ndarray, special: np.ndarray) -> np.ndarray:
        """Whether each of `general` is wider than each of `special`: (general, special)."""
        wide, narrow = self._single[:, general][:, :, None], self._single[:, special][:, None, :]
        facets = ((wide == 0) | (wide == narrow)).all(axis=0)
        words = sorted(set().union(*(self._descriptors[n] for n in general)))
        if not words:
            return facets
        number = {word: place for place, word in enumerate(words)}
        has, lacks = np.zeros((len(general), len(words)), np.int32), np.ones((len(special), len(words)), np.int32)
        for matrix, concepts, value in ((has, general, 1), (lacks, special, 0)):
            for row, concept in enumerate(concepts):
                for word in self._descriptors[concept] & number.keys():
                    matrix[row, number[word]] = value
        return facets & (has @ lacks.T == 0)


def _numbered(values: Sequence[str]) -> np.ndarray:
    """Equal values as equal numbers, from 0 in the order they come in."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def _groups(keys: np.ndarray, values: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
    """Sorted keys with the values of each."""
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    return ((int(keys[start]), part) for start, part in zip(starts, np.split(values, starts[1:]), strict=True))
