"""What a concept of a review may be merged into: those near it, and those that somebody types; none that is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kb.curation.apply import Concepts, Row
from kb.curation.merging import may_merge
from kb.curation.review.group import Member
from kb.store.sqltext import literal, literals
from kb.store.state import State
from kb.vocabulary.vocabulary import Vocabulary
from schemas.terms import IN_USE

LOOKED_AT = 40
"""Neighbours that are looked at for those that a merge would take."""


def near_targets(state: State, concept_id: str, k: int = 9) -> list[Member]:
    """The concepts nearest to one that a merge would take it into, nearest first."""
    near = Vocabulary(state).neighbours(concept_id, LOOKED_AT)
    return _takable(state, concept_id, [one.concept_id for one in near])[:k]


def typed_targets(state: State, concept_id: str, words: str, k: int = 9) -> list[Member]:
    """The concepts that a merge would take one into and whose text holds all the words, or parts of words.

    The most mentioned come first, and before all the one whose text the words are.
    """
    wanted = words.lower().split()
    if not wanted:
        return []
    where = " AND ".join(
        [*(f"contains(lower(text), {literal(word)})" for word in wanted), f"status IN {literals(IN_USE)}"]
    )
    found = _takable(state, concept_id, Concepts(state).where(where))
    found.sort(key=lambda one: (one.text.lower() != " ".join(wanted), -one.mentions, len(one.text), one.text))
    return found[:k]


def _takable(state: State, concept_id: str, others: Sequence[str]) -> list[Member]:
    concepts = Concepts(state)
    concepts.read([concept_id, *others])
    own = concepts.get(concept_id)
    rows = [concepts.get(other) for other in others]
    kept = [row for row in rows if row["status"] in IN_USE and may_merge(own, row, concepts) is None]
    return [*_members(state, kept)]


def _members(state: State, rows: Sequence[Row]) -> Iterable[Member]:
    counts = Vocabulary(state).counts([row["concept_id"] for row in rows]) if rows else {}
    for row in rows:
        mentions = counts[row["concept_id"]].mentions if row["concept_id"] in counts else 0
        yield Member(concept_id=row["concept_id"], text=row["text"], status=row["status"], mentions=mentions)
