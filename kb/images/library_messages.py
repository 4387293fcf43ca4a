"""What libraries say while they read a picture: kept from the terminal, and counted by kind."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

LOGGERS = ("pydicom", "PIL")
LONGEST = 100
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|<[^>]*>|\([^)]*\)|\b0x[0-9a-f]+\b|\b[\w.-]*\d[\w.-]*\b")
"""What differs from file to file, and may be a patient's: it is no part of a kind of message."""

_STANDARD_ERROR = 2


@contextmanager
def heard_messages() -> Iterator[list[str]]:
    """Collect the kinds of message that libraries give by warning, by logging, or straight to standard error.

    Decoders written in C print past Python, so the process's standard error leads elsewhere while the block runs.
    """
    heard: list[str] = []
    handler = _Collecting(heard)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    kept = [logger.propagate for logger in loggers]
    with tempfile.TemporaryFile() as printed, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for logger in loggers:
            logger.addHandler(handler)
            logger.propagate = False
        try:
            with _printing_to(printed):
                yield heard
        finally:
            for logger, propagate in zip(loggers, kept, strict=True):
                logger.removeHandler(handler)
                logger.propagate = propagate
            heard += [_kind(str(one.message)) for one in warned if not issubclass(one.category, ResourceWarning)]
            printed.seek(0)
            lines = printed.read().decode(errors="replace").splitlines()
            heard += [_kind(line) for line in lines if line.strip() and "\x1b" not in line]
            heard[:] = list(dict.fromkeys(heard))


class _Collecting(logging.Handler):
    """Keeps the messages of a library's logger; what it says below a warning is nobody's matter."""

    def __init__(self, heard: list[str]):
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message, without the values that it speaks of."""
        self._heard.append(_kind(record.getMessage()))


@contextmanager
def _printing_to(file: IO[bytes]) -> Iterator[None]:
    """Standard error of the whole process goes to a file; where there is none to turn, nothing is turned."""
    try:
        real = os.dup(_STANDARD_ERROR)
    except OSError:
        yield
        return
    os.dup2(file.fileno(), _STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(real, _STANDARD_ERROR)
        os.close(real)


def _kind(message: str) -> str:
    """A message without the values in it: what it has in common with others of its kind."""
    first = " ".join(message.split()).split(". ")[0]
    return re.sub(r"\s+", " ", _VALUES.sub("...", first))[:LONGEST].strip(" :.")
