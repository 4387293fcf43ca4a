"""The hierarchy, opened step by step: findings under wider ones, and in each finding its concepts under wider ones.

Every count is rolled up: of a finding over all that stands under it, of a concept over the narrower concepts too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kb.choices import check_choice
from kb.language.wider_terms import wider_findings
from kb.vocabulary.catalogue import Catalogue, Row
from kb.vocabulary.concept_hierarchy import ConceptHierarchy
from schemas.terms import CONCEPT_ASSERTIONS

LAID_OUT = 5_000
"""Concepts of a finding that are laid out as a tree; of more, only those of that very finding, or the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of the tree.

    Attributes:
        finding: the finding that it is, or that its concept is laid out under.
        concept: the concept that it is, or None.
        concepts: how many there are at it and under it.
        mentions: how often they are mentioned together.
        opens: whether something stands under it.
    """

    finding: str
    concept: Row | None
    concepts: int
    mentions: int
    opens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What stands right under a line of the tree; `crowded` where there are too many concepts to lay out."""

    branches: list[Branch]
    crowded: int = 0


def top_level(catalogue: Catalogue, assertion: str) -> Level:
    """The findings that stand under no other, those with the most mentions first."""
    check_choice("assertion", assertion, CONCEPT_ASSERTIONS)
    direct = wider_findings().direct
    tops = [finding for finding, wider in direct.items() if not wider]
    unknown = [finding for finding in catalogue.by_finding() if finding not in direct]
    return Level(branches=_findings(catalogue, [*tops, *unknown], assertion))


def under_finding(catalogue: Catalogue, finding: str, assertion: str) -> Level:
    """The findings right under one, and its own concepts that stand under no other of it."""
    check_choice("assertion", assertion, CONCEPT_ASSERTIONS)
    narrower = [other for other, wider in wider_findings().direct.items() if finding in wider]
    rows, crowded = _rows(catalogue, finding, assertion)
    hierarchy = ConceptHierarchy(rows)
    by_id = {row["concept_id"]: row for row in rows}
    tops = [one for one in hierarchy.tops() if by_id[one]["finding"] == finding]
    own = [_concept(one, by_id, hierarchy, finding) for one in tops]
    return Level(branches=_findings(catalogue, narrower, assertion) + _by_mentions(own), crowded=crowded)


def under_concept(catalogue: Catalogue, finding: str, concept_id: str) -> Level:
    """The concepts right under one, laid out in its finding."""
    concept = catalogue.get(concept_id)
    if concept is None:
        return Level(branches=[])
    rows, _ = _rows(catalogue, finding, concept["assertion"])
    hierarchy = ConceptHierarchy(rows)
    by_id = {row["concept_id"]: row for row in rows}
    return Level(
        branches=_by_mentions([_concept(one, by_id, hierarchy, finding) for one in hierarchy.narrower(concept_id)])
    )


def _rows(catalogue: Catalogue, finding: str, assertion: str) -> tuple[list[Row], int]:
    """The concepts of a finding and of those under it, or as many of them as can be laid out; and how many cannot."""
    counted = catalogue.by_finding()
    below = wider_findings().below(finding)

    def count(findings: Sequence[str]) -> int:
        return sum(counted.get(one, {}).get(assertion, (0, 0))[0] for one in findings)

    if count([*below]) <= LAID_OUT:
        return catalogue.of_findings([*below], assertion), 0
    if count([finding]) <= LAID_OUT:
        return catalogue.of_findings([finding], assertion), 0
    return [], count([finding])


def _findings(catalogue: Catalogue, findings: Sequence[str], assertion: str) -> list[Branch]:
    counted = catalogue.by_finding()
    found = []
    for finding in findings:
        sums = [counted.get(one, {}).get(assertion, (0, 0)) for one in wider_findings().below(finding)]
        concepts, mentions = sum(one[0] for one in sums), sum(one[1] for one in sums)
        if concepts == 1:  # a line of its own for the one concept would say the same twice
            found.append(_alone(catalogue, finding, assertion))
        elif concepts:
            found.append(Branch(finding=finding, concept=None, concepts=concepts, mentions=mentions, opens=True))
    return _by_mentions(found)


def _alone(catalogue: Catalogue, finding: str, assertion: str) -> Branch:
    (row,) = catalogue.of_findings([*wider_findings().below(finding)], assertion)
    return Branch(finding=finding, concept=row, concepts=1, mentions=row["mentions"], opens=False)


def _concept(concept_id: str, rows: dict[str, Row], hierarchy: ConceptHierarchy, finding: str) -> Branch:
    under = hierarchy.at_or_under(concept_id)
    return Branch(
        finding=finding,
        concept=rows[concept_id],
        concepts=len(under),
        mentions=sum(rows[one]["mentions"] for one in under),
        opens=bool(hierarchy.narrower(concept_id)),
    )


def _by_mentions(branches: Sequence[Branch]) -> list[Branch]:
    def rank(branch: Branch) -> tuple[int, int, str]:
        return (-branch.mentions, -branch.concepts, branch.concept["text"] if branch.concept else branch.finding)

    return sorted(branches, key=rank)
