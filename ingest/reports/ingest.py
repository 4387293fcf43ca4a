"""The main job: reports from files into the knowledge base, mined and embedded, as one commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ingest.extractors.estimate import time_by_rate
from ingest.extractors.load import make_extractor
from ingest.extractors.protocol import Extractor
from ingest.grammar.language import count_languages
from ingest.report import Report
from ingest.reports.intake import Incoming, Intake, RewrittenError
from ingest.reports.journal import Journal
from ingest.reports.mining import MinerSetup, mine_chunks
from ingest.reports.options import IngestOptions, IngestResult
from ingest.reports.publishing import load_known, load_stored, publish_ingest
from ingest.reports.resume import open_journal
from ingest.reports.staging import Stager
from ingest.scope.asked import Asked
from ingest.sources import Source, open_source
from ingest.sources.hashed import HashedSource
from kb.engines.local import LocalEngine
from kb.engines.work import Engine
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.same_ids import require_same_ids
from kb.progress import Silent, Watcher
from kb.reading.file_name import require_text
from kb.store.commits import Commit
from kb.vectors.embedding import Embedder, EmbeddingCache

logger = logging.getLogger("clear_kb.ingest")


def ingest_reports(
    kb: KnowledgeBase,
    paths: Sequence[str | Path | Source],
    options: IngestOptions | None = None,
    *,
    embedder: Callable[[], Embedder] | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
    extractor: Extractor | None = None,
    allow_unjoined: bool = False,
    engine: Engine | None = None,
) -> IngestResult:
    """Ingest the reports of `paths` into `kb` as one commit.

    Args:
        kb: where to; it stands on the new commit afterwards.
        paths: files or folders, each of any known format; or what `open_sources` made of them.
        options: how to read and mine.
        embedder: gives the embedder for new concepts, called once there is something new; None embeds
            nothing (`kb.vocabulary.embed_concepts` fills in later).
        by: who; default: the login name.
        why: the reason, for the log.
        dry_run: read and mine, count, and write nothing; no language model is asked, what that comes to is estimated.
        watcher: hears how far it is.
        extractor: what `make_extractor` made of `options.extractor`, where it is made already.
        allow_unjoined: take them also where no image that is stored has any of the reports, as a data set of their own.
        engine: where reports are mined and concepts embedded; None: this machine, by `options.workers` processes.

    Raises:
        UsageError: a source, column, section or extractor is not there, or the extractor mines on this machine alone.
        ClearKbError: a source cannot be read, the embedder fails, or images are stored and none of them would have a
            report; what was mined is kept for the next run.

    An ingest that is killed leaves the knowledge base as it was; started again, it goes on where it was.
    """
    options = options or IngestOptions()
    require_same_ids(kb, options.key, where=kb.uri)
    sources = open_sources(paths, options)
    extractor = extractor or make_extractor(options.extractor)
    if engine is not None and engine.remote and not extractor.in_processes:
        raise UsageError(
            f"the extractor {options.extractor.name} waits for a language model and counts what it costs in one "
            "process: mine with it on this machine",
            parameter="engine",
        )
    if dry_run:
        extractor = extractor.rehearsal()
    told = _Told(by=by, why=why, dry_run=dry_run, allow_unjoined=allow_unjoined)
    run = partial(
        _run,
        kb,
        sources,
        options,
        extractor=extractor,
        embedder=embedder,
        engine=engine or LocalEngine(options.workers),
        told=told,
        watcher=watcher,
    )
    try:
        return run()
    except RewrittenError as error:
        logger.info("reports: %s; the ingest begins anew", error)
        return run(anew=True)


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What the caller says of the commit: who, why, whether there is to be one."""

    by: str | None
    why: str | None
    dry_run: bool
    allow_unjoined: bool


