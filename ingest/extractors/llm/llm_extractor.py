"""The `llm` extractor: asks about many reports at once, and turns what is said into mentions that stand in the text."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from ingest.extractors.llm.alignment import Spans, align
from ingest.extractors.llm.answer import BadAnswer, Said, answer_schema
from ingest.extractors.llm.endpoint import TEMPERATURES, Endpoint, NoAnswer
from ingest.extractors.mentions import mention_at
from ingest.extractors.protocol import REFUSAL, Extraction
from ingest.extractors.usage import Usage
from ingest.mention import Mention
from ingest.report import Section
from ingest.reports.options import ExtractorOptions
from ingest.reports.rows import base_name
from kb.errors import ClearKbError, UsageError
from kb.language.grammar.tokens import has_removed_word
from kb.language.lexicon import load_lexicon

VERSION = "1"
"""Raised whenever the code makes other mentions of the same answer."""

CHUNKS_OF = 8
"""Reports handed over at once, for each request that may be under way: enough that few wait for the slowest."""

GIVES_UP_AFTER = 3
"""Requests in a row without an answer, beyond those under way, after which the endpoint counts as gone."""

NOT_ASKED = f"{REFUSAL}not asked"
"""What became of a report whose turn came when the endpoint was gone."""

T = TypeVar("T")


class LlmExtractor:
    """Mines by asking a language model; every quote is found in the text, or refused."""

    name = "llm"
    languages: tuple[str, ...] | None = None
    in_processes = False

    def __init__(self, endpoint: Endpoint):
        self._endpoint = endpoint
        self._concurrency = endpoint.options.concurrency
        self.usage: Usage = endpoint.usage
        self.chunk_reports = CHUNKS_OF * self._concurrency
        self.fingerprint = _fingerprint(endpoint)
        self._silent = 0
        self._used = False
        self._patience = self._concurrency + GIVES_UP_AFTER
        self.broken: ClearKbError | None = None

    @classmethod
    def connect(cls, options: ExtractorOptions) -> LlmExtractor:
        """An extractor for the endpoint that `options.model` names; nothing is asked yet.

        Raises:
            UsageError: no endpoint is named, or the file of instructions is not there.
        """
        return cls(Endpoint.named(options, _instructions(options.prompt), Usage(price=options.price)))

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text.

        An endpoint that goes away in the middle leaves `broken` behind: what it answered before is handed over.

        Raises:
            ClearKbError: the endpoint refuses us, does not answer, or gives nothing that can be used.
        """
        if self.broken is not None:
            raise self.broken
        found = _run(self._all(reports))
        failures = [one.failure for one in found if one.failure is not None and one.failure != NOT_ASKED]
        if failures and not self._used and (self._silent or len(failures) > self._patience):
            what = "no answer" if self._silent else "nothing that can be used"
            spent = f"{self.usage.requests:,} requests, {self.usage.input_tokens + self.usage.output_tokens:,} tokens"
            raise ClearKbError(f"{self._endpoint.url} gives {what} ({spent}): {failures[-1].removeprefix(REFUSAL)}")
        return found

    async def _all(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        gate = asyncio.Semaphore(self._concurrency)
        async with self._endpoint.client() as client:
            tasks = [asyncio.create_task(self._one(client, gate, sections)) for sections in reports]
            try:
                return await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()

    async def _one(self, client: Any, gate: asyncio.Semaphore, sections: Sequence[Section]) -> Extraction:
        entries = [section for section in sections if section.text.strip()]
        if not entries:
            return Extraction([])
        async with gate:
            if self.broken is not None:
                return Extraction([], failure=NOT_ASKED)
            try:
                said = await self._endpoint.ask(client, _shown(entries))
            except BadAnswer as error:
                self._silent = 0
                self.usage.failed += 1
                return Extraction([], failure=f"{REFUSAL}{error}")
            except NoAnswer as error:
                return self._unanswered(error)
        self._silent, self._used = 0, True
        mentions, refused = aligned(said, entries)
        self.usage.aligned += len(mentions)
        self.usage.refused += len(refused)
        self.usage.loops += sum("(a loop)" in reason for reason in refused)
        return Extraction(mentions, tuple(refused))

    def _unanswered(self, error: NoAnswer) -> Extraction:
        self._silent += 1
        self.usage.failed += 1
        if self._silent >= self._patience:
            self.broken = ClearKbError(
                f"{self._endpoint.url} gives no answer any more, {self._silent} times in a row ({error}): what was "
                "mined is kept; once it answers, the same command goes on"
            )
        return Extraction([], failure=f"{REFUSAL}no answer: {error}")


def aligned(said: Sequence[Said], sections: Sequence[Section]) -> tuple[list[Mention], list[str]]:
    """The mentions that statements are, in the order of the text, and why the others are none."""
    texts = {section.name: section for section in sections}
    reached = dict.fromkeys(texts, 0)
    taken: dict[str, set[Spans]] = {name: set() for name in texts}
    mentions: list[Mention] = []
    refused: list[str] = []
    again: Counter[tuple[str, str]] = Counter()
    for one in said:
        words = " ... ".join(one.quote)
        section = texts.get(one.section) or _named_like(one, sections)
        if section is None:
            refused.append(f"{REFUSAL}{words!r} is quoted from {one.section!r}, which is no section of the report")
            continue
        if has_removed_word(words):
            refused.append(f"{REFUSAL}{words!r} quotes the mark of a removed word")
            continue
        spans = align(one.quote, section.text, taken[section.name], reached=reached[section.name])
        if spans is None:
            if align(one.quote, section.text) is not None:
                again[section.name, words] += 1
            else:
                refused.append(f"{REFUSAL}{words!r} does not stand in {section.name}")
            continue
        taken[section.name].add(spans)
        reached[section.name] = spans[0][0]
        mention = mention_at(
            section,
            spans,
            one.assertion,
            certainty=_certainty(one),
            temporality=one.temporality,
            english=one.observation,
        )
        if mention is None:
            refused.append(f"{REFUSAL}{words!r} says nothing that could be observed")
        else:
            mentions.append(mention)
    refused += [
        f"{REFUSAL}{words!r} is stated {count} times more than it stands in {name}{' (a loop)' if count > 2 else ''}"
        for (name, words), count in again.items()
    ]
    order = list(texts)
    return sorted(mentions, key=lambda mention: (order.index(mention.section), mention.spans)), refused


def _named_like(said: Said, sections: Sequence[Section]) -> Section | None:
    """The section that holds the quote among those of the name: "findings" where a report has it twice."""
    alike = (section for section in sections if base_name(section) == said.section)
    return next((section for section in alike if align(said.quote, section.text) is not None), None)


def _certainty(said: Said) -> Any:
    """What the model says, held to what its assertion allows: only what is uncertain is less than definite."""
    if said.assertion != "uncertain":
        return "definite"
    return "possible" if said.certainty == "definite" else said.certainty


def _shown(sections: Sequence[Section]) -> str:
    return "\n\n".join(f"<{section.name}>\n{section.text}\n</{section.name}>" for section in sections)


def _instructions(path: str | None) -> str:
    if path is None:
        return (files("ingest.extractors.llm") / "prompt.md").read_text(encoding="utf-8")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the instructions {path} cannot be read: {error}") from error


def _fingerprint(endpoint: Endpoint) -> str:
    """Model, instructions and settings: all that another answer to the same report could come from."""
    asked = endpoint.instructions + json.dumps(answer_schema(), sort_keys=True)
    prompt = blake2b(asked.encode(), digest_size=5).hexdigest()
    options = endpoint.options
    settings = f"seed{options.seed}.max{options.max_tokens}.temperature{'-'.join(map(str, TEMPERATURES))}"
    return f"llm/{VERSION}+{endpoint.model}+prompt.{prompt}+{settings}+{load_lexicon().fingerprint}"


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end: in a thread of its own where a loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
