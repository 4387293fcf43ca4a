"""Two extractors on the same reports: what both find is kept, and what differs waits for a person's decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ingest.extractors.estimate import Estimate
from ingest.extractors.protocol import Differing, Extraction, Extractor
from ingest.extractors.usage import Usage
from ingest.mention import Mention
from ingest.report import Section
from kb.vocabulary.agreement import matched


class SecondOpinion:
    """Mines with two extractors and keeps, of the first one's mentions, those that the second one finds as well.

    Two mentions are the same where their spans are by the rule of `agreement.matched`; they agree if their assertions
    do. A report that either of them cannot mine is not mined.
    """

    def __init__(self, first: Extractor, second: Extractor, *, compares: bool = True):
        self._first, self._second = first, second
        self._compares = compares
        self.name = first.name
        self._names = (first.name, second.name if second.name != first.name else f"{second.name}#2")
        self.languages = _both(first.languages, second.languages)
        self.fingerprint = f"{first.fingerprint}&{second.fingerprint}"
        asking = [one.chunk_reports for one in (first, second) if one.usage is not None]
        self.chunk_reports = min(asking) if asking else max(first.chunk_reports, second.chunk_reports)
        self.in_processes = first.in_processes and second.in_processes

    @property
    def broken(self) -> Exception | None:
        """Why one of them can go on no further."""
        return self._first.broken or self._second.broken

    @property
    def usage(self) -> Usage | None:
        """What both have used since they were made."""
        return Usage.together(self._first.usage, self._second.usage)

    @property
    def estimate(self) -> Estimate | None:
        """What they have estimated, if one of them mines nothing in a dry run."""
        return Estimate.together(self._first.estimate, self._second.estimate)

    def rehearsal(self) -> SecondOpinion:
        """What stands in for it in a dry run: where one of them would be asked, nothing is compared."""
        if self.usage is None:
            return self
        return SecondOpinion(self._first.rehearsal(), self._second.rehearsal(), compares=False)

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text."""
        first = self._first.extract(reports)
        # A report that the first one cannot mine is not asked about again.
        left = [sections for sections, one in zip(reports, first, strict=True) if one.failure is None]
        second = iter(self._second.extract(left))
        return [one if one.failure is not None else self._compared(one, next(second)) for one in first]

    def _compared(self, first: Extraction, second: Extraction) -> Extraction:
        if second.failure is not None or not self._compares:
            return Extraction([], failure=second.failure)
        sections: dict[str, tuple[list[Mention], list[Mention]]] = defaultdict(lambda: ([], []))
        for side, extraction in enumerate((first, second)):
            for mention in extraction.mentions:
                sections[mention.section][side].append(mention)
        agreed: list[Mention] = []
        differing: list[Differing] = []
        for one, other in sections.values():
            pairs = dict(matched([mention.spans for mention in one], [mention.spans for mention in other]))
            for at, mention in enumerate(one):
                met = other[pairs[at]] if at in pairs else None
                if met is not None and met.assertion == mention.assertion:
                    agreed.append(mention)
                else:
                    differing.append(self._differing(mention, met))
            alone = set(range(len(other))) - set(pairs.values())
            differing += [self._differing(None, other[at]) for at in sorted(alone)]
        refused = tuple(dict.fromkeys((*first.refused, *second.refused)))
        return Extraction(agreed, refused=refused, differing=tuple(differing))

    def _differing(self, *mentions: Mention | None) -> Differing:
        sides = zip(self._names, mentions, strict=True)
        return Differing({name: mention for name, mention in sides if mention is not None})


def _both(first: tuple[str, ...] | None, second: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if first is None or second is None:
        return first if second is None else second
    return tuple(language for language in first if language in second)
