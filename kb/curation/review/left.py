"""What is left of a group: it as its concepts stand now, without what was settled since it was made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kb.curation.apply import Concepts
from kb.curation.dismissed import AS_IT_IS, names_refused
from kb.curation.merging import may_merge
from kb.curation.review.group import Group, Member, facets_of
from kb.curation.review.ticks import untick_apart
from schemas.terms import IN_USE

Row = dict[str, Any]


def left_of(group: Group, concepts: Concepts) -> Group | None:
    """The group with what is still to be decided on, and how that stands now; None if nothing of it is.

    Args:
        group: as it was made.
        concepts: as they stand now.
    """
    concepts.read(str(one.concept_id) for one in group.concepts)
    survivor = _row(group.survivor, concepts)
    if group.survivor is not None and (survivor is None or survivor["status"] not in IN_USE):
        return None
    members = tuple(now for one in group.members if (now := _left(group, one, survivor, concepts)) is not None)
    if not members:
        return None
    members = untick_apart(members, concepts)
    stands = None if group.survivor is None or survivor is None else _now(group.survivor, survivor)
    return replace(group, survivor=stands, members=members)


def _left(group: Group, member: Member, survivor: Row | None, concepts: Concepts) -> Member | None:
    if member.concept_id is None:
        settled = survivor is None or member.text in survivor["synonyms"] + names_refused(survivor["dismissed"])
        return None if settled else member
    row = _row(member, concepts)
    if row is None:
        return None
    if survivor is not None:
        open_ = row["status"] in IN_USE and may_merge(row, survivor, concepts) is None
    else:
        open_ = row["status"] in ("candidate", "aside") and AS_IT_IS not in row["dismissed"]
    return _now(member, row) if open_ else None


def _row(member: Member | None, concepts: Concepts) -> Row | None:
    return None if member is None or member.concept_id is None else concepts.find(member.concept_id)


def _now(member: Member, row: Row) -> Member:
    return replace(member, text=row["text"], status=row["status"], facets=facets_of(row))
