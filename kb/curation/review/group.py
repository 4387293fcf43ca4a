"""A group: concepts that are decided on together, what is proposed for them, and which of them it would take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from kb.curation.words import FACETS
from kb.errors import UsageError

Act = Literal["merge", "add names", "accept", "rename", "reject", "retire", "keep"]
"""What is proposed: the members become the survivor, or names of it; or each is accepted, renamed, rejected, retired,
or kept as it is for good."""

DOES_AWAY: tuple[Act, ...] = ("reject", "retire")
"""Proposals that do away with a concept: they are taken by a second key alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A concept of a group, or a wording that may be a name (it has no id and no status).

    Attributes:
        reason: why it is in the group, in words.
        rule: what found it, by which many are taken at once.
        score: how sure that is, as the suggestion says it.
        ticked: whether the proposed act takes it unless told otherwise.
        facets: what it says, of FACETS: with its text and status, what a decision on it goes by.
    """

    concept_id: str | None
    text: str
    status: str | None
    mentions: int
    reason: str = ""
    rule: str = ""
    score: float = 1.0
    ticked: bool = False
    facets: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Mapping[str, Any], mentions: int, **said: Any) -> Member:
        """A concept of a group, as its row stands now; `said` is why it is there, and how."""
        return cls(
            concept_id=row["concept_id"],
            text=row["text"],
            status=row["status"],
            mentions=mentions,
            facets=facets_of(row),
            **said,
        )

    @property
    def key(self) -> str:
        """What names it in its group: its id, or the wording."""
        return self.concept_id or self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Concepts to decide on together.

    Attributes:
        kind: the queue it is of.
        act: what is proposed for the members.
        survivor: the concept that the members would become, or names of; None where each is decided on by itself.
        members: those that the act would take, the surest first.
        reason: why it is proposed.
        text: the text that is proposed for the one member, where it is to be renamed.
    """

    kind: str
    act: Act
    survivor: Member | None
    members: tuple[Member, ...]
    reason: str
    text: str | None = None

    @property
    def group_id(self) -> str:
        """A name that stays while the group is of the same survivor or, where it has none, the same first member."""
        of = self.survivor or self.members[0]
        return "G" + blake2b("|".join((self.kind, self.act, of.key)).encode(), digest_size=6).hexdigest()

    @property
    def ticked(self) -> list[str]:
        """The keys of the members that the proposed act takes unless told otherwise."""
        return [member.key for member in self.members if member.ticked]

    @property
    def concepts(self) -> list[Member]:
        """The survivor and the members that are concepts."""
        return [one for one in (self.survivor, *self.members) if one is not None and one.concept_id is not None]

    @property
    def seen(self) -> dict[str, dict[str, Any]]:
        """How its concepts stood when they were shown, by id: what an act on them expects."""
        return {str(one.concept_id): {"status": one.status, "text": one.text, **one.facets} for one in self.concepts}

    @property
    def mentions(self) -> dict[str, int]:
        """How often its concepts are mentioned, by id."""
        return {str(one.concept_id): one.mentions for one in self.concepts}

    def chosen(self, keys: Iterable[str] | None) -> list[Member]:
        """The members with these keys; None: the ticked ones. UsageError names one that is no member."""
        wanted = self.ticked if keys is None else [*keys]
        known = {member.key: member for member in self.members}
        if unknown := [key for key in wanted if key not in known]:
            raise UsageError(f"'{unknown[0]}' is not in this group: {', '.join(known)}")
        return [known[key] for key in dict.fromkeys(wanted)]

    def to_dict(self) -> dict[str, Any]:
        """The group as plain data."""
        return {"group_id": self.group_id, **asdict(self)}


def facets_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The facets of a row of `concepts`, as a member holds them."""
    return {name: row[name] for name in FACETS}


def by_weight(groups: Sequence[Group]) -> list[Group]:
    """Groups with the most mentions at stake first: those of the members, then the survivor's; then the larger ones."""

    def weight(group: Group) -> tuple[int, int, int, str]:
        of = group.survivor or group.members[0]
        at_stake = sum(member.mentions for member in group.members)
        return (-at_stake, -of.mentions, -len(group.members), of.text)

    return sorted(groups, key=weight)
