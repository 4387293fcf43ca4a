"""The `llm` extractor: asks about many reports at once, and turns what is said into mentions that stand in the text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any, TypeVar

from ingest.extractors.llm.aligned import aligned
from ingest.extractors.llm.answer import BadAnswer, Said, read_answer, read_answers
from ingest.extractors.llm.endpoint import TEMPERATURES, Endpoint, NoAnswer
from ingest.extractors.llm.prompts import (
    Prompt,
    prompt_of_one,
    prompt_of_several,
    read_instructions,
    shown,
    shown_together,
)
from ingest.extractors.llm.rehearsal import LlmRehearsal
from ingest.extractors.protocol import REFUSAL, Extraction
from ingest.extractors.usage import Usage
from ingest.report import Section
from ingest.reports.options import ExtractorOptions
from kb.batched import batched
from kb.errors import ClearKbError
from kb.language.lexicon import load_lexicon

VERSION = "1"
"""Raised whenever the code makes other mentions of the same answer."""

CHUNKS_OF = 8
"""Requests handed over at once, for each that may be under way: enough that few wait for the slowest."""

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
    estimate = None

    def __init__(self, endpoint: Endpoint):
        self._endpoint = endpoint
        self._concurrency, self._batch = endpoint.options.concurrency, endpoint.options.batch
        self.usage: Usage = endpoint.usage
        self.chunk_reports = CHUNKS_OF * self._concurrency * self._batch
        self.fingerprint = _fingerprint(endpoint)
        self._silent = 0
        self._used = False
        self._patience = self._concurrency + GIVES_UP_AFTER
        self.broken: ClearKbError | None = None

    @classmethod
    def connect(cls, options: ExtractorOptions) -> LlmExtractor:
        """An extractor for the endpoint that `options.model` names; nothing is asked yet.

        Raises:
            UsageError: no endpoint is named, there is no such dialect, or the file of instructions is not there.
        """
        return cls(Endpoint.named(options, prompts_of(options)))

    def rehearsal(self) -> LlmRehearsal:
        """What stands in for it in a dry run: nobody is asked."""
        return LlmRehearsal(self._endpoint, self.fingerprint, self.chunk_reports)

    def extract(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        """Mine the sections of each report, in order; spans count characters of each section's text.

        An endpoint that goes away in the middle leaves `broken` behind: what it answered before is handed over.

        Raises:
            ClearKbError: the endpoint refuses us, does not answer, or gives nothing that can be used.
        """
        if self.broken is not None:
            raise self.broken
        try:
            found = _run(self._all(reports))
        except NoAnswer as error:
            raise self._nothing("no answer", str(error)) from error
        failures = [one.failure for one in found if one.failure is not None and one.failure != NOT_ASKED]
        if failures and not self._used and (self._silent or len(failures) > self._patience):
            what = "no answer" if self._silent else f"nothing that can be used, asked in the dialect {self._dialect}"
            raise self._nothing(what, failures[-1].removeprefix(REFUSAL))
        return found

    @property
    def _dialect(self) -> str:
        return self.usage.dialect

    def _nothing(self, what: str, why: str) -> ClearKbError:
        spent = f"{self.usage.requests:,} requests, {self.usage.input_tokens + self.usage.output_tokens:,} tokens"
        return ClearKbError(f"{self._endpoint.url} gives {what} ({spent}): {why}")

    async def _all(self, reports: Sequence[Sequence[Section]]) -> list[Extraction]:
        entries = [[section for section in sections if section.text.strip()] for sections in reports]
        asked = [at for at, sections in enumerate(entries) if sections]
        found = [Extraction([]) for _ in reports]
        if not asked:
            return found
        self.usage.reports += len(asked)
        gate = asyncio.Semaphore(self._concurrency)
        async with self._endpoint.client() as client:
            await self._endpoint.settle(client)
            groups = list(batched(asked, self._batch))
            work = [self._group(client, gate, [entries[at] for at in group]) for group in groups]
            tasks = [asyncio.create_task(one) for one in work]
            try:
                for group, extractions in zip(groups, await asyncio.gather(*tasks), strict=True):
                    for at, extraction in zip(group, extractions, strict=True):
                        found[at] = extraction
            finally:
                for task in tasks:
                    task.cancel()
        return found

    async def _group(
        self, client: Any, gate: asyncio.Semaphore, reports: Sequence[Sequence[Section]]
    ) -> list[Extraction]:
        """Ask about several reports at once, and about each of those by itself that the answer is no use for."""
        if len(reports) == 1:
            return [await self._one(client, gate, reports[0])]
        found: list[Extraction | None] = [None] * len(reports)
        async with gate:
            if self.broken is not None:
                return [Extraction([], failure=NOT_ASKED) for _ in reports]
            prompt, text = self._endpoint.prompts[1], shown_together(reports)
            try:
                said = await self._endpoint.ask(client, prompt, text, read_answers, answers=len(reports), tries=1)
            except BadAnswer:
                self._silent = 0
            except NoAnswer as error:
                return [self._unanswered(error, reports=len(reports))] * len(reports)
            else:
                self._silent, self._used = 0, True
                found = [self._of_several(said.get(str(at)), one) for at, one in enumerate(reports, start=1)]
        alone = [at for at, one in enumerate(found) if one is None]
        self.usage.split += len(alone)
        again = await asyncio.gather(*(self._one(client, gate, reports[at]) for at in alone))
        of = dict(zip(alone, again, strict=True))
        return [one if one is not None else of[at] for at, one in enumerate(found)]

    def _of_several(self, said: Sequence[Said] | None, sections: Sequence[Section]) -> Extraction | None:
        """What was said of one report of several; None where it is missing, or nothing of it stands in the report."""
        if said is None:
            return None
        found = aligned(said, sections)
        return None if said and not found[0] else self._counted(*found)

    async def _one(self, client: Any, gate: asyncio.Semaphore, sections: Sequence[Section]) -> Extraction:
        async with gate:
            if self.broken is not None:
                return Extraction([], failure=NOT_ASKED)
            try:
                said = await self._endpoint.ask(client, self._endpoint.prompts[0], shown(sections), read_answer)
            except BadAnswer as error:
                self._silent = 0
                self.usage.failed += 1
                return Extraction([], failure=f"{REFUSAL}{error}")
            except NoAnswer as error:
                return self._unanswered(error)
        self._silent, self._used = 0, True
        return self._counted(*aligned(said, sections))

    def _counted(self, mentions: list[Any], refused: list[str]) -> Extraction:
        self.usage.aligned += len(mentions)
        self.usage.refused += len(refused)
        self.usage.loops += sum("(a loop)" in reason for reason in refused)
        return Extraction(mentions, tuple(refused))

    def _unanswered(self, error: NoAnswer, *, reports: int = 1) -> Extraction:
        self._silent += 1
        self.usage.failed += reports
        if self._silent >= self._patience:
            self.broken = ClearKbError(
                f"{self._endpoint.url} gives no answer any more, {self._silent} times in a row ({error}): what was "
                "mined is kept; once it answers, the same command goes on"
            )
        return Extraction([], failure=f"{REFUSAL}no answer: {error}")


def prompts_of(options: ExtractorOptions) -> tuple[Prompt, ...]:
    """What is asked of one report and, where they are asked about together, of several."""
    instructions = read_instructions(options.prompt)
    one = prompt_of_one(instructions)
    return (one, prompt_of_several(instructions)) if options.batch > 1 else (one,)


def _fingerprint(endpoint: Endpoint) -> str:
    """Model, instructions and settings: all that another answer to the same report could come from."""
    options = endpoint.options
    asked = json.dumps([prompt.system for prompt in endpoint.prompts])
    prompt = blake2b(asked.encode(), digest_size=5).hexdigest()
    settings = f"seed{options.seed}.max{options.max_tokens}.temperature{'-'.join(map(str, TEMPERATURES))}"
    together = f".batch{options.batch}" if options.batch > 1 else ""
    return f"llm/{VERSION}+{endpoint.model}+prompt.{prompt}+{settings}{together}+{load_lexicon().fingerprint}"


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end: in a thread of its own where a loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
