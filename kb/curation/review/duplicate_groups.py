"""Suggested duplicates as groups: what is linked pair by pair hangs together, around the concept that stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kb.curation.apply import Concepts
from kb.curation.merging import may_merge
from kb.curation.review.group import Group, Member
from kb.curation.suggest.alike import SURE
from kb.curation.suggest.suggestion import Suggestion
from kb.curation.told_apart import told_apart
from kb.language.same_words import compare, wording_of
from schemas.terms import IN_USE

Links = dict[str, dict[str, Suggestion]]
"""By concept the concepts that it may be the same as, and the suggestion that says so."""

Found = tuple[float, str, str]
"""How sure it is that a concept is the same as the survivor, why, and by which rule."""


def duplicate_groups(suggestions: Sequence[Suggestion], concepts: Concepts) -> list[Group]:
    """Groups of concepts that may be one: in each the one that stays, and all that it may take.

    The survivor is the accepted one, the most mentioned, the shortest. What two curators told apart, or a merge would
    refuse, is never in one group; what hangs on the survivor only by way of others is ticked where it is sure all the
    way, and no words of it and the survivor contradict each other.
    """
    links: Links = {}
    mentions: dict[str, int] = {}
    for one in suggestions:
        if one.other_id is None or any(
            concepts.get(of)["status"] not in IN_USE for of in (one.concept_id, one.other_id)
        ):
            continue
        links.setdefault(one.concept_id, {})[one.other_id] = one
        links.setdefault(one.other_id, {})[one.concept_id] = one
        mentions |= {one.concept_id: one.mentions, one.other_id: one.other_mentions}
    return [*_groups(links, concepts, mentions)]


def _groups(links: Links, concepts: Concepts, mentions: dict[str, int]) -> Iterator[Group]:
    """Around the best concept that is left all that it can take, until no pair is left."""

    def rank(concept_id: str) -> tuple[bool, int, int, str]:
        row = concepts.get(concept_id)
        return (row["status"] != "accepted", -mentions[concept_id], len(row["text"]), concept_id)

    taken: set[str] = set()
    for survivor in sorted(links, key=rank):
        if survivor in taken:
            continue
        row = concepts.get(survivor)
        found = _reached(survivor, links, concepts, taken)
        if not found:
            continue
        taken |= {survivor, *found}
        members = [_member(concepts.get(of), row, mentions[of], said) for of, said in found.items()]
        members.sort(key=lambda member: (-member.score, -member.mentions, member.key))
        yield Group(
            kind="duplicates",
            act="merge",
            survivor=Member.of(row, mentions[survivor]),
            members=tuple(members),
            reason=_reason(members),
        )


def _reached(survivor: str, links: Links, concepts: Concepts, taken: set[str]) -> dict[str, Found]:
    """What the survivor may take, however it hangs on it, with the surest way there."""
    row = concepts.get(survivor)
    found: dict[str, Found] = {}

    def joins(other: str) -> bool:
        """Whether a merge would take it with all that is found: two told apart are never in one group."""
        own = concepts.get(other)
        return may_merge(own, row, concepts) is None and not any(
            told_apart(own, concepts.get(of), concepts) for of in found
        )

    edge: list[tuple[str, float, str | None]] = [(survivor, 1.0, None)]
    while edge:
        edge.sort(key=lambda way: way[1])
        at, sure, by_way_of = edge.pop()
        for other, suggestion in links[at].items():
            if other == survivor or other in taken or other in found or not joins(other):
                continue
            score = sure * suggestion.score
            said = suggestion.reason if by_way_of is None else f"{suggestion.reason}, by way of '{by_way_of}'"
            found[other] = (score, said, suggestion.rule)
            edge.append((other, score, concepts.get(other)["text"]))
    return found


def _member(row: dict[str, Any], survivor: dict[str, Any], mentions: int, found: Found) -> Member:
    score, reason, rule = found
    sure = score >= SURE and not compare(wording_of(survivor), wording_of(row)).contrast
    return Member.of(row, mentions, reason=reason, rule=rule, score=round(score, 4), ticked=sure)


def _reason(members: Sequence[Member]) -> str:
    """What all members have in common, or that they have not."""
    said = {member.rule for member in members}
    return said.pop() if len(said) == 1 else "alike"
