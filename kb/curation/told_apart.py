"""What a curator told apart stays apart, whichever of the two said it, and whatever either was merged into since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from kb.curation.apply import Concepts, Row


def told_apart(one: Row, other: Row, concepts: Concepts) -> bool:
    """Whether two concepts, or what forwards to them, were said not to be the same; either side may have said it."""
    return other["concept_id"] in apart_from(one, concepts) or one["concept_id"] in apart_from(other, concepts)


def apart_from(row: Row, concepts: Concepts) -> set[str]:
    """The ids of the concepts that one is not the same as: as they were named, and what these count under by now."""
    named = row["distinct_from"]
    if not named:
        return set()
    concepts.read(named)
    there = [of for of in named if concepts.find(of) is not None]
    return {*named, *(concepts.survivor(of)["concept_id"] for of in there)}


def pairs_apart(rows: Sequence[Row], concepts: Concepts) -> Iterator[tuple[Row, Row]]:
    """The pairs among some concepts that were told apart."""
    return ((one, other) for one, other in combinations(rows, 2) if told_apart(one, other, concepts))
