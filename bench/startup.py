"""How long `clear-kb --help` takes, beside a Python that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from bench.measure import Row, ratio_row, rounds, seconds

REPEATS = 9


def run() -> list[Row]:
    """Measure, and tell the seconds and the ratio."""
    command = Path(sys.executable).with_name("clear-kb")
    taken = rounds(
        {
            "help": lambda: seconds(lambda: subprocess.run([command, "--help"], capture_output=True, check=True)),
            "python": lambda: seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)),
        },
        REPEATS,
    )
    told = f"{statistics.median(taken['help']):.2f} s, limit 0.5 s"
    against = "the time of `python -c pass`"
    return [ratio_row("clear-kb --help", taken["help"], taken["python"], against, better="lower", told=told)]