def _run(
    kb: KnowledgeBase,
    sources: Sequence[Source],
    options: IngestOptions,
    *,
    extractor: Extractor,
    embedder: Callable[[], Embedder] | None,
    engine: Engine,
    told: _Told,
    watcher: Watcher | None,
    anew: bool = False,
) -> IngestResult:
    started = time.monotonic()
    dry_run = told.dry_run
    fingerprint = f"{extractor.fingerprint}|{'+'.join(sorted(options.sections))}"
    settings = (fingerprint, options.settings())
    with open_journal(kb, sources, settings, temporary=dry_run, anew=anew) as journal:
        if options.key is not None:
            sources = [HashedSource(source, options.key) for source in sources]
        load_stored(journal, kb.dataset("reports"))
        staged = journal.outcomes(fingerprint)
        intake = Intake(
            sources=sources,
            journal=journal,
            fingerprint=fingerprint,
            remine=options.remine,
            watcher=watcher or Silent(),
            asked=Asked.of(options.scope, options.where),
            resumed=sum(staged.values()),
        )
        job = _Job(
            *(kb, journal, intake, options, extractor),
            embedder=None if dry_run else embedder,
            engine=engine,
            dry_run=dry_run,
        )
        logger.debug("reports: %d sources, mined by %s, workers %d", len(sources), fingerprint, options.workers)
        job.mine()
        intake.require_as_staged()
        mining_seconds = time.monotonic() - started - job.loading_seconds
        logger.info("reports: %d read and mined, %d rejected, %.2f s", intake.read, intake.rejected, mining_seconds)
        load_known(journal, kb.dataset("concepts"))
        new_concepts = journal.new_concept_count()
        computed = job.embed()
        logger.info("reports: %d new concepts, %d embedded, embedder %s", new_concepts, computed, job.embedder_name)
        commit = None
        if not dry_run:
            intake.watcher.stage("writing", None)
            names = [source.name for source in sources]
            commit = publish_ingest(
                kb,
                journal,
                names,
                embedder=job.loaded,
                left_out=intake.left_out,
                mined_by=fingerprint,
                by=told.by,
                why=told.why,
                allow_unjoined=told.allow_unjoined,
                key=options.key,
                used=extractor.usage.summary(mining_seconds) if extractor.usage else None,
            )
        estimate = extractor.estimate
        if estimate is not None:
            estimate.staged = staged.get("new", 0) + staged.get("changed", 0)
            time_by_rate(estimate, kb.log())
        return IngestResult(
            **_counted(intake, journal),
            new_concepts=journal.new_concept_count(),
            embedded=journal.new_concept_count() if job.loaded else 0,
            embeddings_computed=computed,
            mining_seconds=round(mining_seconds, 3),
            seconds=round(time.monotonic() - started, 3),
            dry_run=dry_run,
            dropped=journal.dropped(),
            put_aside=journal.put_aside_count(),
            taken_in=len(journal.taken_in()),
            commit=commit,
            usage=extractor.usage,
            estimate=estimate,
            opinions=_opinions(journal, commit) if options.extractor.second and estimate is None else {},
        )


def _opinions(journal: Journal, commit: Commit | None) -> dict[str, int]:
    """How many statements two extractors agree on, and how many wait for a decision, by the kind of difference."""
    before = commit.summary["decided_before"] if commit else 0
    told = {"agreed": journal.observations(), **journal.disputed()}
    return {**told, "decided before": before} if before else told


def _counted(intake: Intake, journal: Journal) -> dict[str, Any]:
    """What the result tells of the sources and of what became of their reports."""
    outcomes = journal.outcomes(intake.fingerprint)
    languages, sentences = count_languages(row["reason"] for row in journal.rejects())
    unused = dict.fromkeys(column for source in intake.sources for column in source.unused_columns)
    return {
        "sources": tuple(source.name for source in intake.sources),
        "unused_columns": tuple(unused),
        "read": intake.read,
        "new": outcomes.get("new", 0),
        "changed": outcomes.get("changed", 0),
        "unchanged": outcomes.get("unchanged", 0),
        "other_extractor": outcomes.get("other extractor", 0),
        "repeated": intake.repeated,
        "rejected": intake.rejected,
        "left_out": tuple(intake.left_out),
        "observations": journal.observations(),
        "refused": journal.refused(),
        "languages": dict(languages.most_common()),
        "foreign_sentences": dict(sentences.most_common()),
    }


