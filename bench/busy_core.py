"""Training, encoding and ingest by themselves, and beside another program that keeps one core busy."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import Row, clear_kb, ratio_row, rounds
from ingest.demo import write_phantom_reports, write_phantom_study
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.cores import core_count
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder

COUNT, REPORTS, SIZE, EPOCHS, REPEATS = 600, 10_000, 96, 5, 3
BUSY = "while True: pass"
SPINNING = {"OMP_WAIT_POLICY": "active", "OMP_NUM_THREADS": str(core_count())}
"""What threads do where nobody says anything."""

Seconds = Callable[[Path, Mapping[str, str]], float]


def run() -> list[Row]:
    """Measure each as its command runs, alone and beside a loop that keeps one core busy; and what sleeping costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _made(folder)
        return [
            _row(folder, "training of cpu-demo", _training, "images/s"),
            _row(folder, "encoding", _encoding, "images/s"),
            _row(folder, "ingest of reports, embedded", _ingest, "reports/s"),
            _alone(folder),
        ]


def _made(folder: Path) -> None:
    """A knowledge base of a small study, a training of it, and more reports."""
    study = write_phantom_study(folder / "study", COUNT, size=SIZE)
    kb = KnowledgeBase.create(folder / "k.kb")
    ingest_reports(kb, [study.reports], embedder=load_embedder)
    ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SIZE), workers=1)
    write_phantom_reports(folder / "more.csv", REPORTS, seed=11)
    _json(folder, {}, "train", "--config", "cpu-demo", "--kb", "k.kb", "--out", "trained", "--epochs", "1")


def _row(folder: Path, what: str, seconds: Seconds, unit: str) -> Row:
    def beside() -> float:
        with _busy():
            return seconds(folder, {})

    taken = rounds({"alone": lambda: seconds(folder, {}), "beside": beside}, REPEATS)
    return ratio_row(
        f"{what} beside one busy core of {core_count()}",
        taken["alone"],
        taken["beside"],
        f"alone: {1 / statistics.median(taken['alone']):,.0f} {unit}; .6x was asked for",
        better="higher",
        digits=2,
        told=f"{1 / statistics.median(taken['beside']):,.0f} {unit}",
    )


def _alone(folder: Path) -> Row:
    """What it costs a training that has the machine to itself that its threads sleep while they wait."""
    ways = {"asleep": lambda: _training(folder, {}), "spinning": lambda: _training(folder, SPINNING)}
    taken = rounds(ways, REPEATS)
    return ratio_row(
        "training of cpu-demo alone",
        taken["spinning"],
        taken["asleep"],
        f"with threads that spin while they wait: {1 / statistics.median(taken['spinning']):,.0f} images/s",
        better="higher",
        digits=2,
        told=f"{1 / statistics.median(taken['asleep']):,.0f} images/s",
    )


def _training(folder: Path, said: Mapping[str, str]) -> float:
    """Seconds an image, in the median epoch."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        told = ("train", "--config", "cpu-demo", "--kb", "k.kb", "--out", out, "--epochs", str(EPOCHS))
        done = _json(folder, said, *told, "--quiet")
    return 1 / statistics.median(epoch["images_per_second"] for epoch in done["epochs"])


def _encoding(folder: Path, said: Mapping[str, str]) -> float:
    """Seconds an image of all of them, loading left out."""
    done = _json(folder, said, "encode", "--encoder", "trained", "--kb", "k.kb", "--again", "--quiet")
    return float(done["seconds"]) / COUNT


def _ingest(folder: Path, said: Mapping[str, str]) -> float:
    """Seconds a report, from the file to the commit, into an empty knowledge base."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        done = _json(folder, said, "ingest", "reports", "more.csv", "--kb", f"{name}/n.kb", "--quiet")
    return float(done["seconds"]) / REPORTS


def _json(folder: Path, said: Mapping[str, str], *arguments: str) -> dict[str, Any]:
    """What a command tells, in a process of its own, where nothing but `said` is said of threads."""
    unsaid = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "GOMP_"))}
    here = {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = clear_kb(*arguments, "--format", "json")
    done = subprocess.run(
        command, cwd=folder, env={**unsaid, **here, **said}, capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@contextmanager
def _busy() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()
