"""CSV records out of lines, surviving broken quoting: a bad line is told, and reading goes on at the next.

A stray quote makes a CSV parser swallow what follows as one field. So the lines that a record pulled in are
remembered: where the record turns out broken, its first line is given up and the others are read again.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.sources.lines import Line

RECORD_LIMIT = 32 << 20
"""Characters that one record may span before its first line is taken to hold an unclosed quote."""


@dataclass(frozen=True, slots=True)
class Record:
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

    def begin(self) -> None:
        self.pulled, self._size = [], 0

    def give_up_first(self) -> Line:
        first, *rest = self.pulled
        self._again.extendleft(reversed(rest))
        self.begin()
        return first

    def peek(self) -> Line | None:
        """The next line, left where it is."""
        if not self._again:
            line = next(self._lines, None)
            if line is None:
                return None
            self._again.append(line)
        return self._again[0]

    def skip(self) -> Line:
        return self._again.popleft()

    def __next__(self) -> str:
        line = self.peek()
        if line is None or (self.pulled and (line.error or self._size > RECORD_LIMIT)):
            raise StopIteration
        self._again.popleft()
        self.pulled.append(line)
        self._size += len(line.text)
        return line.text


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[Record]:
    """The records of `lines`; every line that belongs to none comes as a record with an error.

    The first record is the header, and every other must have as many fields.
    """
    csv.field_size_limit(RECORD_LIMIT * 2)
    pulled = _Pulled(lines)
    width: int | None = None
    while (line := pulled.peek()) is not None:
        if line.error:
            yield Record(line.number, [], pulled.skip().error)
            continue
        pulled.begin()
        try:
            fields = next(csv.reader(pulled, delimiter=delimiter, strict=True))
            error = None if width in (None, len(fields)) else f"{len(fields)} fields where the header has {width}"
        except (csv.Error, StopIteration) as broken:
            fields, error = [], f"broken quoting ({broken or 'unclosed quote'})"
        number = pulled.pulled[0].number
        if error is None:
            if fields:
                width = width or len(fields)
                yield Record(number, fields)
        elif fields and len(pulled.pulled) == 1:
            yield Record(number, fields, error)
        else:
            yield Record(pulled.give_up_first().number, [], error)
