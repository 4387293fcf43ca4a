"""The everyday commands on a small knowledge base: processor time of each, which other programs disturb least."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from bench.measure import Row, clear_kb, taken_by
from ingest.demo import write_phantom_reports

REPORTS, REPEATS = 2_000, 3

MEASURED: dict[str, tuple[str, ...]] = {
    "ingest reports": ("ingest", "reports", "reports.csv", "--no-embed", "--workers", "1"),
    "ingest reports, the same again": ("ingest", "reports", "reports.csv", "--no-embed", "--workers", "1"),
    "status": ("status",),
    "log": ("log",),
    "vocab search --words": ("vocab", "search", "left effusion", "--words"),
    "vocab note": ("vocab", "note", "no pneumothorax", "seen"),
    "audit sql": ("audit", "sql", "SELECT count(*) FROM observations"),
    "check": ("check",),
}
"""In the order in which they are run, each round on a knowledge base of its own."""


def run() -> list[Row]:
    """Run all of them some times over, and tell the medians."""
    taken: dict[str, list[float]] = {name: [] for name in MEASURED}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_phantom_reports(folder / "reports.csv", REPORTS, seed=7)
            for what, arguments in MEASURED.items():
                told = [str(folder / word) if word.endswith(".csv") else word for word in arguments]
                taken[what].append(taken_by(clear_kb(*told, "--kb", str(folder / "k.kb"))).cpu_s)
    return [_row(what, seconds) for what, seconds in taken.items()]


def _row(what: str, seconds: list[float]) -> Row:
    median = statistics.median(seconds)
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    return Row(what, f"{median:.2f} s", spread, f"processor time, {REPORTS:,} reports", number=median, better="lower")
