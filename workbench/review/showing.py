"""A group as the page shows it: both sides with the sentences behind them, and what can be decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.curation.review.group import Group, Member
from kb.curation.review.queue import Queue
from kb.vocabulary.catalogue import Row
from kb.vocabulary.concept import Evidence
from workbench.review.asking import Asked
from workbench.review.board import Open
from workbench.vocabulary.merging import targets_for
from workbench.vocabulary.sheet import Sentence, sentence_of

EVIDENCE = 20
"""Sentences of each side."""

WORDINGS = 200
"""Mentions of a concept that are looked through for those that word it in a certain way."""

NEAR = 8
"""Concepts that one which stands alone could be merged into."""

TITLES: Mapping[Queue, tuple[str, str]] = {
    "duplicates": ("Duplicates", "concepts that may be the same"),
    "synonyms": ("Names", "wordings of reports that may be names of a concept"),
    "outliers": ("Outliers", "concepts whose sentences do not fit them"),
    "rare": ("Rare", "concepts that hardly any report mentions"),
    "unreviewed": ("Not reviewed", "concepts that nobody has decided on, the most mentioned first"),
    "aside": ("Put aside", "what was mined and is no well-formed observation"),
    "new": ("New", "concepts that came since a tag or a commit"),
}
"""What the queues are called, and what is in them."""

TAKES = {
    "merge": "The same",
    "add names": "They are names of it",
    "accept": "Accept",
    "rename": "Rename it so",
    "reject": "No observation",
    "retire": "No longer used",
    "keep": "Leave as it is",
}
"""What taking the proposal is called, by the act that is proposed."""

APART = {True: "Not the same", False: "Leave as it is"}
"""What keeping apart is called: of members with a survivor, and of concepts that stand alone."""


@dataclass(frozen=True, slots=True)
class Side:
    """A concept or a wording of the group, with the sentences behind it."""

    member: Member
    sentences: list[Sentence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows of an open group.

    Attributes:
        at: its place on the board, from 0.
        group: as it stands now.
        survivor: the side that stays, or None.
        members: the other sides.
        near: what a concept that stands alone could be merged into.
        take: what taking the proposal is called.
        apart: what keeping apart is called.
    """

    at: int
    group: Group
    survivor: Side | None
    members: list[Side]
    near: list[Row]
    take: str
    apart: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason that suggestions of the queue give: how many of the ticked ones, in how many groups."""

    reason: str
    members: int
    groups: int


def shown(at: Asked, found: Open) -> Shown:
    """An open group with the evidence of both sides."""
    base = at.base
    group = found.group
    limit = WORDINGS if any(one.concept_id is None for one in group.members) else EVIDENCE
    evidence = base.vocabulary.evidence_of([str(one.concept_id) for one in group.concepts], limit)
    own = evidence.get(str(group.survivor.concept_id), []) if group.survivor is not None else []
    alone = group.survivor is None and len(group.members) == 1 and group.act != "merge"
    sides = [_side(one, evidence[one.concept_id] if one.concept_id else _worded(one, own)) for one in group.members]
    return Shown(
        at=found.at,
        group=group,
        survivor=None if group.survivor is None else _side(group.survivor, own),
        members=sides,
        near=targets_for(at.base, at.catalogue, str(group.members[0].concept_id), "", limit=NEAR) if alone else [],
        take=TAKES[group.act],
        apart=APART[group.survivor is not None],
    )


def rules_of(found: Sequence[Group]) -> list[Rule]:
    """The reasons by which many open groups can be decided at once, those of the most suggestions first."""
    members: Counter[str] = Counter()
    groups: Counter[str] = Counter()
    for group in found:
        reasons = [one.rule for one in group.members if one.ticked]
        members.update(reasons)
        groups.update(set(reasons))
    return [Rule(reason, count, groups[reason]) for reason, count in members.most_common() if reason]


def _side(member: Member, mentions: Sequence[Evidence]) -> Side:
    return Side(member, [sentence_of(one) for one in mentions[:EVIDENCE]])


def _worded(member: Member, mentions: Sequence[Evidence]) -> list[Evidence]:
    """The mentions that word their concept so."""
    return [one for one in mentions if one.text.casefold() == member.text.casefold()]
