"""An extractor that is shown no identifiers: what tells who somebody is becomes neither a mention nor a concept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.extractors.estimate import Estimate
from ingest.extractors.mentions import facets_of
from ingest.extractors.protocol import Differing, Extraction, Extractor
from ingest.extractors.usage import Usage
from ingest.grammar.language import read_language
from ingest.identifiers.identifiers import fingerprint, identifiers_in, without_identifiers
from ingest.mention import Mention
from ingest.report import Section
from kb.language.grammar.tokens import Span

_WORDS = re.compile(r"\w(?:.*\w)?", re.S)


class Deidentified:
    """Mines with another extractor, from texts in which each letter of an identifier is a mark.

    Every other character stays where it was, so the spans of mentions are those of the text as it is. A language
    model is sent the texts without their identifiers.
    """

    def __init__(self, extractor: Extractor):
        self._extractor = extractor
        self.name = extractor.name
        self.languages = extractor.languages
        self.fingerprint = f"{extractor.fingerprint}~{fingerprint()}"
        self.chunk_reports = extractor.chunk_reports
        self.in_processes = extractor.in_processes

    @property
    def broken(self) -> Exception | None:
        """Why the extractor can go on no further."""
        return self._extractor.broken

    @property
    def usage(self) -> Usage | None:
        """What the extractor has used since it was made."""
        return self._extractor.usage

    @property
    def estimate(self) -> Estimate | None:
        """What the extractor has estimated instead of mining."""
        return self._extractor.estimate

    def rehearsal(self) -> Deidentified:
        """What stands in for it in a dry run."""
        return Deidentified(self._extractor.rehearsal())

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text."""
        shown = [self._shown(sections) for sections in reports]
        return [
            replace(
                one,
                mentions=_without_identifiers(one.mentions, sections),
                differing=tuple(
                    kept for differing in one.differing if (kept := _differing(differing, sections)).readings
                ),
            )
            for one, sections in zip(self._extractor.extract(shown), reports, strict=True)
        ]

    def _shown(self, sections: Sequence[Section]) -> Sequence[Section]:
        """What the extractor sees of one report."""
        # In another language, capitals and unknown words are no names: its own words are what tells which it is.
        if self.languages is not None and read_language(sections).failure is not None:
            return sections
        return [replace(section, text=without_identifiers(section.text)) for section in sections]


def _differing(one: Differing, sections: Sequence[Section]) -> Differing:
    readings = {name: _without_identifiers([mention], sections) for name, mention in one.readings.items()}
    return Differing({name: kept[0] for name, kept in readings.items() if kept})


def _without_identifiers(mentions: Sequence[Mention], sections: Sequence[Section]) -> list[Mention]:
    """Mentions without what an extractor took for words of them where an identifier stands; some are nothing else."""
    found = {section.name: identifiers_in(section.text) for section in sections}
    if not any(found.values()):
        return list(mentions)
    texts = {section.name: section.text for section in sections}
    kept: list[Mention] = []
    for mention in mentions:
        text, identifiers = texts[mention.section], found[mention.section]
        spans = tuple(span for one in mention.spans for span in _apart(text, one, identifiers))
        if spans == mention.spans:
            kept.append(mention)
            continue
        said = " ".join(text[start:end] for start, end in spans)
        facets = facets_of(said, mention.assertion)
        if facets is not None:
            kept.append(mention._replace(spans=spans, text=said, facets=facets))
    return kept


def _apart(text: str, span: Span, identifiers: Sequence[Span]) -> Iterator[Span]:
    """The stretches of a span that are not of an identifier, without blanks and signs at their ends."""
    start, end = span
    inside = [one for one in identifiers if one[0] < end and start < one[1]]
    if not inside:
        yield span
        return
    for first, last in zip([start, *(stop for _, stop in inside)], [*(begin for begin, _ in inside), end], strict=True):
        if match := _WORDS.search(text, first, max(first, last)):
            yield match.span()
