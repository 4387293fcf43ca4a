"""Mining chunks of reports, in this process or in several, in order and in bounded memory."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Any, TypeVar

import pyarrow as pa

from ingest.extractors.load import make_extractor
from ingest.extractors.protocol import Differing, Extraction, Extractor
from ingest.mention import Mention
from ingest.report import Report
from ingest.reports.dispute_rows import dispute_row
from ingest.reports.options import ExtractorOptions
from ingest.reports.rows import mined_sections, observation_batch
from kb.language.facets import Facets
from kb.vocabulary.concept_rows import new_concept

T = TypeVar("T")

INLINE_CHUNKS = 10
"""Chunks mined before another process is started: a small ingest is done before one would be up."""

WAITING_CHUNKS = 64
"""Mined chunks that may wait for an earlier one, so that memory stays bounded while a process starts."""


@dataclass(frozen=True, slots=True)
class MinedChunk:
    """The observations of one chunk, and the concepts that this miner had not brought up before.

    `refused` statements and `failed` reports tell which report of the chunk, by its place, and why. `disputes` are rows
    of the statements on which two extractors differ.
    """

    observations: pa.RecordBatch
    concepts: list[dict[str, Any]]
    refused: list[tuple[int, str]] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    disputes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MinerSetup:
    """What makes two miners alike: the extractor, the fingerprint they stamp, the sections they mine.

    Without `store_text` a mention keeps the words of its concept in place of its own.
    """

    extractor: ExtractorOptions
    fingerprint: str
    sections: tuple[str, ...]
    store_text: bool = True


class Miner:
    """Mines chunks with one extractor and remembers which concepts it has handed on."""

    def __init__(self, setup: MinerSetup, extractor: Extractor | None = None):
        self._setup = setup
        self._extractor = extractor or make_extractor(setup.extractor)
        # What is loaded by now stays: the collector need not look through spaCy and the tables again and again, which
        # took a quarter of the mining.
        gc.freeze()
        self._known: set[str] = set()

    def mine(self, reports: Sequence[Report]) -> MinedChunk:
        """Mine `reports`."""
        with _collector_at_rest():
            return self._mined(reports)

    def _mined(self, reports: Sequence[Report]) -> MinedChunk:
        found = self._extractor.extract([mined_sections(report, self._setup.sections) for report in reports])
        if not self._setup.store_text:
            found = [_in_words_of_concepts(one) for one in found]
        mined = [(report.report_id, one.mentions) for report, one in zip(reports, found, strict=True)]
        concepts: list[dict[str, Any]] = []
        for _, mentions in mined:
            for mention in mentions:
                concept_id = mention.facets.concept_id
                if concept_id not in self._known:
                    self._known.add(concept_id)
                    concepts.append(_mined_concept(mention.facets, self._setup.extractor.name))
        refused = [(at, reason) for at, one in enumerate(found) for reason in one.refused]
        failed = {at: one.failure for at, one in enumerate(found) if one.failure is not None}
        disputes = [
            dispute_row(report.report_id, differing, self._setup.fingerprint)
            for report, one in zip(reports, found, strict=True)
            for differing in one.differing
        ]
        return MinedChunk(observation_batch(mined, self._setup.fingerprint), concepts, refused, failed, disputes)


def _in_words_of_concepts(found: Extraction) -> Extraction:
    """What was found, with no word of the report in it but what became vocabulary."""

    def told(mention: Mention) -> Mention:
        return mention._replace(text=mention.facets.text)

    differing = [Differing({name: told(mention) for name, mention in one.readings.items()}) for one in found.differing]
    return replace(found, mentions=[told(mention) for mention in found.mentions], differing=tuple(differing))


def _mined_concept(facets: Facets, extractor: str) -> dict[str, Any]:
    """A new concept; what is no observation that could be told by itself is put aside."""
    return new_concept(facets, extractor, "candidate" if facets.well_formed else "aside")


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Without the collector of cycles: mining makes none, and to look for them again and again takes a tenth."""
    works = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if works:
            gc.enable()


def mine_chunks(
    chunks: Iterable[T],
    reports_of: Callable[[T], Sequence[Report]],
    setup: MinerSetup,
    *,
    workers: int = 1,
    extractor: Extractor | None = None,
) -> Iterator[tuple[T, MinedChunk]]:
    """Each of `chunks` with what was mined from its reports, in order, by this process and `workers` - 1 others.

    This process mines too (with `extractor`, where one is made): the others take seconds to start, and it does not
    wait for them.
    """
    chunks = iter(chunks)
    miner = Miner(setup, extractor)
    for done, chunk in enumerate(chunks, start=1):
        yield chunk, miner.mine(reports_of(chunk))
        if workers > 1 and done == INLINE_CHUNKS:
            yield from _with_others(chunks, reports_of, miner, setup, workers - 1)


def _with_others(
    chunks: Iterator[T], reports_of: Callable[[T], Sequence[Report]], miner: Miner, setup: MinerSetup, others: int
) -> Iterator[tuple[T, MinedChunk]]:
    # Lance has threads running here: a forked child could inherit a locked lock, a spawned one cannot.
    with ProcessPoolExecutor(others, get_context("spawn"), _start_worker, (setup,)) as pool:
        mined: deque[tuple[T, Future[MinedChunk]]] = deque()
        for chunk in chunks:
            away = sum(not future.done() for _, future in mined)
            if away < 2 * others:
                mined.append((chunk, pool.submit(_mine_in_worker, reports_of(chunk))))
            else:
                mined.append((chunk, _done(miner.mine(reports_of(chunk)))))
            while mined and (mined[0][1].done() or len(mined) > WAITING_CHUNKS):
                first, future = mined.popleft()
                yield first, future.result()
        for first, future in mined:
            yield first, future.result()


def _done(chunk: MinedChunk) -> Future[MinedChunk]:
    future: Future[MinedChunk] = Future()
    future.set_result(chunk)
    return future


_worker: Miner


def _start_worker(setup: MinerSetup) -> None:
    global _worker
    _worker = Miner(setup)


def _mine_in_worker(reports: Sequence[Report]) -> MinedChunk:
    return _worker.mine(reports)
