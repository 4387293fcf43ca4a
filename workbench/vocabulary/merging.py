"""What a concept can be merged into: those that a merge would take, by the words that are typed."""

from __future__ import annotations

from kb.curation.apply import Concepts
from kb.curation.merging import may_merge
from kb.errors import UnknownConceptError
from kb.language.severities import same_severity
from kb.store.state import State
from kb.vocabulary.catalogue import Asked, Catalogue, Row
from kb.vocabulary.facet_column import NONE

OFFERED = 12

LOOKED_AT = 4
"""How many times as many concepts are looked at as are offered: a merge may refuse some of them."""


def targets_for(state: State, catalogue: Catalogue, concept_id: str, words: str, *, limit: int = OFFERED) -> list[Row]:
    """The concepts that one can be merged into: none that the merge would refuse.

    Args:
        state: the newest one.
        catalogue: of this state.
        concept_id: of the one that would be merged.
        words: what is typed; without any, those of its finding are offered.
        limit: how many at most.

    Raises:
        UnknownConceptError: there is no such concept.
    """
    own = catalogue.get(concept_id)
    if own is None:
        raise UnknownConceptError(f"there is no concept '{concept_id}'")
    facets = {name: [own[name]] for name in ("assertion", "laterality")}
    facets["severity"] = _severities(catalogue, own)
    if not words.strip():
        facets["finding"] = [own["finding"]]
    asked = Asked(words=words, facets=facets, without=frozenset([concept_id]))
    found = catalogue.find(asked, limit=LOOKED_AT * limit, choices=False).rows
    concepts = Concepts(state)
    concepts.read([concept_id, *(row["concept_id"] for row in found)])
    source = concepts.get(concept_id)
    taking = [row for row in found if may_merge(source, concepts.get(row["concept_id"]), concepts) is None]
    return taking[:limit]


def _severities(catalogue: Catalogue, own: Row) -> list[str]:
    """The severity of a concept, and the words that say the same of its finding."""
    severity = own["severity"]
    if severity is None:
        return [NONE]
    return [one for one in catalogue.values("severity") if same_severity(severity, one, own["finding"])]
