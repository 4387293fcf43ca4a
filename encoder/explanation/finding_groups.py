"""The concepts of a space by finding, with what each says of side, place and size.

Only concepts that a curator accepted take part, and well-formed candidates: what is garbled, or is only a state of
nothing told, explains nothing to a reader. A denied concept ("no X") stands under X, as one that denies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import numpy as np

from encoder.space.concept_space import ConceptSpace
from kb.knowledge_base import KnowledgeBase
from kb.language.facets import Facets, kind_of
from kb.store.sqltext import literals
from schemas.terms import IN_USE, ConceptAssertion, Laterality

SMALL = frozenset(("mild", "minimal", "small", "tiny", "trace", "subtle", "borderline", "trivial", "faint"))
LARGE = frozenset(
    ("severe", "marked", "massive", "large", "extensive", "gross", "huge", "considerable", "advanced")
).union(("moderate to severe", "moderate to large"))
"""Words of size as `severity.tsv` normalises them; what lies between tells neither."""

_COLUMNS = ["concept_id", "status", "assertion", "finding", "anatomy", "laterality", "severity", "descriptors"]

Facet = Literal["side", "place", "size"]
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One concept of a finding: its row in the space, and what it says."""

    row: int
    denied: bool
    side: str
    place: str | None
    size: str | None
    words: tuple[str, ...]

    def but_for(self, facet: Facet) -> Key:
        """All that it says beside one facet: two concepts that agree in this differ in that facet alone."""
        told = {"side": self.side, "place": self.place, "size": self.size}
        return (self.words, *(value for name, value in told.items() if name != facet))

    @property
    def grade(self) -> str | None:
        """Whether its word of size is a small or a large one; None where it says neither."""
        return "small" if self.size in SMALL else "large" if self.size in LARGE else None


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The concepts of one finding that count."""

    finding: str
    members: tuple[Member, ...]

    @property
    def kind(self) -> str:
        """What it is of: finding, device, normal or other."""
        return kind_of(self.finding)

    @property
    def rows(self) -> np.ndarray:
        """Where its concepts are in the space."""
        return np.array([member.row for member in self.members], dtype=np.int64)

    @property
    def denied(self) -> int:
        """How many of them deny it."""
        return sum(member.denied for member in self.members)


def read_groups(kb: KnowledgeBase, space: ConceptSpace) -> list[FindingGroup]:
    """The concepts that count, by finding, in the order of the findings' names.

    Args:
        kb: the vocabulary, at the commit of the space.
        space: whose concepts.
    """
    row_of = {concept_id: row for row, concept_id in enumerate(space.concepts["concept_id"].to_pylist())}
    found: dict[str, list[Member]] = {}
    table = kb.dataset("concepts").to_table(columns=_COLUMNS, filter=f"status IN {literals(IN_USE)}")
    for row in table.to_pylist():
        if row["status"] == "accepted" or _is_well_formed(*_read(row)):
            found.setdefault(row["finding"], []).append(
                Member(
                    row_of[row["concept_id"]],
                    row["assertion"] == "absent",
                    row["laterality"],
                    row["anatomy"],
                    row["severity"],
                    tuple(row["descriptors"]),
                )
            )
    return [FindingGroup(finding, tuple(members)) for finding, members in sorted(found.items())]


def _read(row: dict[str, Any]) -> tuple[str, str, str | None, str, tuple[str, ...]]:
    return row["assertion"], row["finding"], row["anatomy"], row["laterality"], tuple(row["descriptors"])


@lru_cache(maxsize=1 << 19)
def _is_well_formed(
    assertion: str, finding: str, anatomy: str | None, laterality: str, descriptors: tuple[str, ...]
) -> bool:
    return Facets(
        assertion=cast(ConceptAssertion, assertion),
        finding=finding,
        anatomy=anatomy,
        laterality=cast(Laterality, laterality),
        severity=None,
        descriptors=descriptors,
        text="",
    ).well_formed
