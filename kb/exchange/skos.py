"""Concepts as SKOS (RDF), for ontology tools: Turtle, N-Triples or RDF/XML.

Names, notes, mappings and replacements are said in SKOS, OWL and Dublin Core; facets, which have no word there, in a
small namespace of ours. What RDF does not keep (the order of names, the details of a mapping) stands beside it as
JSON, and gives way where an editor has changed the RDF. Written a few thousand concepts at a time.

`broader` is what a concept in use stands right under by its facets (`kb.vocabulary.concept_hierarchy`), among those of
the file: no target is missing. Concepts that stand under none are the scheme's top concepts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.batched import batched
from kb.errors import UsageError
from kb.exchange.prefixes import Prefixes
from kb.reading.json_text import read_json
from kb.reading.shown import shown
from kb.reading.unreadable import Unreadable
from kb.reading.xml_text import require_plain_xml
from kb.store.storage import first_line
from kb.vocabulary.concept_hierarchy import ConceptHierarchy
from kb.vocabulary.mapping_details import by_name
from kb.vocabulary.mappings import NOT, PREDICATES, holds, mapping_row
from kb.vocabulary.records import Record, id_in, read_record

if TYPE_CHECKING:
    from rdflib import Graph, URIRef

OURS = "urn:clear-kb:term:"
FORMATS: Mapping[str, str] = {".ttl": "turtle", ".nt": "nt", ".rdf": "xml", ".xml": "xml"}
FACETS = ("normal_form", "assertion", "finding", "anatomy", "laterality", "severity", "status", "source")
ROWS = 2_000
BROADER = "skos:broadMatch"

BroadMatches = Mapping[str, frozenset[str]]
"""By the id of a concept the outside ones that are broader."""


def write_skos(
    records: Iterable[Record],
    path: Path,
    prefixes: Prefixes,
    *,
    title: str,
    hierarchy: ConceptHierarchy,
    broad: BroadMatches,
) -> int:
    """Write records as RDF, in the format that the file's name says; says how many.

    Args:
        records: the concepts.
        path: a file that ends in .ttl, .nt, .rdf or .xml.
        prefixes: what concept ids and outside ids stand for.
        title: what the concept scheme is called.
        hierarchy: of those of the concepts that are in use.
        broad: the outside concepts that are broader than these; what follows from a wider concept is not repeated.
    """
    scheme = _Scheme(prefixes, title, hierarchy, broad)
    kind = rdf_format(path)
    written = 0
    head: set[str] = set()
    with path.open("w", encoding="utf-8") as file:
        if kind == "xml":
            everything = list(records)
            file.write(_graph(everything, scheme, head=True).serialize(format=kind))
            return len(everything)
        for at, chunk in enumerate(batched(records, ROWS)):
            graph = _graph(chunk, scheme, head=at == 0)
            for line in graph.serialize(format=kind).splitlines(keepends=True):
                if line.startswith("@prefix"):
                    if line in head:
                        continue
                    head.add(line)
                file.write(line)
            written += len(chunk)
        if not written:
            file.write(_graph([], scheme, head=True).serialize(format=kind))
    return written


def read_skos(path: Path, prefixes: Prefixes) -> Iterator[Record]:
    """The concepts of an RDF file as records.

    Raises:
        UsageError: the file is no RDF that can be read.
    """
    from rdflib import Graph
    from rdflib.namespace import RDF, SKOS

    graph = Graph()
    kind = rdf_format(path)
    if kind == "xml":
        require_plain_xml(path)  # what rdflib reads it by takes what a document defines for itself
    try:
        graph.parse(path, format=kind)
    except Exception as error:  # rdflib's parsers raise what they like
        raise UsageError(f"{path} cannot be read as RDF: {first_line(error)}") from error
    for subject in sorted(graph.subjects(RDF.type, SKOS.Concept), key=str):
        yield _checked(graph, subject, prefixes)


def rdf_format(path: Path) -> str:
    """The RDF format that a file's name says; UsageError if it says none."""
    if path.suffix not in FORMATS:
        raise UsageError(f"{path}: SKOS is written as {', '.join(sorted(FORMATS))}")
    return FORMATS[path.suffix]


