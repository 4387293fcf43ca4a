"""Mining speed: against medspaCy on the same reports, one process each, and a whole ingest of 100,000 reports.

Twice: on the Open-i reports, where they are at hand, each mined once with nothing remembered; and on a stream of made
reports that repeat themselves as those of a hospital do, for remembering sentences is part of the design.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from bench.measure import Row, ratio_row, seconds
from bench.mesh_agreement import FINDINGS, REPORTS, coded_findings, f1, totals
from bench.peer import Peer, mine_with_medspacy
from ingest.demo import phantom_studies, write_phantom_reports, write_report
from ingest.extractors.rules import RulesExtractor
from ingest.report import Report, Section
from ingest.reports.ingest import ingest_reports
from ingest.reports.mining import MinerSetup, mine_chunks
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.batched import batched
from kb.knowledge_base import KnowledgeBase

STREAM = 20_000
INGESTED = 100_000
ALTERNATIONS = 5
"""Rounds in which the peer and the miner take turns on the same reports, so that a noisy machine disturbs both."""


def run() -> list[Row]:
    """Measure, and tell the ratios."""
    rows, _ = _against_medspacy("made reports that repeat themselves", _made(STREAM))
    if REPORTS.exists():
        rows += _on_openi()
    return [*rows, *_whole_ingest()]


def _made(count: int) -> list[Report]:
    return [
        Report(one.report_id, (Section("findings", one.findings), Section("impression", one.impression)), f"row {n}")
        for n, one in enumerate(write_report(study).report for study in phantom_studies(count, seed=1))
    ]


def _on_openi() -> list[Row]:
    with REPORTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    reports = [
        Report(row["uid"], tuple(Section(name, row[name]) for name in ("findings", "impression")), f"row {n}")
        for n, row in enumerate(rows)
    ]
    speed, peer = _against_medspacy("distinct Open-i reports, each once, nothing remembered", reports)
    found = []
    for row, labels in zip(rows, peer.labels, strict=True):
        coded = coded_findings(row["mesh_major"])
        if coded is not None:
            found.append((coded, frozenset(name for name, (_, ours) in FINDINGS.items() if ours & labels)))
    agreement = f"{f1(*totals(found)):.3f}"
    told = f"medspaCy {peer.version} with the same targets, affirmed and not hypothetical"
    return [
        *speed,
        Row("report-level micro F1 of the peer against MeSH coding", agreement, "", told),
    ]


def _against_medspacy(what: str, reports: Sequence[Report]) -> tuple[list[Row], Peer]:
    """The speed against medspaCy, as the median of alternations, and what it found."""
    texts = [_text(report) for report in reports]
    peers: list[Peer] = []
    ours: list[float] = []
    for _ in range(ALTERNATIONS):
        peers.append(mine_with_medspacy(texts))
        ours.append(_fresh_seconds(reports))
    theirs = [peer.seconds for peer in peers]
    count = len(reports)
    rate, rate_of_peer = (f"{count / statistics.median(taken):,.0f} reports/s" for taken in (ours, theirs))
    against = f"medspaCy {peers[0].version}, the same {count:,}, {rate_of_peer}; median of {ALTERNATIONS} turns"
    row = ratio_row(f"mining, one process, {what}", theirs, ours, against, better="higher", told=rate)
    return [row], peers[0]


def _whole_ingest() -> list[Row]:
    """From a CSV to a committed knowledge base, without embedding, on all cores."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "reports.csv"
        write_phantom_reports(source, INGESTED, seed=2)
        kb = KnowledgeBase.create(Path(folder) / "bench.kb", by="bench")
        result = ingest_reports(kb, [source], IngestOptions(workers=2))
    what, rate = f"ingest of {INGESTED:,} reports, not embedded", result.read / result.seconds
    limit = "the limit that was set: 1,000 reports/s"
    return [Row(what, f"{rate:,.0f} reports/s", "", limit, number=rate, better="higher")]


def _text(report: Report) -> str:
    return "\n".join(section.text for section in report.sections)


def _fresh_seconds(reports: Sequence[Report]) -> float:
    """How long a new process takes to mine `reports`: nothing is remembered from the round before."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(mine_seconds, reports).result()


def mine_seconds(reports: Sequence[Report]) -> float:
    """Seconds to mine `reports` as an ingest does, rows made and nothing stored; loading is not counted."""
    setup = MinerSetup(ExtractorOptions(), "bench", ("findings", "impression"))
    chunks = list(batched(reports, RulesExtractor.chunk_reports))
    exhaust(mine_chunks([[Report("warm", (Section("findings", "Zorbic rim (ZR)."),), "")]], list, setup))
    return seconds(lambda: exhaust(mine_chunks(chunks, list, setup)))


def exhaust(things: Iterable[object]) -> None:
    """Go through `things`."""
    for _ in things:
        pass
