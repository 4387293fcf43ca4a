"""The one protocol that every extractor follows, whatever it mines with."""

from collections.abc import Sequence
from typing import Protocol

from ingest.mention import Mention
from ingest.report import Section


class Extractor(Protocol):
    """Mines the observations of one report.

    `fingerprint` changes whenever the same text could give other observations (version, rules, lexicon,
    prompt, model): it is stored with every report, and a report is mined again only when it differs and the
    user asks for it.
    """

    name: str
    fingerprint: str

    def extract(self, sections: Sequence[Section]) -> list[Mention]:
        """Mine the sections of one report, in order; spans count characters of each section's text."""
        ...
