"""A small training by itself, and beside another program that keeps one core busy."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Row, rounds
from ingest.demo import write_phantom_study
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder

COUNT, SIZE, EPOCHS, REPEATS = 600, 96, 5, 3
BUSY = "while True: pass"


def run() -> list[Row]:
    """Measure the training of cpu-demo as its command runs, alone and beside a loop that keeps one core busy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = write_phantom_study(folder / "study", COUNT, size=SIZE)
        kb = KnowledgeBase.create(folder / "k.kb")
        ingest_reports(kb, [study.reports], embedder=load_embedder)
        ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SIZE), workers=1)

        def beside() -> float:
            with _busy():
                return _seconds_an_image(folder)

        taken = rounds({"alone": lambda: _seconds_an_image(folder), "beside": beside}, REPEATS)
    shares = [alone / beside for alone, beside in zip(taken["alone"], taken["beside"], strict=True)]
    speed = 1 / statistics.median(taken["beside"])
    return [
        Row(
            f"training of cpu-demo beside one busy core of {os.cpu_count()}: {speed:,.0f} images/s",
            f"{statistics.median(shares):.2f}x",
            f"{min(shares):.2f} to {max(shares):.2f}",
            f"alone: {1 / statistics.median(taken['alone']):,.0f} images/s",
        )
    ]


def _seconds_an_image(folder: Path) -> float:
    """Of a training in a process of its own, in its median epoch."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = ["train", "--config", "cpu-demo", "--kb", "k.kb", "--out", out, "--epochs", str(EPOCHS)]
        started = [sys.executable, "-m", "cli", *command, "--format", "json", "--quiet"]
        unsaid = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_"))}
        done = subprocess.run(started, cwd=folder, env=unsaid, capture_output=True, text=True, check=True)
    return 1 / statistics.median(epoch["images_per_second"] for epoch in json.loads(done.stdout)["epochs"])


@contextmanager
def _busy() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()