class _Job:
    """One ingest between its reading and its publishing."""

    def __init__(
        self,
        kb: KnowledgeBase,
        journal: Journal,
        intake: Intake,
        options: IngestOptions,
        extractor: Extractor,
        *,
        embedder: Callable[[], Embedder] | None,
        engine: Engine,
        dry_run: bool,
    ):
        self.loaded: Embedder | None = None
        self.loading_seconds = 0.0
        self._kb = kb
        self._journal = journal
        self._intake = intake
        self._options = options
        self._extractor = extractor
        self._embedder = embedder
        self._engine = engine
        self._stager = Stager(
            None if dry_run else kb.storage, journal, intake, sections=options.sections, store_text=options.store_text
        )

    def mine(self) -> None:
        """Mine and stage every report that is new or changed.

        What was mined is staged also where the mining then fails: a language model's work is not paid twice.
        """
        options, extractor = self._options, self._extractor
        setup = MinerSetup(options.extractor, self._intake.fingerprint, options.sections, options.store_text)
        chunks = self._intake.chunks(extractor.chunk_reports)
        engine = self._engine if extractor.in_processes else LocalEngine()
        try:
            for chunk, mined in mine_chunks(chunks, _reports, setup, engine=engine, extractor=extractor):
                self._stager.add(chunk, mined)
                self._load_embedder()
                if extractor.broken is not None:
                    raise extractor.broken
        except BaseException:
            self._stager.flush_after_failure()
            raise
        self._stager.flush()

    def embed(self) -> int:
        """Embed the new concepts into the cache; says how many vectors had to be computed."""
        total = self._journal.new_concept_count()
        if not total or not self._load_embedder():
            return 0
        assert self.loaded is not None
        texts = [row["text"] for row in self._journal.new_concepts()]
        self._intake.watcher.stage("embedding", total)
        done = 0

        def on_done(count: int) -> None:
            nonlocal done
            done += count
            self._intake.watcher.advance(done, done)

        return EmbeddingCache(self._kb.storage, self.loaded.info).fill(texts, self.loaded, on_done, self._engine)

    @property
    def embedder_name(self) -> str:
        """The embedder that was loaded, or "none"."""
        return self.loaded.info.name if self.loaded else "none"

    def _load_embedder(self) -> bool:
        # Loaded with the first thing new rather than after the mining: if it fails, it fails early; and an
        # ingest that meets nothing new never waits for it.
        if self.loaded is None and self._embedder is not None:
            started = time.monotonic()
            loaded, stored = self._embedder(), self._kb.embedder
            self.loading_seconds = time.monotonic() - started
            if stored is not None and stored.embedder_id != loaded.info.embedder_id:
                raise UsageError(
                    f"the vocabulary is embedded with {stored.name}, not {loaded.info.name}: name no embedder, "
                    "or change it for all concepts first",
                    need="other embedder",
                )
            self.loaded = loaded
        return self.loaded is not None


def _reports(chunk: Sequence[Incoming]) -> list[Report]:
    return [incoming.report for incoming in chunk]


def open_sources(paths: Sequence[str | Path | Source], options: IngestOptions) -> list[Source]:
    """The sources that files and folders are; whatever is wrong with one of them is said before any work begins."""
    if not paths:
        raise UsageError("name at least one file or folder of reports")
    for path in paths:
        if isinstance(path, str | Path):
            require_text(path)
    asked = Asked.of(options.scope, options.where)
    return [
        open_source(
            path,
            source_format=options.source_format,
            mapping=options.mapping,
            encoding=options.encoding,
            max_chars=options.max_chars,
            fields=asked.columns,
        )
        if isinstance(path, str | Path)
        else path
        for path in paths
    ]
