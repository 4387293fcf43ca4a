"""The cores of a processor, shared with whatever else runs on them.

A network cuts each of its operations into as many pieces as it has threads, and waits for the last of them. Where
another program has one of the cores, that piece takes twice as long, and threads that spin while they wait take the
core from the one that they wait for: on two cores, of which one was busy, trainings fell to a third and less.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path

logger = logging.getLogger("clear_kb.cores")

PROCESSES = Path("/proc")
STAT = PROCESSES / "stat"
SHORTEST_LOOK_S = 0.2
"""Seconds for which others are watched at least."""


def share_cores() -> None:
    """Let threads sleep while they wait, and have no more of them than there are cores that others leave free.

    To be called before anything imports torch: its OpenMP asks only once how to wait. What the user says
    (OMP_WAIT_POLICY, OMP_NUM_THREADS; `torchrun` sets the latter) holds.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    before = _Moment()
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        time.sleep(max(0.0, SHORTEST_LOOK_S - before.age()))
        fitting = threads_beside(before.busy_with_others(), core_count())
        torch.set_num_threads(min(fitting, torch.get_num_threads()))
    logger.info("threads: %d, on %d cores", torch.get_num_threads(), core_count())


@contextmanager
def threads(count: int) -> Iterator[None]:
    """As many threads for the while, for the same sums to the last bit; what the user says (OMP_NUM_THREADS) holds."""
    import torch

    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_beside(others: float, cores: int) -> int:
    """How many threads to have where others keep some of the cores busy (2.0: two of them, all the time)."""
    return max(1, min(cores, int(cores - others + 0.5)))


def core_count() -> int:
    """The cores that this process may run on."""
    return len(_cores())


class _Moment:
    """What the cores had done at one moment, all processes together and this one."""

    def __init__(self) -> None:
        self._when, self._all, self._own = time.monotonic(), _seconds_busy(), _own_seconds()

    def age(self) -> float:
        return time.monotonic() - self._when

    def busy_with_others(self) -> float:
        """How many cores others have kept busy since."""
        now = _seconds_busy()
        if now is None or self._all is None:
            return 0.0  # nobody tells here
        return max(0.0, now - self._all - (_own_seconds() - self._own)) / self.age()


def _own_seconds() -> float:
    """Seconds of work of this process and of those it has started and not yet waited for."""
    own = os.times()
    return own.user + own.system + sum(_seconds_of(child.pid) for child in active_children())


def _seconds_of(process: int | None) -> float:
    try:
        # The name of a program stands in brackets, and may hold anything.
        fields = (PROCESSES / str(process) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    except OSError:
        return 0.0  # it has ended meanwhile, or nobody tells here
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _cores() -> set[int]:
    if sys.platform == "linux":
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _seconds_busy() -> float | None:
    """Seconds of work of the cores that this process may run on, since they began; None where nobody tells.

    Work of lower priority (nice) makes way, and is not counted by a process that has the usual one.
    """
    try:
        lines = [line.split() for line in STAT.read_text(encoding="ascii").splitlines()]
    except OSError:
        return None
    wanted = {f"cpu{core}" for core in _cores()}
    polite = os.nice(0) > 0
    ticks = 0
    for _, user, nice, system, _idle, _waiting, *interrupts in (line[:9] for line in lines if line[0] in wanted):
        ticks += sum(map(int, (user, system, *interrupts))) + (int(nice) if polite else 0)
    return ticks / os.sysconf("SC_CLK_TCK")
