"""Timing: rounds of alternatives in turn, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the bench table."""

    what: str
    value: str
    spread: str
    against: str


def rounds(alternatives: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Run every alternative `repeats` times, in turn; each returns the seconds it took."""
    taken: dict[str, list[float]] = {name: [] for name in alternatives}
    for _ in range(repeats):
        for name, run in alternatives.items():
            taken[name].append(run())
    return taken


def ratio(slow: Sequence[float], fast: Sequence[float]) -> tuple[str, str]:
    """How many times faster `fast` is than `slow`: the median over rounds, and the range."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{statistics.median(ratios):.1f}x", f"{min(ratios):.1f} to {max(ratios):.1f}"


def seconds(run: Callable[[], object]) -> float:
    """How long `run` takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peak_mb(command: Sequence[str]) -> float:
    """The peak resident memory of a command and its children, in MB, as the kernel counts it."""
    script = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL);"
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    import sys

    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024
