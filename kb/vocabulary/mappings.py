"""Mappings: which concept of an outside terminology (RadLex, SNOMED CT, UMLS, ...) one of ours stands for.

The words are SSSOM's (Matentzoglu et al., 2022): a predicate, the outside concept as a CURIE, how the mapping was
found (its justification), and how sure that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kb.errors import UsageError

PREDICATES = ("skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch", "skos:relatedMatch")
"""How an outside concept may stand to ours; "broad" where the outside one is the broader."""

CURATED = "semapv:ManualMappingCuration"
LEXICAL = "semapv:LexicalMatching"
UNSPECIFIED = "semapv:UnspecifiedMatching"

PREFIXES: Mapping[str, str] = {
    "RADLEX": "http://radlex.org/RID/",
    "SNOMEDCT": "http://snomed.info/id/",
    "UMLS": "http://linkedlifedata.com/resource/umls/id/",
    "MESH": "http://id.nlm.nih.gov/mesh/",
    "NCIT": "http://purl.obolibrary.org/obo/NCIT_",
    "HP": "http://purl.obolibrary.org/obo/HP_",
    "ICD10CM": "http://purl.bioontology.org/ontology/ICD10CM/",
    "LOINC": "http://loinc.org/rdf/",
}
"""The prefixes of outside ids that are known without being told."""

Row = Mapping[str, Any]

_CURIE = re.compile(r"[A-Za-z_][\w.-]*:[^\s:/<>\"{}|\\^`][^\s<>\"{}|\\^`]*")


def mapping_row(
    object_id: str,
    predicate: str,
    label: str = "",
    *,
    justification: str = UNSPECIFIED,
    confidence: float | None = None,
) -> dict[str, Any]:
    """A mapping as an element of a concept's `mappings`.

    Raises:
        ValueError: the id is no CURIE, the predicate is not one of PREDICATES, or the confidence is not in [0, 1].
    """
    if not _CURIE.fullmatch(object_id):
        raise ValueError(f"{object_id!r} is no CURIE (PREFIX:ID, as in RADLEX:RID34539)")
    if predicate not in PREDICATES:
        raise ValueError(f"predicate {predicate!r}: choose one of {', '.join(PREDICATES)}")
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if confidence is not None and not (number and 0 <= confidence <= 1):
        raise ValueError(f"confidence {confidence!r} is not between 0 and 1")
    return {
        "predicate": predicate,
        "object_id": object_id,
        "object_label": label,
        "justification": justification,
        "confidence": confidence,
    }


def curated_mapping(object_id: str, predicate: str, label: str = "") -> dict[str, Any]:
    """A mapping that a curator says; UsageError if it is none."""
    try:
        return mapping_row(object_id, predicate, label, justification=CURATED)
    except ValueError as error:
        raise UsageError(str(error)) from error


def merged_mappings(mappings: Sequence[Row], others: Iterable[Row]) -> list[Row]:
    """`mappings` and the others: one of the same predicate and outside concept takes the place of what was there."""
    merged = {(mapping["predicate"], mapping["object_id"]): mapping for mapping in (*mappings, *others)}
    return list(merged.values())


def mapping_in_words(mapping: Row) -> str:
    """A mapping in words."""
    sure = "" if mapping["confidence"] is None else f" ({mapping['confidence']:.2f})"
    label = f" '{mapping['object_label']}'" if mapping["object_label"] else ""
    return f"{mapping['predicate']} {mapping['object_id']}{label}{sure}"
