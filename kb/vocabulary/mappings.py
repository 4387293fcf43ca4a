"""Mappings: which concept of an outside terminology (RadLex, SNOMED CT, UMLS, ...) one of ours stands for, or not.

The words are SSSOM's (Matentzoglu et al., 2022): a predicate, the outside concept as a CURIE, how the mapping was
found (its justification), and how sure that is. A modifier "Not" denies the predicate: somebody looked, and it does not
hold. What else is known of a mapping are its details (`kb.vocabulary.mapping_details`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from kb.errors import UsageError
from kb.vocabulary.mapping_details import by_name, pairs, read_details, references, with_another

PREDICATES = ("skos:exactMatch", "skos:closeMatch", "skos:broadMatch", "skos:narrowMatch", "skos:relatedMatch")
"""How an outside concept may stand to ours; "broad" where the outside one is the broader."""

NOT = "Not"
"""The modifier of a mapping that is denied."""

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
    "MONDO": "http://purl.obolibrary.org/obo/MONDO_",
    "UBERON": "http://purl.obolibrary.org/obo/UBERON_",
    "ICD10CM": "http://purl.bioontology.org/ontology/ICD10CM/",
    "LOINC": "http://loinc.org/rdf/",
}
"""The prefixes of outside ids that are known without being told."""

WORDS: Mapping[str, str] = {
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "semapv": "https://w3id.org/semapv/vocab/",
    "sssom": "https://w3id.org/sssom/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "orcid": "https://orcid.org/",
}
"""The prefixes of the words that SSSOM itself is written with, and of people."""

Row = Mapping[str, Any]

_CURIE = re.compile(r"[A-Za-z_][\w.-]*:[^\s:/<>\"{}|\\^`][^\s<>\"{}|\\^`]*")


def mapping_row(
    object_id: str,
    predicate: str,
    label: str = "",
    *,
    justification: str = UNSPECIFIED,
    confidence: float | None = None,
    modifier: str | None = None,
    details: Mapping[str, Any] | None = None,
    prefixes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A mapping as an element of a concept's `mappings`.

    Args:
        object_id: the outside concept, as a CURIE.
        predicate: one of PREDICATES.
        label: what it is called there.
        justification: how the mapping was found.
        confidence: how probably it holds, 0 to 1; None if nobody says.
        modifier: "Not" if it is denied.
        details: what else is known, by the names of `mapping_details.DETAILS`.
        prefixes: what prefixes of its CURIEs stand for, where they are none of the known.

    Raises:
        ValueError: the id is no CURIE, the predicate is not one of PREDICATES, the confidence is not in [0, 1], the
            modifier is another word, or a detail cannot be what it says.
    """
    if not _CURIE.fullmatch(object_id):
        raise ValueError(f"{object_id!r} is no CURIE (PREFIX:ID, as in RADLEX:RID34539)")
    if predicate not in PREDICATES:
        raise ValueError(f"predicate {predicate!r}: choose one of {', '.join(PREDICATES)}")
    if modifier not in (None, NOT):
        raise ValueError(f"modifier {modifier!r}: it is {NOT}, or there is none")
    number = isinstance(confidence, int | float) and not isinstance(confidence, bool)
    if confidence is not None and not (number and 0 <= confidence <= 1):
        raise ValueError(f"confidence {confidence!r} is not between 0 and 1")
    return {
        "predicate": predicate,
        "modifier": modifier,
        "object_id": object_id,
        "object_label": label,
        "justification": justification,
        "confidence": confidence,
        "details": pairs(read_details(details or {})),
        "prefixes": pairs(dict(prefixes or {})),
    }


def curated_mapping(
    object_id: str,
    predicate: str,
    label: str = "",
    *,
    author: str | None = None,
    modifier: str | None = None,
    prefixes: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A mapping that a curator says, today; UsageError if it is none."""
    details = {"author_label": author, "mapping_date": date.today().isoformat() if author else None}
    try:
        return mapping_row(
            object_id,
            predicate,
            label,
            justification=CURATED,
            modifier=modifier,
            details=details,
            prefixes=prefixes,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def said_again(known: Row, again: Row) -> Row:
    """A mapping that is there, said by a curator once more: whoever says it after another is its reviewer."""
    details = by_name(known["details"])
    author = by_name(again["details"]).get("author_label")
    label = again["object_label"] or known["object_label"]
    # Who said it first says nothing new by saying it again.
    if author is None or author in details.get("author_label", "").split("|"):
        return {**known, "object_label": label}
    details["reviewer_label"] = with_another(details.get("reviewer_label"), author)
    return {**known, "object_label": label, "details": pairs(details)}


def same_claim(one: Row, other: Row) -> bool:
    """Whether two mappings say the same of the same outside concept."""
    return all(one[name] == other[name] for name in ("predicate", "object_id", "modifier"))


def holds(mapping: Row) -> bool:
    """Whether a mapping says that its predicate holds, and does not deny it."""
    return mapping["modifier"] is None


def reviewed(mapping: Row) -> bool:
    """Whether a person reviewed a mapping."""
    return bool({"reviewer_label", "reviewer_id"} & set(by_name(mapping["details"])))


def curies(mapping: Row) -> list[str]:
    """The CURIEs of a mapping whose prefixes have to be known: of the outside concept first."""
    return [mapping["object_id"], mapping["justification"], *references(by_name(mapping["details"]))]


def merged_mappings(mappings: Sequence[Row], others: Iterable[Row]) -> list[Row]:
    """`mappings` and the others: one of the same predicate and outside concept takes the place of what was there.

    So what is denied takes the place of what was said, and the other way round.
    """
    merged = {(mapping["predicate"], mapping["object_id"]): mapping for mapping in (*mappings, *others)}
    return list(merged.values())


def mapping_in_words(mapping: Row) -> str:
    """A mapping in words."""
    sure = "" if mapping["confidence"] is None else f" ({mapping['confidence']:.2f})"
    label = f" '{mapping['object_label']}'" if mapping["object_label"] else ""
    denied = "" if holds(mapping) else "not "
    return f"{denied}{mapping['predicate']} {mapping['object_id']}{label}{sure}"
