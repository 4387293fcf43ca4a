"""Mining chunks of reports, on this machine or on others, in order and in bounded memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa

from ingest.extractors.load import make_extractor
from ingest.extractors.protocol import Differing, Extraction, Extractor
from ingest.mention import Mention
from ingest.report import Report
from ingest.reports.dispute_rows import dispute_row
from ingest.reports.options import ExtractorOptions
from ingest.reports.rows import mined_sections, observation_batch
from kb.engines.local import LocalEngine
from kb.engines.work import Engine, Stream, Work
from kb.language.facets import Facets
from kb.vocabulary.concept_rows import new_concept

T = TypeVar("T")

INLINE_CHUNKS = 10
"""Chunks mined before another process is started: a small ingest is done before one would be up."""

WAITING_CHUNKS = 32
"""Mined chunks for each worker that may wait for an earlier one: memory stays bounded while a process starts."""


@dataclass(frozen=True, slots=True)
class MinedChunk:
    """The observations of one chunk and its concepts, of which `mine_chunks` leaves out those of earlier chunks.

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
    """Mines chunks with one extractor; what comes of a chunk does not depend on those before it."""

    def __init__(self, setup: MinerSetup, extractor: Extractor | None = None):
        self._setup = setup
        self._extractor = extractor or make_extractor(setup.extractor)
        # What is loaded by now stays: the collector need not look through spaCy and the tables again and again, which
        # took a quarter of the mining.
        gc.freeze()

    def mine(self, reports: Sequence[Report]) -> MinedChunk:
        """Mine `reports`."""
        with _collector_at_rest():
            return self._mined(reports)

    def _mined(self, reports: Sequence[Report]) -> MinedChunk:
        found = self._extractor.extract([mined_sections(report, self._setup.sections) for report in reports])
        if not self._setup.store_text:
            found = [_in_words_of_concepts(one) for one in found]
        mined = [(report.report_id, one.mentions) for report, one in zip(reports, found, strict=True)]
        facets: dict[str, Facets] = {}
        for _, mentions in mined:
            for mention in mentions:
                facets.setdefault(mention.facets.concept_id, mention.facets)
        concepts = [_mined_concept(one, self._setup.extractor.name) for one in facets.values()]
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
    engine: Engine | None = None,
    extractor: Extractor | None = None,
) -> Iterator[tuple[T, MinedChunk]]:
    """Each of `chunks` with what was mined from its reports, in order, each concept with the first chunk that has it.

    Args:
        chunks: what is mined, a few reports at a time.
        reports_of: the reports of a chunk.
        setup: how they are mined.
        engine: where; None is this process.
        extractor: what mines in this process, where it is made already.
    """
    engine = engine or LocalEngine()
    work = Work(
        name="mining",
        begin=partial(_begin, setup),
        here=None if engine.remote else partial(map, Miner(setup, extractor).mine),
        first_here=INLINE_CHUNKS,
        ahead=WAITING_CHUNKS,
    )
    known: set[str] = set()
    for chunk, mined in engine.map(work, chunks, reports_of):
        concepts = [row for row in mined.concepts if row["concept_id"] not in known]
        known.update(row["concept_id"] for row in concepts)
        yield chunk, replace(mined, concepts=concepts)


def _begin(setup: MinerSetup) -> Stream[Sequence[Report], MinedChunk]:
    return partial(map, Miner(setup).mine)
