"""Linking: the concepts of a vocabulary tied to those of an outside terminology, with scores.

Names that look alike are the candidates (`kb.curation.likeness`); facets decide what such a likeness may mean. A
concept whose whole text says the same words as the name of an outside one is an exact match; one that says more, or
whose finding alone does, is narrower than it; where the name says something else it is a close match. Side, size and
denial are never read over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from typing import Any, Unpack

from kb.curation.apply import ActOptions, Concepts, curate
from kb.curation.change import Change
from kb.curation.likeness import Candidate, names_alike
from kb.curation.terminology import Terminology
from kb.display import Listing
from kb.errors import UsageError
from kb.language.query_reading import query_or_none
from kb.language.same_words import compare, wording_of
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vocabulary.mappings import LEXICAL, PREDICATES, mapping_row, reviewed, same_claim
from schemas.terms import IN_USE

THRESHOLD = 0.85
"""The likeness from which a name counts as found."""

EXACT, CLOSE, BROADER = "skos:exactMatch", "skos:closeMatch", "skos:broadMatch"
SHARE_RIGHT: Mapping[str, float] = {EXACT: 0.94, BROADER: 0.91, CLOSE: 0.5}
"""What share of such links holds at least: of exact and of broader ones the lower end of the 95 % interval (Wilson) of
what a reader found right, 62 of 62 and 59 of 60 with a table like RadLex; of close ones, never counted, even odds."""
COLUMNS = ["concept_id", "text", "finding", "anatomy", "laterality", "severity", "descriptors", "mappings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One concept and the outside one that it is linked to, by its name `matched`.

    `score` is how alike the names are, `confidence` how probably the predicate holds: the share of its kind that does,
    times the likeness.
    """

    concept_id: str
    text: str
    predicate: str
    object_id: str
    object_label: str
    matched: str
    score: float

    @property
    def confidence(self) -> float:
        """How probably the predicate holds, 0 to 1."""
        return round(SHARE_RIGHT[self.predicate] * self.score, 2)

    def to_dict(self) -> dict[str, Any]:
        """The link as plain data."""
        return {**asdict(self), "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class SharedTerm:
    """An outside concept that several of ours are: they may be duplicates of each other."""

    object_id: str
    object_label: str
    links: Sequence[Link]

    def in_words(self) -> str:
        """What a person reads."""
        ours = " and ".join(f"'{link.text}'" for link in self.links)
        return f"{ours} are all '{self.object_label}' ({self.object_id})"


def find_links(
    state: State, terminology: Terminology, *, threshold: float = THRESHOLD, statuses: Sequence[str] = ()
) -> Listing[Link]:
    """The best link of every affirmed concept in use that has one: exact ones first, then the surest.

    Args:
        state: the vocabulary, at its commit.
        terminology: where to link to.
        threshold: from which likeness on, 0 to 1.
        statuses: only concepts of these; default: candidates and accepted ones.
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"a threshold of {threshold}: it lies between 0 and 1")
    rows = state.dataset("concepts").to_table(columns=COLUMNS, filter=_looked_at(statuses)).to_pylist()
    names = sorted({name for row in rows for name in (row["text"], row["finding"])})
    candidates = names_alike(terminology, names)
    links = [link for row in rows if (link := _best_link(row, candidates, terminology, threshold))]
    links.sort(key=lambda link: (PREDICATES.index(link.predicate), -link.score, link.text, link.concept_id))
    return Listing(links, ("confidence", "text", "predicate", "object_label", "concept_id", "object_id"))


def shared_terms(links: Sequence[Link]) -> list[SharedTerm]:
    """The outside concepts that several of ours match exactly, those of the most first."""
    by_term: dict[str, list[Link]] = {}
    for link in links:
        if link.predicate == EXACT:
            by_term.setdefault(link.object_id, []).append(link)
    shared = [SharedTerm(of, ours[0].object_label, tuple(ours)) for of, ours in by_term.items() if len(ours) > 1]
    return sorted(shared, key=lambda term: (-len(term.links), term.object_id))


def store_links(
    state: State,
    links: Sequence[Link],
    terminology: Terminology,
    *,
    statuses: Sequence[str] = (),
    **options: Unpack[ActOptions],
) -> Change | None:
    """Make `links` the lexical mappings to a terminology of the concepts that were looked at, as one change.

    What a curator mapped stays as it is, and so do concepts of other statuses than those that `find_links` was told.
    """
    by_concept = {link.concept_id: link for link in links}

    def plan(concepts: Concepts) -> Mapping[str, Mapping[str, Any]]:
        mapped = concepts.where(f"{_looked_at(statuses)} AND array_length(mappings) > 0")
        touched = sorted({*by_concept, *mapped})
        concepts.read(touched)
        return {
            of: {"mappings": _mapped(concepts.get(of)["mappings"], by_concept.get(of), terminology)} for of in touched
        }

    return curate(state, "link", plan, **options)


def _looked_at(statuses: Sequence[str]) -> str:
    """The concepts that are linked, as a condition."""
    return f"assertion = 'present' AND status IN {literals(statuses or IN_USE)}"


def _mapped(now: Sequence[Mapping[str, Any]], link: Link | None, terminology: Terminology) -> list[Mapping[str, Any]]:
    """The mappings of a concept with `link` in the place of those that earlier links to the terminology left.

    What a curator said of the same outside concept counts, that it is none too; so does what one has reviewed.
    """
    kept = [m for m in now if m["justification"] != LEXICAL or reviewed(m) or m["object_id"] not in terminology.terms]
    if link is None or any(mapping["object_id"] == link.object_id for mapping in kept):
        return kept
    mapping = _mapping(link, terminology)
    earlier = next((m for m in now if same_claim(m, mapping) and m["confidence"] == mapping["confidence"]), None)
    return [*kept, mapping if earlier is None else earlier]


def _mapping(link: Link, terminology: Terminology) -> dict[str, Any]:
    by_label = link.matched == terminology.terms[link.object_id].label
    return mapping_row(
        link.object_id,
        link.predicate,
        link.object_label,
        justification=LEXICAL,
        confidence=link.confidence,
        details={
            "mapping_tool": "clear-kb",
            "mapping_tool_version": version("clear-kb"),
            "mapping_date": date.today().isoformat(),
            "match_string": link.matched,
            "object_match_field": "skos:prefLabel" if by_label else "skos:altLabel",
            "similarity_score": link.score,
            "similarity_measure": "cosine of character 3-grams",
        },
    )


def _best_link(
    row: Mapping[str, Any], candidates: Mapping[str, Sequence[Candidate]], terminology: Terminology, threshold: float
) -> Link | None:
    """The link by the concept's whole text or, if there is none, by its finding: then to a broader concept."""
    for name, whole in ((row["text"], True), (row["finding"], False)):
        found = [
            (likeness, alias, term_id, predicate)
            for term_id, alias, likeness in candidates[name]
            if likeness >= threshold and (predicate := _meaning(row, alias, whole=whole))
        ]
        if found:
            surest = max(score for score, *_ in found)
            # Of names that are equally like, that of the most general concept.
            score, alias, term_id, predicate = min(
                (link for link in found if link[0] > surest - 1e-6),
                key=lambda link: (link[3] != EXACT, terminology.depths[link[2]], link[2]),
            )
            label = terminology.terms[term_id].label
            return Link(
                concept_id=row["concept_id"],
                text=row["text"],
                predicate=predicate,
                object_id=term_id,
                object_label=label,
                matched=alias,
                score=round(min(1.0, score), 4),
            )
    return None


def _meaning(row: Mapping[str, Any], alias: str, *, whole: bool) -> str | None:
    """What a name that looks like a concept's (its whole text, or its finding) means for it; None for nothing."""
    if (read := query_or_none(alias)) is None:
        return None
    found = compare(wording_of(row), wording_of(vars(read)))
    if read.assertion != "present" or found.contrast:
        return None
    same = (read.laterality, read.severity) == (row["laterality"], row["severity"])
    if whole:
        if not same:
            return None
        return CLOSE if found.only_second else BROADER if found.only_first else EXACT
    return BROADER if (read.laterality, read.severity) == ("none", None) and not found.only_second else None
