"""Each text of a bank as a concept of its own: nothing is merged, so that a sum over the bank has all of its terms.

Texts that say the same ("enlarged heart", "the heart is enlarged") are one concept elsewhere. Here the first of them
has that concept's normal form and with it its id, which is what reports are mined for; the others have it with their
own words behind. Texts that say nothing to the lexicon are their own finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kb.errors import UsageError
from kb.language.facets import Facets, concept_id_of
from kb.language.query_reading import read_query
from kb.vocabulary.concept_rows import new_concept
from kb.vocabulary.records import Row


@dataclass
class VerbatimTexts:
    """Gives the texts of one bank their concepts, in the order of the bank.

    Attributes:
        apart: how many texts would have become another name of a concept met before.
        unread: how many say nothing to the lexicon.
    """

    apart: int = 0
    unread: int = 0
    _taken: set[str] = field(default_factory=set)

    def concept(self, text: str, source: str) -> Row:
        """The row of a text's concept: its text as it stands, but for space around it.

        Raises:
            ValueError: there is no text.
        """
        text = text.strip()
        if not text:
            raise ValueError("text: a needed field is empty")
        row = new_concept(self._facets(text), source)
        form = plain = row["normal_form"]
        copies = 0
        while (concept_id := concept_id_of(form)) in self._taken:
            copies += 1
            form = f"{plain} = {text}" + (f" ({copies})" if copies > 1 else "")
        self._taken.add(concept_id)
        self.apart += copies > 0
        return {**row, "concept_id": concept_id, "normal_form": form, "text": text}

    def _facets(self, text: str) -> Facets:
        try:
            return read_query(text)
        except (ValueError, UsageError):
            self.unread += 1
            finding = " ".join(text.lower().split())
            return Facets(
                assertion="present",
                finding=finding,
                anatomy=None,
                laterality="none",
                severity=None,
                descriptors=(),
                text=finding,
            )
