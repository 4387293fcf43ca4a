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

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Row:
    """One line of the bench table; with a number and the direction in which it is better, it can be compared.

    Attributes:
        what: the claim, by which the same row of another revision is known: nothing in it is measured.
        value: the figure.
        spread: its range, and what else was measured.
        against: what it is held against.
        number: the first figure of `value`.
        better: the direction in which it is better.
    """

    what: str
    value: str
    spread: str
    against: str
    number: float | None = None
    better: Better | None = None


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


def ratio_row(
    what: str,
    over: Sequence[float],
    under: Sequence[float],
    against: str,
    *,
    better: Better,
    digits: int = 1,
    told: str = "",
) -> Row:
    """How many times `over` is `under`: the median over rounds, and the range.

    Args:
        what: the claim.
        over: what each round took one way.
        under: what it took the other way.
        against: what it is held against.
        better: which way the ratio is better.
        digits: behind the point.
        told: what else was measured, beside the range.
    """
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    median, spread = statistics.median(ratios), f"{min(ratios):.{digits}f} to {max(ratios):.{digits}f}"
    spread = f"{spread}; {told}" if told else spread
    return Row(what, f"{median:.{digits}f}x", spread, against, number=median, better=better)


def score_row(what: str, score: float, spread: str, against: str, *, digits: int = 3) -> Row:
    """A score from 0 to 1, of which more is better."""
    return Row(what, f"{score:.{digits}f}", spread, against, number=score, better="higher")


def waits_row(what: str, waited_ms: Sequence[float], against: str) -> Row:
    """How long was waited: the median, the range, and what 95 % are within."""
    ordered = sorted(waited_ms)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    spread = f"{len(ordered):,} times: {ordered[0]:.0f} to {ordered[-1]:.0f}, 95 % within {late:.0f}"
    median = statistics.median(ordered)
    return Row(what, f"{median:.0f} ms", spread, against, number=median, better="lower")


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
