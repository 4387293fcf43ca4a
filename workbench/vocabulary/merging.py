"""What a concept can be merged into: those that a merge would take, by the words that are typed."""

from __future__ import annotations

from kb.errors import UnknownConceptError
from kb.vocabulary.catalogue import Asked, Catalogue, Row
from kb.vocabulary.facet_column import NONE

OFFERED = 12

HELD = ("assertion", "laterality", "severity")
"""The facets in which concepts of one merge have to agree."""


def targets_for(catalogue: Catalogue, concept_id: str, words: str, *, limit: int = OFFERED) -> list[Row]:
    """The concepts that one can be merged into.

    Args:
        catalogue: of the newest state.
        concept_id: of the one that would be merged.
        words: what is typed; without any, those of its finding are offered.
        limit: how many at most.

    Raises:
        UnknownConceptError: there is no such concept.
    """
    own = catalogue.get(concept_id)
    if own is None:
        raise UnknownConceptError(f"there is no concept '{concept_id}'")
    facets = {name: [own[name] or NONE] for name in HELD}
    if not words.strip():
        facets["finding"] = [own["finding"]]
    asked = Asked(words=words, facets=facets, without=frozenset([concept_id]))
    return catalogue.find(asked, limit=limit, choices=False).rows
