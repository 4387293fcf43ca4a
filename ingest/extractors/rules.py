"""The `rules` extractor: a lexicon, a table of cues and a grammar of clauses; no download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Self

from ingest.extractors.addendum import corrected
from ingest.extractors.mentions import facets_of
from ingest.extractors.protocol import Extraction
from ingest.grammar import language
from ingest.grammar.abbreviations import defined_abbreviations, written_out
from ingest.grammar.sentences import split_sentences
from ingest.grammar.temporality import temporalities
from ingest.mention import Mention
from ingest.report import Section
from kb.language.facets import Facets, read_severity, read_side
from kb.language.grammar.cues import load_cues
from kb.language.grammar.plain import plain_text
from kb.language.grammar.reading import read_sentence
from kb.language.grammar.statements import Statement
from kb.language.grammar.tokens import Span
from kb.language.grammar.wording import FINGERPRINT
from kb.language.lexicon import load_lexicon
from kb.language.measurements import Measurement, read_measurements
from schemas.terms import Assertion, Laterality, Temporality

VERSION = "5"
"""Raised whenever the code mines another thing from the same text; the tables have fingerprints of their own."""

CACHED_SENTENCES = 50_000
"""Distinct sentences remembered: reports repeat themselves."""


class _Found(NamedTuple):
    """An observation in a sentence; spans count from the sentence's beginning."""

    spans: tuple[Span, ...]
    text: str
    statement: Statement
    temporality: Temporality
    laterality: Laterality
    severity: str
    measurements: tuple[Measurement, ...]
    facets: Facets


class RulesExtractor:
    """Mines by rules that a reader can follow; the same text always gives the same observations."""

    name = "rules"
    languages: tuple[str, ...] | None = ("English",)
    chunk_reports = 500
    in_processes = True
    usage = None
    estimate = None
    broken = None

    def __init__(self) -> None:
        tables = load_lexicon().fingerprint + load_cues().fingerprint + FINGERPRINT + language.fingerprint()
        self.fingerprint = f"rules/{VERSION}+{blake2b(tables.encode(), digest_size=5).hexdigest()}"

    def rehearsal(self) -> Self:
        """Itself: mining costs nothing."""
        return self

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text."""
        return [self._extract(sections) for sections in reports]

    def _extract(self, sections: Sequence[Section]) -> Extraction:
        read = language.read_language(sections)
        if read.failure is not None:
            return Extraction([], failure=read.failure)
        kept, overruled = corrected(in_english(self.mentions(sections), read))
        return Extraction(kept, refused=(*read.told, *overruled))

    def mentions(self, sections: Sequence[Section]) -> list[Mention]:
        """The mentions in the sections of one report."""
        abbreviations: dict[str, str] = {}
        mentions: list[Mention] = []
        for section in sections:
            abbreviations |= defined_abbreviations(section.text)
            for index, span in enumerate(split_sentences(section.text)):
                mentions += _in_sentence(section, index, span, abbreviations)
        return mentions


def in_english(mentions: list[Mention], read: language.Reading) -> list[Mention]:
    """The mentions that do not stand in a sentence of another language."""
    if not read.foreign:
        return mentions
    return [mention for mention in mentions if (mention.section, mention.sentence) not in read.foreign]


def _in_sentence(section: Section, index: int, span: Span, abbreviations: Mapping[str, str]) -> list[Mention]:
    start, end = span
    return [
        Mention(
            section=section.name,
            sentence=index,
            sentence_span=span,
            spans=tuple([(start + first, start + last) for first, last in found.spans]),
            text=found.text,
            assertion=found.statement.assertion,
            certainty=found.statement.certainty,
            temporality=found.temporality,
            laterality=found.laterality,
            severity=found.severity,
            measurements=found.measurements,
            facets=facets_of(written_out(found.text, abbreviations), found.statement.assertion) or found.facets
            if abbreviations
            else found.facets,
        )
        for found in _mine(section.text[start:end])
    ]


@lru_cache(CACHED_SENTENCES)
def _mine(sentence: str) -> tuple[_Found, ...]:
    """The observations of a sentence, whatever stands around it: so each distinct sentence is read once."""
    readings = read_sentence(sentence)
    extents = [(one.spans[0][0], one.spans[-1][1]) for one in readings]
    within = [one.statement.clause for one in readings]
    plain = plain_text(sentence)
    found: list[_Found] = []
    for reading, told in zip(readings, temporalities(plain, extents, within), strict=True):
        statement = reading.statement
        text = " ".join(plain[start:end] for start, end in reading.spans)
        temporality = _consistent(told, statement.assertion)
        facets = facets_of(text, statement.assertion)
        if facets is not None:
            side, size = read_side(text), read_severity(text) or "none"
            measured = read_measurements(text)
            found.append(
                _Found(
                    spans=reading.spans,
                    text=reading.text,
                    statement=statement,
                    temporality=temporality,
                    laterality=side,
                    severity=size,
                    measurements=measured,
                    facets=facets,
                )
            )
    return tuple(found)


def _consistent(temporality: Temporality, assertion: Assertion) -> Temporality:
    """The temporality, of which "resolved" is only told of what is not there any more, and growth of what is there."""
    gone, grown = temporality == "resolved", temporality in ("increased", "decreased")
    return "current" if (gone and assertion == "present") or (grown and assertion == "absent") else temporality
