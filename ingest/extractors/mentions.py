"""Mentions made of spans that something else than the grammar found: the words, the sentence and the facets follow."""

from __future__ import annotations

from ingest.grammar.sentences import split_sentences
from ingest.mention import Mention
from ingest.report import Section
from kb.language.facets import Facets, read_facets, read_severity, read_side
from kb.language.grammar.tokens import Span
from kb.language.measurements import read_measurements
from schemas.terms import Assertion, Certainty, Temporality


def mention_at(
    section: Section,
    spans: tuple[Span, ...],
    assertion: Assertion,
    *,
    certainty: Certainty,
    temporality: Temporality,
    english: str = "",
) -> Mention | None:
    """The mention whose words stand at `spans` of a section; None if they say nothing that could be observed.

    `english` is what the words mean where they are of another language: the concept and its facets are read from it,
    the mention keeps its own words and spans.
    """
    text = " ".join(section.text[start:end] for start, end in spans)
    meant = english.strip() or text
    facets = facets_of(meant, assertion)
    if facets is None:
        return None
    index, sentence = _sentence(section.text, spans)
    return Mention(
        section=section.name,
        sentence=index,
        sentence_span=sentence,
        spans=spans,
        text=text,
        assertion=assertion,
        certainty=certainty,
        temporality=temporality,
        laterality=read_side(meant),
        severity=read_severity(meant) or "none",
        measurements=read_measurements(meant),
        facets=facets,
    )


def facets_of(text: str, assertion: Assertion) -> Facets | None:
    """The concept that a statement is of; None if nothing is left of its words once they are normalised."""
    try:
        return read_facets(text, "absent" if assertion == "absent" else "present")
    except ValueError:
        return None


def _sentence(text: str, spans: tuple[Span, ...]) -> tuple[int, Span]:
    """Which sentence the spans begin in, and from there to the end of the one they end in."""
    sentences = split_sentences(text)
    begun = [at for at, (start, _) in enumerate(sentences) if start <= spans[0][0]]
    at = begun[-1] if begun else 0
    ends = [end for _, end in sentences if end >= spans[-1][1]]
    start = min(sentences[at][0], spans[0][0]) if sentences else spans[0][0]
    return at, (start, ends[0] if ends else len(text))
