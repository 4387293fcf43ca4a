"""A progress bar on standard error: what is done, how fast, and how long it will take."""

from __future__ import annotations

import time
from types import TracebackType

from rich.progress import (
    BarColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from kb.commands.console import SafeConsole

UNITS = {"embedding": "concepts"}
"""What is counted in a stage whose items are others than those of the whole work."""

REFRESH_S = 0.1
"""Seconds between two pictures: work that is done in between is not drawn."""


class Progress:
    """Shows one stage at a time; the units of work drive the bar, the items the speed that is shown."""

    def __init__(self, items: str, *, hidden: bool = False):
        console = SafeConsole(stderr=True)
        self._items = self._unit = items
        self._bar = RichProgress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=hidden or not console.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None
        self._shown = 0.0

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def stage(self, name: str, total: int | None) -> None:
        """Begin a stage of `total` units of work; None if nobody can tell."""
        self._unit = UNITS.get(name, self._items)
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total, speed="")

    def advance(self, done: int, items: int) -> None:
        """Show that `done` units, which were `items` items, are behind us."""
        now = time.monotonic()
        if self._task is None or now - self._shown < REFRESH_S:
            return
        self._shown = now
        elapsed = self._bar.tasks[-1].elapsed or 0.0
        speed = f"{items / elapsed:,.0f} {self._unit}/s" if elapsed > 0.5 else ""
        self._bar.update(self._task, completed=done, speed=speed)
