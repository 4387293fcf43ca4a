"""What other libraries write while they load something, heard by nobody but who loads it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heard(*loggers: str) -> Iterator[list[str]]:
    """What some loggers say from now on, from INFO upwards; nobody else hears it."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    chosen = [logging.getLogger(name) for name in loggers]
    before = [(one.level, one.propagate, list(one.handlers)) for one in chosen]
    for one in chosen:
        one.setLevel(logging.INFO)
        one.propagate = False
        one.handlers = [handler]
    try:
        yield lines
    finally:
        for one, (level, propagate, handlers) in zip(chosen, before, strict=True):
            one.setLevel(level)
            one.propagate = propagate
            one.handlers = handlers
