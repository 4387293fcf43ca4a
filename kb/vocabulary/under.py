"""The concepts that stand under one, or under a phrase that no concept says, counted together.

A report that states several of them counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa

from kb.choices import meant
from kb.display import Listing
from kb.errors import UsageError
from kb.hierarchy.meaning import Meaning
from kb.language.query_reading import read_query
from kb.language.wider_terms import is_place, places_in, wider_findings, wider_places
from kb.store.state import State
from kb.vocabulary.concept import Concept
from kb.vocabulary.concept_hierarchy import COLUMNS, ConceptHierarchy
from kb.vocabulary.filters import Filters
from kb.vocabulary.query import run_named
from schemas.terms import IN_USE

ROLLED_UP = ("concept_id", "text", "assertion", "status", "mentions", "reports", "mentions_under", "reports_under")
"""The columns of a listing: what a concept has itself, and with all that stands under it."""


@dataclass(frozen=True, slots=True)
class RolledUp:
    """How often a concept and all that stands under it are mentioned, and in how many reports."""

    mentions: int = 0
    reports: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """What stands under a concept or a phrase.

    Attributes:
        asked: what was asked for.
        concept_id: of the concept that it is, or None.
        meaning: what was looked for.
        concepts: how many there are.
        counts: of all of them together.
        rows: they, those with the most mentions under them first.
    """

    asked: str
    concept_id: str | None
    meaning: Meaning
    concepts: int
    counts: RolledUp
    rows: Listing[dict[str, Any]] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        facets = {
            **asdict(self.meaning),
            "places": sorted(self.meaning.places),
            "descriptors": sorted(self.meaning.descriptors),
        }
        under = {"asked": self.asked, "concept_id": self.concept_id, **facets}
        return {"under": under, "concepts": self.concepts, **asdict(self.counts), "rows": list(self.rows)}


def concepts_under(
    state: State, asked: str, concept: Concept | None, filters: Filters, *, limit: int | None = None, offset: int = 0
) -> Under:
    """The concepts that stand under `asked`, or mean the same, with their own and their rolled-up counts.

    Args:
        state: the vocabulary, at its commit; its concepts in use.
        asked: what was asked for: where it is no concept, a phrase ("fracture", "left lower lobe", "device").
        concept: the one that it is, or None.
        filters: what else a concept must be; an assertion is that of the phrase too.
        limit: how many at most; default: all.
        offset: how many are passed over first.

    Raises:
        UsageError: the phrase names no finding and no place that is known, or a filter asks for what is under none.
    """
    if filters.status not in (None, *IN_USE):
        raise UsageError(f"only concepts in use stand under others, and {filters.status} ones are not")
    concept_id, meaning = _meant(asked, concept, filters.assertion)
    hierarchy = ConceptHierarchy.under_any(state, [meaning])
    found = hierarchy.concept_ids()
    if concept_id is None and not found:
        _check_known(meaning, asked)
    if filters != Filters(assertion=filters.assertion):
        found = [row["concept_id"] for row in _listed(state, found, filters)]
    rows = with_counts(state, found, hierarchy)
    together = _counted(state, [(one, asked) for one in found]).get(asked, RolledUp())
    page = rows[offset:] if limit is None else rows[offset : offset + limit]
    return Under(
        asked=asked,
        concept_id=concept_id,
        meaning=meaning,
        concepts=len(rows),
        counts=together,
        rows=Listing(page, ROLLED_UP),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands right above and right below a concept.

    Attributes:
        rolled_up: the counts of the concept with all that stands under it.
        wider: the concepts right above it, with their own and their rolled-up counts.
        narrower: those right below it.
    """

    rolled_up: RolledUp
    wider: Listing[dict[str, Any]]
    narrower: Listing[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        return {"rolled_up": asdict(self.rolled_up), "wider": list(self.wider), "narrower": list(self.narrower)}


def concepts_around(state: State, concept: Concept) -> Around:
    """What stands right above and right below a concept; of one that is not in use nothing does."""
    own = concept.concept_id
    near = ConceptHierarchy.around(state, meaning_of(concept))
    wider = near.wider(own)
    above = ConceptHierarchy.under_any(state, [near.meaning(one) for one in wider])
    return Around(
        rolled_up=rolled_up(state, [own], near).get(own, RolledUp()),
        wider=with_counts(state, wider, above),
        narrower=with_counts(state, near.narrower(own), near),
    )


def with_counts(state: State, concept_ids: Sequence[str], hierarchy: ConceptHierarchy) -> Listing[dict[str, Any]]:
    """Some concepts with their own and their rolled-up counts, those with the most mentions under them first.

    The hierarchy holds all that stands under any of them.
    """
    counts = rolled_up(state, concept_ids, hierarchy)
    rows = [
        {**row, "mentions_under": found.mentions, "reports_under": found.reports}
        for row in _listed(state, concept_ids, Filters())
        for found in [counts.get(row["concept_id"], RolledUp())]
    ]
    rows.sort(key=lambda row: (-row["mentions_under"], -row["mentions"], row["text"], row["concept_id"]))
    return Listing(rows, ROLLED_UP)


def rolled_up(state: State, concept_ids: Sequence[str], hierarchy: ConceptHierarchy) -> dict[str, RolledUp]:
    """The counts of each of some concepts with all that stands under it, by its id; those without any are left out.

    The hierarchy holds all that stands under any of them.
    """
    return _counted(state, ((low, one) for one in concept_ids for low in hierarchy.at_or_under(one)))


def meaning_of(concept: Concept) -> Meaning:
    """What a concept means."""
    return Meaning.of({name: getattr(concept, name) for name in COLUMNS})


def _counted(state: State, pairs: Iterable[tuple[str, str]]) -> dict[str, RolledUp]:
    """The counts of what concepts (the first of each pair) are together, by the second."""
    rows = list(pairs)
    names = ("concept_id", "ancestor_id")
    table = pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})
    wanted = {row[0] for row in rows}
    found = run_named(state, "rolled_up_counts", tables={"pairs": table}, mentions_of=wanted) if rows else []
    return {row["ancestor_id"]: RolledUp(row["mentions"], row["reports"]) for row in found}


def _listed(state: State, concept_ids: Sequence[str], filters: Filters) -> list[dict[str, Any]]:
    parameters = {**filters.parameters(), "concept_ids": list(concept_ids), "limit": 1 << 40, "offset": 0}
    return run_named(state, "concept_list", parameters, mentions_of=concept_ids)


def _meant(asked: str, concept: Concept | None, assertion: str | None) -> tuple[str | None, Meaning]:
    """The id of the concept that is asked for, if it is one, and what it means."""
    if concept is not None:
        if assertion not in (None, concept.assertion):
            raise UsageError(f"'{concept.text}' is {concept.assertion}: nothing {assertion} stands under it")
        return concept.concept_id, meaning_of(concept)
    try:
        meaning = Meaning.of(vars(read_query(asked)))
    except ValueError as error:
        raise UsageError(str(error)) from error
    if assertion is not None:
        meaning = replace(meaning, assertion=assertion)
    finding = meaning.finding or ""
    if finding not in wider_findings() and is_place(finding):
        places = wider_places().lowest(meaning.places | places_in(finding))
        return None, replace(meaning, finding=None, places=places)
    return None, meaning


def _check_known(meaning: Meaning, asked: str) -> None:
    """Refuse a phrase under which nothing stands because nobody knows its words."""
    finding = meaning.finding
    if finding is not None and finding not in wider_findings():
        near = meant(finding, {*wider_findings().direct, *wider_places().direct})
        raise UsageError(f"'{asked}' names no finding, place or concept of this vocabulary{near}")
