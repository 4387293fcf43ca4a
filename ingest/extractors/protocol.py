"""The one protocol that every extractor follows, whatever it mines with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingest.extractors.estimate import Estimate
from ingest.extractors.usage import Usage
from ingest.grammar.language import LEFT_OUT
from ingest.mention import Mention
from ingest.report import Section

REFUSAL = "llm: "
REFUSALS = (REFUSAL, LEFT_OUT)
"""What the reason of a refused statement begins with: such a reject stands as long as its report is not mined again."""


@dataclass(frozen=True, slots=True)
class Differing:
    """A statement that two extractors read differently: each one's reading by its name, the first one's first.

    Where one alone finds the statement, there is but its reading.
    """

    readings: Mapping[str, Mention]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What became of one report: its mentions, and what could not be taken.

    `refused` says why single statements of an extractor were not taken: they go to the rejects, the report stays.
    `failure` says why the report as a whole could not be mined: it is rejected, and tried again another time.
    `differing` are the statements that wait for a decision, where a second extractor gave its opinion.
    """

    mentions: list[Mention]
    refused: tuple[str, ...] = ()
    failure: str | None = None
    differing: tuple[Differing, ...] = ()


class Extractor(Protocol):
    """Mines the observations of reports.

    `fingerprint` changes whenever the same text could give other observations (version, rules, lexicon,
    prompt, model): it is stored with every report, and a report is mined again only when it differs and the
    user asks for it. `languages` are those that it reads; None: any. `chunk_reports` are best handed to it at once;
    `in_processes` says whether several processes of it mine faster than one. `usage` is what it has used so far,
    where it uses anything.
    """

    name: str
    languages: tuple[str, ...] | None
    fingerprint: str
    chunk_reports: int
    in_processes: bool

    @property
    def broken(self) -> Exception | None:
        """Why it can go on no further: what it handed over last is to be kept, and the work to end."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What it has used since it was made; None if it uses nothing that counts."""
        ...

    @property
    def estimate(self) -> Estimate | None:
        """What it has estimated instead of mining; None if it mines."""
        ...

    def rehearsal(self) -> Extractor:
        """What stands in for it in a dry run: itself, unless mining costs something."""
        ...

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text."""
        ...
