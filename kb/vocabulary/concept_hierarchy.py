"""The concepts of one state as a hierarchy: what each stands under, and how far up.

Concepts in use take part. Of those that mean the same the plainest-worded one stands for the meaning, and the others
stand right under it: so there is no circle, and each has one way up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from kb.hierarchy.graph import Hierarchy
from kb.hierarchy.meaning import Meaning
from kb.hierarchy.order import stands_under
from kb.language.wider_terms import wider_findings
from kb.store.sqltext import literals
from kb.vocabulary.query import Tables
from schemas.terms import IN_USE

COLUMNS = ["concept_id", "text", "assertion", "finding", "anatomy", "laterality", "severity", "descriptors"]

PAIRS = pa.schema(
    [("concept_id", pa.string()), ("ancestor_id", pa.string()), ("distance", pa.int32()), ("direct", pa.bool_())]
)
"""The pairs of `ConceptHierarchy.pairs` as a table."""


class ConceptHierarchy:
    """Concepts, each with what it stands under.

    Args:
        rows: of the `concepts` table, with at least `COLUMNS`.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]):
        ordered = sorted(rows, key=lambda row: (len(row["text"].split()), row["text"], row["concept_id"]))
        meanings = [Meaning.of(row) for row in ordered]
        self.graph = Hierarchy(meanings)
        self._meaning = {
            row["concept_id"]: self.graph.number_of[one] for row, one in zip(ordered, meanings, strict=True)
        }
        self._members: list[list[str]] = [[] for _ in self.graph.meanings]
        for concept_id, number in self._meaning.items():
            self._members[number].append(concept_id)

    @classmethod
    def of(cls, state: Tables) -> ConceptHierarchy:
        """That of all concepts in use of a state; of 50,000 it takes some seconds."""
        return cls(_rows(state, f"status IN {literals(IN_USE)}"))

    @classmethod
    def under_any(cls, state: Tables, generals: Iterable[Meaning]) -> ConceptHierarchy:
        """That of the concepts in use which stand under any of some meanings, or mean the same: others are not read."""
        wanted = list(generals)
        rows = _rows(state, _where(wanted, wider_findings().below))
        return cls(row for row in rows for own in [Meaning.of(row)] if any(stands_under(own, one) for one in wanted))

    @classmethod
    def around(cls, state: Tables, meaning: Meaning) -> ConceptHierarchy:
        """That of the concepts in use above and below a meaning: they tell what is right above and right below it."""
        rows = _rows(state, _where([meaning], wider_findings().near))
        return cls(
            row for row in rows for own in [Meaning.of(row)] if stands_under(own, meaning) or stands_under(meaning, own)
        )

    def __contains__(self, concept_id: object) -> bool:
        return concept_id in self._meaning

    def wider(self, concept_id: str) -> list[str]:
        """The concepts right above one, by id; of one that takes no part none."""
        if concept_id not in self:
            return []
        number = self._meaning[concept_id]
        head = self._members[number][0]
        if concept_id != head:
            return [head]
        return sorted(self._members[parent][0] for parent in self.graph.parents[number])

    def ancestors(self, concept_id: str) -> set[str]:
        """All that a concept stands under by the steps of `wider`, itself left out."""
        found: set[str] = set()
        waiting = self.wider(concept_id)
        while waiting:
            if (one := waiting.pop()) not in found:
                found.add(one)
                waiting += self.wider(one)
        return found

    def narrower(self, concept_id: str) -> list[str]:
        """The concepts right under one, by id; of one that takes no part none."""
        if concept_id not in self:
            return []
        head, *others = self._members[self._meaning[concept_id]]
        if concept_id != head:
            return []
        return sorted([*others, *(self._members[one][0] for one in self.graph.children[self._meaning[concept_id]])])

    def at_or_under(self, concept_id: str) -> list[str]:
        """A concept and all that stand under it or mean the same; of one that takes no part itself."""
        if concept_id not in self:
            return [concept_id]
        number = self._meaning[concept_id]
        return [one for low in (number, *self.graph.below[number]) for one in self._members[low]]

    def tops(self) -> list[str]:
        """The concepts that stand under no other, by id."""
        return sorted(concept_id for concept_id in self._meaning if not self.wider(concept_id))

    def concept_ids(self) -> list[str]:
        """Its concepts, by id."""
        return sorted(self._meaning)

    def meaning(self, concept_id: str) -> Meaning:
        """What one of its concepts means."""
        return self.graph.meanings[self._meaning[concept_id]]

    def pairs(self) -> Iterator[tuple[str, str, int, bool]]:
        """Each concept with each that it stands under, itself and those that mean the same too.

        The third is how many steps up, 0 for the same meaning; the fourth whether it stands right above.
        """
        for concept_id in self._meaning:
            above = set(self.wider(concept_id))
            for number, steps in self.graph.steps_above(self._meaning[concept_id]).items():
                for ancestor in self._members[number]:
                    yield concept_id, ancestor, steps, ancestor in above

    def table(self) -> pa.Table:
        """The pairs as a table: concept_id, ancestor_id, distance, direct."""
        rows = list(self.pairs())
        return pa.table(
            [pa.array([row[at] for row in rows], field.type) for at, field in enumerate(PAIRS)], schema=PAIRS
        )


def _rows(state: Tables, where: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = state.dataset("concepts").to_table(columns=COLUMNS, filter=where).to_pylist()
    return found


def _where(meanings: Iterable[Meaning], near: Callable[[str], frozenset[str]]) -> str:
    """The concepts in use that are of the assertion of any of some meanings, and of a finding near theirs."""
    wanted = list(meanings)
    said = [f"status IN {literals(IN_USE)}"]
    said.append(f"assertion IN {literals(sorted({one.assertion for one in wanted}))}" if wanted else "false")
    if all(one.finding is not None for one in wanted):
        findings = sorted({other for one in wanted for other in near(one.finding or "")})
        said.append(f"finding IN {literals(findings)}" if findings else "false")
    return " AND ".join(said)
