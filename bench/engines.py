"""Mining by this process, by two workers of a Ray cluster, and by two actors of Ray Data: the same chunks, in turn."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from bench.measure import Row, ratio, rounds, seconds
from ingest.demo import write_phantom_reports
from ingest.report import Report
from ingest.reports.mining import Miner, MinerSetup, mine_chunks
from ingest.reports.options import ExtractorOptions, IngestOptions
from ingest.reports.rows import DEFAULT_SECTIONS
from ingest.sources import open_source
from kb.batched import batched
from kb.engines.choice import EngineOptions, open_engine
from kb.engines.local import LocalEngine
from kb.engines.work import Engine

REPORTS, CHUNK, WORKERS, ROUNDS = 6_000, 50, 2, 3
SETUP = MinerSetup(ExtractorOptions(), "bench", DEFAULT_SECTIONS)


class _DataMiner:
    """A miner, as Ray Data calls it: with a batch of chunks."""

    def __init__(self) -> None:
        self._miner = Miner(SETUP)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"mined": [self._miner.mine(chunk).observations.num_rows for chunk in batch["item"]]}


def run() -> list[Row]:
    """Reports a second of each way: the cluster is up before the clock runs, its workers begin while it does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reports.csv"
        write_phantom_reports(path, REPORTS, seed=3)
        reports = [one for one in open_source(path, max_chars=IngestOptions().max_chars) if isinstance(one, Report)]
    chunks = list(batched(reports, CHUNK))
    with open_engine(EngineOptions(name="ray", workers=WORKERS)) as engine:
        _mine(chunks[:4], engine)
        ways = {
            "one process": partial(seconds, partial(_mine, chunks, LocalEngine())),
            "actors": partial(seconds, partial(_mine, chunks, engine)),
            "Ray Data": partial(seconds, partial(_by_ray_data, chunks)),
        }
        taken = rounds(ways, ROUNDS)
    rates = {way: f"{REPORTS / statistics.median(of):,.0f} reports/s" for way, of in taken.items()}
    rows = []
    for way, against in (("actors", "one process"), ("actors", "Ray Data")):
        times, spread = ratio(taken[against], taken[way])
        told = f"{against}, {rates[against]}; {WORKERS} workers, the same {REPORTS:,} made reports, starts included"
        rows.append(Row(f"mining on Ray by {way}, {rates[way]}", times, spread, told))
    return rows


def _mine(chunks: Iterable[list[Report]], engine: Engine) -> None:
    for _ in mine_chunks(chunks, list, SETUP, engine=engine):
        pass


def _by_ray_data(chunks: list[list[Report]]) -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    mined = ray.data.from_items(chunks).map_batches(_DataMiner, batch_size=1, concurrency=WORKERS)
    for _ in mined.iter_batches(batch_size=None):
        pass