@dataclass(frozen=True, slots=True)
class _Scheme:
    """What the concepts of a file have in common: how ids are written, and which stand under which.

    `broad` holds the outside concepts that are broader than each concept, by its id.
    """

    prefixes: Prefixes
    title: str
    hierarchy: ConceptHierarchy
    broad: BroadMatches

    def follows(self, concept_id: str, mapping: Record) -> bool:
        """Whether a mapping follows from one of a wider concept: a tree that says both has an edge too many."""
        if mapping["predicate"] != BROADER or concept_id not in self.hierarchy:
            return False
        return any(mapping["object_id"] in self.broad.get(one, ()) for one in self.hierarchy.ancestors(concept_id))


def _graph(records: Iterable[Record], scheme: _Scheme, *, head: bool) -> Graph:
    from rdflib import Graph, Literal, URIRef
    from rdflib.namespace import DCTERMS, OWL, RDF, SKOS

    graph = Graph(bind_namespaces="core")
    prefixes = scheme.prefixes
    names = {"skos": SKOS, "dcterms": DCTERMS, "owl": OWL, "ckb": OURS, "rdf": RDF, "concept": prefixes.base}
    for prefix, namespace in names.items():
        graph.bind(prefix, namespace)
    vocabulary = URIRef(prefixes.base + "scheme")
    if head:
        graph.add((vocabulary, RDF.type, SKOS.ConceptScheme))
        graph.add((vocabulary, DCTERMS.title, Literal(scheme.title, lang="en")))
        graph.add((vocabulary, SKOS.prefLabel, Literal(scheme.title, lang="en")))
        for top in scheme.hierarchy.tops():
            graph.add((vocabulary, SKOS.hasTopConcept, URIRef(prefixes.base + top)))
    for record in records:
        concept_id = record["concept_id"]
        subject = URIRef(prefixes.base + concept_id)
        graph.add((subject, SKOS.inScheme, vocabulary))
        wider = scheme.hierarchy.wider(concept_id)
        for broader in wider:
            graph.add((subject, SKOS.broader, URIRef(prefixes.base + broader)))
        if concept_id in scheme.hierarchy and not wider:
            graph.add((subject, SKOS.topConceptOf, vocabulary))
        for predicate, value in _said(record, scheme):
            graph.add((subject, predicate, value))
    return graph


def _said(record: Record, scheme: _Scheme) -> Iterator[tuple[URIRef, Any]]:
    """What is said of one concept: predicates and objects."""
    from rdflib import Literal, URIRef
    from rdflib.namespace import DCTERMS, OWL, RDF, SKOS

    prefixes = scheme.prefixes

    def json_literal(value: Any) -> Literal:
        return Literal(json.dumps(value, ensure_ascii=False), datatype=RDF.JSON, normalize=False)

    yield RDF.type, SKOS.Concept
    yield SKOS.notation, Literal(record["concept_id"])
    yield SKOS.prefLabel, Literal(record["text"], lang="en")
    for name in record["synonyms"]:
        yield SKOS.altLabel, Literal(name, lang="en")
    if record["note"]:
        yield SKOS.editorialNote, Literal(record["note"])
    if record["status"] in ("rejected", "retired"):
        yield OWL.deprecated, Literal(True)
    if record["replaced_by"]:
        yield DCTERMS.isReplacedBy, URIRef(prefixes.base + record["replaced_by"])
    for other in record["distinct_from"]:
        yield OWL.differentFrom, URIRef(prefixes.base + other)
    for mapping in filter(holds, record["mappings"]):
        if not scheme.follows(record["concept_id"], mapping):
            outside = URIRef(prefixes.expand(mapping["object_id"]))
            yield URIRef(SKOS + mapping["predicate"].removeprefix("skos:")), outside
    for name in FACETS:
        if record[name]:
            yield URIRef(OURS + name), Literal(record[name])
    for name in ("descriptors", "synonyms", "splits", "dismissed", "mappings"):
        if record[name]:
            yield URIRef(OURS + name), json_literal(record[name])


def _checked(graph: Graph, subject: Any, prefixes: Prefixes) -> Record:
    """The record of a concept, or why there is none: one that is odd must not spoil the others."""
    try:
        return _record(graph, subject, prefixes)
    except ValueError as error:
        return {"unreadable": f"{shown(str(subject))}: {error}"}


