"""Peak memory of an ingest: it must not grow with the number of reports."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from bench.measure import Row, peak_mb, ratio_row
from ingest.demo import write_phantom_reports

SMALL, LARGE = 25_000, 100_000
REPEATS = 3


def run() -> list[Row]:
    """Measure, and tell the peak, and its ratio to that of fewer reports."""
    peaks = {
        SMALL: [ingest_peak_mb(SMALL) for _ in range(REPEATS)],
        LARGE: [ingest_peak_mb(LARGE) for _ in range(REPEATS)],
    }
    small, large = (statistics.median(peaks[count]) for count in (SMALL, LARGE))
    spread, fewer = f"{min(peaks[LARGE]):,.0f} to {max(peaks[LARGE]):,.0f}", f"{SMALL:,} reports, {small:,.0f} MB"
    what = f"peak memory of an ingest of {LARGE:,} reports"
    return [
        Row(what, f"{large:,.0f} MB", spread, fewer, number=large, better="lower"),
        ratio_row(
            f"growth of the peak memory of an ingest, from {SMALL:,} to {LARGE:,} reports",
            peaks[LARGE],
            peaks[SMALL],
            fewer,
            better="lower",
            digits=2,
        ),
    ]


def ingest_peak_mb(reports: int) -> float:
    """The peak of one whole `clear-kb ingest reports` in a process of its own, embedding left out."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "reports.csv"
        write_phantom_reports(source, reports, seed=3)
        command = Path(sys.executable).with_name("clear-kb")
        arguments = ["ingest", "reports", str(source), "--kb", f"{folder}/bench.kb", "--no-embed", "--quiet"]
        return peak_mb([str(command), *arguments, "--workers", "1"])
