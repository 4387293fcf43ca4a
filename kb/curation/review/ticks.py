"""Which members of a group are ticked: never two that a curator told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kb.curation.apply import Concepts, Row
from kb.curation.review.group import Member
from kb.curation.told_apart import told_apart


def untick_apart(members: Sequence[Member], concepts: Concepts) -> tuple[Member, ...]:
    """Members in their order; of two ticked ones that were told apart the later one loses its tick."""
    ticked: list[Row] = []
    kept: list[Member] = []
    for one in members:
        row = concepts.find(one.concept_id) if one.ticked and one.concept_id is not None else None
        apart = row is not None and any(told_apart(row, other, concepts) for other in ticked)
        if row is not None and not apart:
            ticked.append(row)
        kept.append(replace(one, ticked=False) if apart else one)
    return tuple(kept)
