"""Timing: rounds of alternatives in turn, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Row:
    """One line of the bench table; with a number and the direction in which it is better, it can be compared."""

    what: str
    value: str
    spread: str
    against: str
    number: float | None = None
    better: Literal["higher", "lower"] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took: seconds on the clock, of processor time, and memory at its peak."""

    wall_s: float
    cpu_s: float
    peak_mb: float


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


_LAUNCHER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.call(sys.argv[2:], stdout=sys.stderr)
wall, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([code, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], file)
"""
"""A small process in between: the kernel counts what a process had before it became the command, too."""


def taken_by(command: Sequence[str]) -> Taken:
    """Run `command` in a process of its own: what it and the processes it waited for took, as the kernel counts it.

    Raises:
        RuntimeError: it failed; its last words are the message.
    """
    with tempfile.NamedTemporaryFile("r") as told:
        launched = [sys.executable, "-S", "-c", _LAUNCHER, told.name, *command]
        done = subprocess.run(launched, capture_output=True, text=True, check=True)
        code, wall, cpu, peak = json.load(told)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {done.stderr[-500:].strip()}")
    return Taken(wall, cpu, peak)


def clear_kb(*arguments: str) -> list[str]:
    """The command line of this tree, as another process runs it."""
    return [sys.executable, "-m", "cli", *arguments]


def peak_mb(command: Sequence[str]) -> float:
    """The peak resident memory of a command and its children, in MB, as the kernel counts it."""
    script = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL);"
    script += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024
