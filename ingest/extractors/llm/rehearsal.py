"""A dry run of the `llm` extractor: nobody is asked, and what would be is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Self

from ingest.extractors.estimate import Estimate
from ingest.extractors.llm.endpoint import Endpoint
from ingest.extractors.llm.prompts import shown, shown_together
from ingest.extractors.llm.tokens import answer_tokens, prompt_tokens
from ingest.extractors.protocol import Extraction
from ingest.extractors.rules import RulesExtractor
from ingest.grammar.sentences import split_sentences
from ingest.mention import Mention
from ingest.report import Section
from kb.batched import batched


class LlmRehearsal:
    """Stands in for the extractor in a dry run: finds nothing, and estimates what asking would come to.

    The tokens of prompts are told from their letters; an answer is taken to be the one that the rules would give.
    """

    name = "llm"
    languages: tuple[str, ...] | None = None
    in_processes = False
    usage = None
    broken = None

    def __init__(self, endpoint: Endpoint, fingerprint: str, chunk_reports: int):
        self.fingerprint = fingerprint
        self.chunk_reports = chunk_reports
        self._prompts, self._options = endpoint.prompts, endpoint.options
        self._constant = [prompt_tokens(prompt.system) for prompt in endpoint.prompts]
        self._rules = RulesExtractor()
        self._so_far = Estimate(model=endpoint.model)

    @property
    def estimate(self) -> Estimate:
        """What asking about all reports so far would come to."""
        found, price = self._so_far, self._options.price
        if price is not None:
            found.cost = (found.input_tokens * price[0] + found.output_tokens * price[1]) / 1e6
        return found

    def rehearsal(self) -> Self:
        """Itself."""
        return self

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Count what would be asked about the reports; nothing is found in any of them."""
        entries = [[section for section in sections if section.text.strip()] for sections in reports]
        for group in batched((sections for sections in entries if sections), self._options.batch):
            several = len(group) > 1
            text = shown_together(group) if several else shown(group[0])
            self._so_far.reports += len(group)
            self._so_far.requests += 1
            self._so_far.shared_tokens += self._constant[several]
            self._so_far.input_tokens += self._constant[several] + prompt_tokens(text)
            self._so_far.output_tokens += sum(answer_tokens(self._answer(sections)) for sections in group)
        return [Extraction([]) for _ in reports]

    def _answer(self, sections: Sequence[Section]) -> str:
        """The answer as the rules would give it; of a text that they do not read, each sentence is a statement."""
        (found,) = self._rules.extract([sections])
        texts = {section.name: section.text for section in sections}
        said = [_statement(texts[one.section], one) for one in found.mentions]
        if found.failure is not None:
            said = [
                _entry(section.name, [section.text[start:end]], section.text[start:end])
                for section in sections
                for start, end in split_sentences(section.text)
            ]
        return json.dumps({"observations": said}, ensure_ascii=False)


def _statement(text: str, one: Mention) -> dict[str, object]:
    return _entry(one.section, [text[start:end] for start, end in one.spans])


def _entry(section: str, quote: list[str], english: str = "") -> dict[str, object]:
    drawn = {"assertion": "present", "certainty": "definite", "temporality": "current"}
    return {"section": section, "quote": quote, "observation": english, **drawn}
