"""The lines of a text file as bytes, one at a time, each within bounds."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from kb.errors import UsageError
from kb.reading.regular_file import open_regular

LINE_LIMIT = 16 << 20
"""Bytes of a line: a longer one is no record of anything."""


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers; a mark of UTF-8 before the first is taken off.

    Raises:
        UsageError: there is no such file, it cannot be read, or a line is too long.
    """
    try:
        with open_regular(path) as file:
            number = 0
            while line := file.readline(LINE_LIMIT):
                number += 1
                if len(line) >= LINE_LIMIT:
                    raise UsageError(f"{path}, line {number} has {LINE_LIMIT >> 20} MB or more")
                yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