def _record(graph: Graph, subject: Any, prefixes: Prefixes) -> Record:
    """What RDF says of a concept. What it is silent on is left out or, in RDF of our own making, empty."""
    from rdflib.namespace import DCTERMS, OWL, SKOS

    fields = {name: _ours(graph, subject, name) for name in FACETS}
    own = fields["normal_form"] is not None
    record: dict[str, Any] = {name: value for name, value in fields.items() if value is not None or own}
    replaced = graph.value(subject, DCTERMS.isReplacedBy)
    others = (id_in(str(other)) for other in graph.objects(subject, OWL.differentFrom))
    said: dict[str, Any] = {
        "descriptors": _own_list(graph, subject, "descriptors"),
        "splits": _own_list(graph, subject, "splits"),
        "dismissed": _own_list(graph, subject, "dismissed"),
        "note": next(map(str, graph.objects(subject, SKOS.editorialNote)), None),
        "replaced_by": None if replaced is None else id_in(str(replaced)),
        "distinct_from": sorted(filter(None, others)),
        "synonyms": _names(graph, subject),
        "mappings": _mappings(graph, subject, prefixes),
    }
    record |= {name: value for name, value in said.items() if value or own}
    record["text"] = _preferred(graph, subject)
    concept_id = id_in(str(subject)) or id_in(str(graph.value(subject, SKOS.notation) or ""))
    return {**record, "concept_id": concept_id} if concept_id else record


def _ours(graph: Graph, subject: Any, name: str) -> str | None:
    from rdflib import URIRef

    found = graph.value(subject, URIRef(OURS + name))
    return None if found is None else str(found)


def _own_list(graph: Graph, subject: Any, name: str) -> list[Any]:
    """A list that stands beside the RDF as JSON, checked as those of any record; ValueError if it is none."""
    found = _ours(graph, subject, name)
    try:
        told: list[Any] = read_record({name: read_json(found, exact=True) if found else []})[name]
    except Unreadable as error:
        raise ValueError(f"{name} is no JSON that can be read: {error}") from error
    return told


def _preferred(graph: Graph, subject: Any) -> str | None:
    """The preferred label in English, else without a language, else in any."""
    from rdflib.namespace import SKOS

    labels = sorted(graph.objects(subject, SKOS.prefLabel), key=_language)
    return str(labels[0]) if labels else None


def _names(graph: Graph, subject: Any) -> list[str]:
    """The other labels in English or no language, in the order that stands beside them."""
    from rdflib.namespace import SKOS

    said = {str(label) for label in graph.objects(subject, SKOS.altLabel) if _language(label) < OTHER_LANGUAGE}
    entries = [name for name in _own_list(graph, subject, "synonyms") if name in said]
    return entries + sorted(said - set(entries))


OTHER_LANGUAGE = 2


def _language(label: Any) -> int:
    language = getattr(label, "language", None)
    return 1 if not language else 0 if language.lower().startswith("en") else OTHER_LANGUAGE


def _mappings(graph: Graph, subject: Any, prefixes: Prefixes) -> list[dict[str, Any]]:
    """The mappings that RDF says: with their details where these stand beside it, without where an editor added one.

    RDF has no word for what is denied: that stands beside it alone. What follows from a wider concept is said there.
    """
    from rdflib import URIRef
    from rdflib.namespace import SKOS

    stored = _own_list(graph, subject, "mappings")
    brought = {prefix: iri for mapping in stored for prefix, iri in by_name(mapping.get("prefixes")).items()}
    known = replace(prefixes, outside={**prefixes.outside, **brought})
    said: dict[tuple[str, str], None] = {}
    for predicate in PREDICATES:
        for outside in sorted(graph.objects(subject, URIRef(SKOS + predicate.removeprefix("skos:"))), key=str):
            said[predicate, known.contract(str(outside))] = None
    above = [one for one in graph.transitive_objects(subject, SKOS.broader) if one != subject]
    outside_above = {outside for one in above for outside in graph.objects(one, SKOS.broadMatch)}
    follow = {(BROADER, known.contract(str(outside))) for outside in outside_above}
    kept = [
        mapping
        for mapping in stored
        if mapping.get("modifier") == NOT or (mapping.get("predicate"), mapping.get("object_id")) in {*said, *follow}
    ]
    there = {(mapping.get("predicate"), mapping.get("object_id")) for mapping in kept}
    return kept + [mapping_row(outside, predicate) for predicate, outside in said if (predicate, outside) not in there]
