"""SIGTERM, by which a cluster takes a machine back: heard between two steps, rather than death in the midst of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from encoder.training.processes import Processes


class StopSignal:
    """Whether this process was told to end, and whether the processes have agreed to.

    Each hears of it at another moment, and none may leave while others wait for it: what they heard goes around with
    the numbers of a step, and is looked at one step later, when these are there without waiting for a GPU.
    """

    def __init__(self, processes: Processes):
        self._processes = processes
        self._last: torch.Tensor | None = None
        self._before: torch.Tensor | None = None
        self.heard = False

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """A number of a step, added up over all processes; what each has heard goes along."""
        if self._processes.count == 1:
            return value.detach()
        told = self._processes.sum(torch.stack([value, torch.full_like(value, float(self.heard))]))
        self._before, self._last = self._last, told[1]
        return told[0]

    @property
    def agreed(self) -> bool:
        """Whether all processes are to end here."""
        if self._processes.count == 1:
            return self.heard
        return self._before is not None and float(self._before) > 0


@contextmanager
def listening(processes: Processes) -> Iterator[StopSignal]:
    """Listen to SIGTERM for the while. Clusters send it more than once, so only the first says something new."""
    stop = StopSignal(processes)

    def hear(number: int, frame: Any) -> None:
        stop.heard = True

    if threading.current_thread() is not threading.main_thread():  # only there can a signal be listened to
        yield stop
        return
    before = signal.signal(signal.SIGTERM, hear)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
