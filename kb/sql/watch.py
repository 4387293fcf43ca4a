"""A watch over a running query: it is interrupted when its time is up, or when the process grows beyond its memory.

DuckDB counts the memory of its tables, and not that of long strings and lists; and a few of its functions look up from
their work only when it is done. So the process's own memory is looked at, and a process that runs nothing but queries
ends itself: see `Views.when_stuck`. Ctrl-C is watched for too, for Python would hear of it only when the query is done.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

LOOKS_EVERY_S = 0.05
SLACK = 512 * 2**20
"""Memory beside DuckDB's own that a query may take: what is read from Lance, and rows on their way."""

PATIENCE_S = 3.0
"""Seconds after which a query that was interrupted and goes on counts as stuck."""

_STATM = Path("/proc/self/statm")


class Watch:
    """Interrupts what takes too long or too much, again and again until it ends.

    Attributes:
        reason: "time", "memory" or "person" once it has interrupted.
    """

    def __init__(
        self, interrupt: Callable[[], None], deadline: float, memory: int, *, when_stuck: Callable[[str], None] | None
    ):
        self.reason: str | None = None
        self._interrupt = interrupt
        self._deadline = deadline
        self._memory = memory
        self._when_stuck = when_stuck
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="query watch")

    def __enter__(self) -> Watch:
        self._before = own_memory()
        self._keys = KeyPresses()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        try:
            self._thread.join()
        finally:
            self._keys.close()

    def _look(self) -> None:
        since = 0.0
        while not self._done.wait(min(LOOKS_EVERY_S, max(self._deadline - time.monotonic(), 0.001))):
            now = time.monotonic()
            if self.reason is None:
                self.reason = self._too_much(now)
                since = now
            if self.reason is None:
                continue
            self._interrupt()
            stuck = now - since > PATIENCE_S or own_memory() - self._before > 2 * self._memory + 2 * SLACK
            if stuck and self._when_stuck is not None and self.reason != "person":
                self._when_stuck(self.reason)

    def _too_much(self, now: float) -> str | None:
        if self._keys.pressed():
            return "person"
        if now >= self._deadline:
            return "time"
        return "memory" if own_memory() - self._before > self._memory + SLACK else None


class KeyPresses:
    """Hears of Ctrl-C while Python is inside another library, by the byte that its signal handler writes."""

    def __init__(self) -> None:
        self._ends: tuple[int, int] | None = None
        if os.name != "posix" or threading.current_thread() is not threading.main_thread():
            return
        self._ends = os.pipe()
        for end in self._ends:
            os.set_blocking(end, False)
        self._before = signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)

    def pressed(self) -> bool:
        """Whether it was pressed since the last time."""
        if self._ends is None:
            return False
        try:
            return signal.SIGINT in os.read(self._ends[0], 64)
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Listen no more."""
        if self._ends is None:
            return
        signal.set_wakeup_fd(self._before)
        for end in self._ends:
            os.close(end)
        self._ends = None


def own_memory() -> int:
    """Bytes of this process that are no mapped file; 0 if the system does not tell."""
    try:
        _, resident, shared = _STATM.read_bytes().split()[:3]
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * 4096
