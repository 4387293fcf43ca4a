"""What the statements of a report say of any concept: it holds, it is denied, it is another matter, or nobody knows.

A report that affirms "small left pleural effusion" affirms "pleural effusion" too; of a right-sided one it says
nothing, and "no pleural effusion" it contradicts. A report that denies "pleural effusion" denies every special kind of
it. What it does not mention at all is taken as not there; a denial that it does not mention may well hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

HOLDS, UNKNOWN, OTHER, DENIED = 1, 0, -1, -2
"""A concept holds for an image; nobody knows; the report does not speak of it; the report denies it."""

PAST = ("historical", "resolved")


@dataclass(frozen=True, slots=True)
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
            row["assertion"] == "present",
            row["finding"],
            row["anatomy"],
            row["laterality"],
            row["severity"],
            frozenset(row["descriptors"]),
        )

    def is_wider_than(self, other: Meaning) -> bool:
        """Whether all that is `other` is this too: the same finding, and no facet that `other` has not."""
        return (
            self.finding == other.finding
            and self.anatomy in (None, other.anatomy)
            and self.laterality in ("none", other.laterality)
            and self.severity in (None, other.severity)
            and self.descriptors <= other.descriptors
        )


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a report: a concept (its number), and whether it is sure and of now."""

    concept: int
    sure: bool


def says_of(stated: Meaning, concept: Meaning) -> int:
    """What one sure statement says of a concept of the same finding."""
    if stated.present == concept.present:
        general, special = (concept, stated) if stated.present else (stated, concept)
        return HOLDS if general.is_wider_than(special) else UNKNOWN
    affirmed, denied = (stated, concept) if stated.present else (concept, stated)
    return DENIED if denied.is_wider_than(affirmed) else UNKNOWN


class Statements:
    """What the reports of images say of concepts."""

    def __init__(self, meanings: Sequence[Meaning], reports: Sequence[Sequence[Statement]]):
        self.meanings = meanings
        self.reports = reports
        self._said: dict[tuple[int, int], int] = {}

    def concepts_of(self, examples: Iterable[int]) -> list[int]:
        """The numbers of all concepts that these examples state surely, in order."""
        return sorted({said.concept for number in examples for said in self.reports[number] if said.sure})

    def relations(self, examples: Sequence[int], concepts: Sequence[int]) -> np.ndarray:
        """What each example's report says of each concept: HOLDS, UNKNOWN, OTHER or DENIED, int8, (n, m)."""
        import numpy as np

        unmentioned = [OTHER if self.meanings[concept].present else UNKNOWN for concept in concepts]
        relations = np.tile(np.array(unmentioned, dtype=np.int8), (len(examples), 1))
        columns: dict[str, list[int]] = {}
        for column, concept in enumerate(concepts):
            columns.setdefault(self.meanings[concept].finding, []).append(column)
        for row, example in enumerate(examples):
            by_finding: dict[str, list[Statement]] = {}
            for said in self.reports[example]:
                by_finding.setdefault(self.meanings[said.concept].finding, []).append(said)
            for finding, statements in by_finding.items():
                for column in columns.get(finding, ()):
                    relations[row, column] = self._taken_together(statements, concepts[column])
        return relations

    def _taken_together(self, statements: Sequence[Statement], concept: int) -> int:
        """What several statements of one finding say of a concept; nothing, where they contradict each other."""
        said = {self._one(statement, concept) for statement in statements}
        if HOLDS in said and DENIED in said:
            return UNKNOWN
        return HOLDS if HOLDS in said else DENIED if DENIED in said else UNKNOWN

    def _one(self, statement: Statement, concept: int) -> int:
        if not statement.sure:
            return UNKNOWN
        key = (statement.concept, concept)
        if key not in self._said:
            self._said[key] = says_of(self.meanings[statement.concept], self.meanings[concept])
        return self._said[key]
