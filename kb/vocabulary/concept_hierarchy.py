"""The concepts of one state as a hierarchy: what each stands under, and how far up.

Concepts in use take part. Of those that mean the same the plainest-worded one stands for the meaning, and the others
stand right under it: so there is no circle, and each has one way up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from kb.hierarchy.graph import Hierarchy
from kb.hierarchy.meaning import Meaning
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
        """That of the concepts in use of a state; `state.remember(ConceptHierarchy.of)` makes it once."""
        where = f"status IN {literals(IN_USE)}"
        return cls(state.dataset("concepts").to_table(columns=COLUMNS, filter=where).to_pylist())

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

    def findings(self) -> frozenset[str]:
        """The findings that its concepts are of."""
        return frozenset(one.finding for one in self.graph.meanings if one.finding is not None)

    def under(self, general: Meaning) -> list[str]:
        """The concepts that stand under a meaning, or mean the same; it need be no concept's."""
        return sorted(concept_id for number in self.graph.under(general) for concept_id in self._members[number])

    def pairs(self, concept_ids: Iterable[str] | None = None) -> Iterator[tuple[str, str, int, bool]]:
        """Each concept (of some) with each that it stands under, itself and those that mean the same too.

        The third is how many steps up, 0 for the same meaning; the fourth whether it stands right above.
        """
        for concept_id in self._meaning if concept_ids is None else concept_ids:
            above = set(self.wider(concept_id))
            for number, steps in self.graph.steps_above(self._meaning[concept_id]).items():
                for ancestor in self._members[number]:
                    yield concept_id, ancestor, steps, ancestor in above

    def table(self, concept_ids: Iterable[str] | None = None) -> pa.Table:
        """The pairs as a table: concept_id, ancestor_id, distance, direct."""
        rows = list(self.pairs(concept_ids))
        return pa.table(
            [pa.array([row[at] for row in rows], field.type) for at, field in enumerate(PAIRS)], schema=PAIRS
        )
