"""CSV records out of lines, surviving broken quoting: a bad line is told, and reading goes on at the next.

A stray quote makes a CSV parser swallow what follows as one field. So the lines that a record pulled in are
remembered: where the record turns out broken, its first line is given up and the others are read again.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ingest.sources.lines import Line

RECORD_LIMIT = 32 << 20
"""Characters that one record may span before its first line is taken to hold an unclosed quote."""

RECORD_FLOOR = 4 << 10
CREDIT = 8
"""Characters that may be read again for each that is taken for good.

A file full of stray quotes would otherwise be read to its end for each of them. What a broken record read in
vain is taken from the limit of the next ones, which never falls below `RECORD_FLOOR`.
"""


class Record(NamedTuple):
    """One record and the number of its first line; `error` is set where the line holds no record."""

    line: int
    fields: list[str]
    error: str | None = None


class _Pulled(Iterator[str]):
    """Hands lines to `csv.reader` and remembers those of the present record."""

    def __init__(self, lines: Iterator[Line]):
        self.pulled: list[Line] = []
        self._lines = lines
        self._again: deque[Line] = deque()
        self._size = 0
        self._limit = RECORD_LIMIT

    def take(self) -> list[Line]:
        """The lines of the present record, which is done with."""
        taken = self.pulled
        self._limit = min(RECORD_LIMIT, self._limit + CREDIT * self._size)
        self.pulled, self._size = [], 0
        return taken

    def give_up_first(self) -> Line:
        """The first line of the present record; the others will be handed out again."""
        first, *rest = self.pulled
        self._again.extendleft(reversed(rest))
        self._limit = max(RECORD_FLOOR, self._limit - self._size)
        self.pulled, self._size = [], 0
        return first

    def __next__(self) -> str:
        if self._size > self._limit:
            raise StopIteration  # csv.reader takes it for the end of the file, and an open quote for an error
        line = self._again.popleft() if self._again else next(self._lines)
        self.pulled.append(line)
        self._size += len(line.text)
        return line.text


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[Record]:
    """The records of `lines`; every line that belongs to none comes as a record with an error.

    The first record is the header, and every other must have as many fields. Blank lines are passed over. A
    record of several lines one of which is not text is given up as a whole: its other lines are no records.
    """
    csv.field_size_limit(max(csv.field_size_limit(), RECORD_LIMIT * 4))
    pulled = _Pulled(lines)
    reader = csv.reader(pulled, delimiter=delimiter, strict=True)
    width = 0
    while True:
        try:
            fields = next(reader)
            error = None if len(fields) == width else _wrong_width(fields, width, pulled.pulled)
        except csv.Error as broken:
            fields, error = [], f"broken quoting ({broken})"
        except StopIteration:
            return
        if error is not None:
            first = pulled.give_up_first()
            yield Record(first.number, [], first.error or error)
            continue
        taken = pulled.take()
        if fields:
            width = width or len(fields)
            yield Record(taken[0].number, fields, _unreadable(taken))


def _unreadable(lines: list[Line]) -> str | None:
    """Why the lines of a record cannot be taken; if there are several, with the line's number."""
    if len(lines) == 1:
        return lines[0].error
    return next((f"line {line.number}: {line.error}" for line in lines if line.error), None)


def _wrong_width(fields: list[str], width: int, lines: list[Line]) -> str | None:
    """What is wrong with a record that has not as many fields as the header; a blank line has none at all."""
    if not fields:
        return lines[0].error
    return f"{len(fields)} fields, and the header has {width}" if width else None
