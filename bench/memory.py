"""Peak memory of an ingest: it must not grow with the number of reports."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from bench.measure import Row, peak_mb
from ingest.demo import write_phantom_reports

SMALL, LARGE = 25_000, 100_000
REPEATS = 3


def run() -> list[Row]:
    """Measure, and tell the ratio of the two peaks."""
    peaks = {
        SMALL: [ingest_peak_mb(SMALL) for _ in range(REPEATS)],
        LARGE: [ingest_peak_mb(LARGE) for _ in range(REPEATS)],
    }
    ratios = [large / small for small, large in zip(peaks[SMALL], peaks[LARGE], strict=True)]
    small, large = (statistics.median(peaks[count]) for count in (SMALL, LARGE))
    return [
        Row(
            f"peak memory, ingest of {LARGE:,} reports ({large:,.0f} MB)",
            f"{statistics.median(ratios):.2f}x",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            f"{SMALL:,} reports, {small:,.0f} MB",
            large,
            "lower",
        )
    ]


def ingest_peak_mb(reports: int) -> float:
    """The peak of one whole `clear-kb ingest reports` in a process of its own, embedding left out."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "reports.csv"
        write_phantom_reports(source, reports, seed=3)
        command = Path(sys.executable).with_name("clear-kb")
        arguments = ["ingest", "reports", str(source), "--kb", f"{folder}/bench.kb", "--no-embed", "--quiet"]
        return peak_mb([str(command), *arguments, "--workers", "1"])
