"""Tables as spreadsheet programs save them, in any locale: separated by commas, semicolons or tabs, in UTF-8 or not.

A German or French Excel separates by semicolons and writes Windows-1252; "Unicode text" is UTF-16 with tabs. What was
found is told, since letters beyond ASCII depend on it.
"""

from __future__ import annotations

import codecs
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from kb.errors import UsageError

SEPARATORS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: where it lies, how it is encoded and separated, and what its columns are called."""

    path: Path
    encoding: str
    separator: str
    columns: tuple[str, ...]
    lines_before: int = 0
    """Lines above the header: Excel's own ("sep=;")."""

    @property
    def notes(self) -> tuple[str, ...]:
        """How it was read, where that is not plain: commas and UTF-8."""
        told = [f"its columns are separated by {_NAMES[self.separator]}"] if self.separator in _NAMES else []
        if self.encoding in ("cp1252", "utf-16"):
            told.append(f"its letters are {'Windows-1252' if self.encoding == 'cp1252' else 'UTF-16'}")
        return tuple(told)

    def rows(self) -> Iterator[list[str]]:
        """The rows under the header, cells as they stand; one that is empty too, so that they can be counted.

        Raises:
            csv.Error: a quotation is not closed, or goes on after its end.
        """
        with self.path.open(encoding=self.encoding, newline="") as file:
            for _ in range(self.lines_before):
                file.readline()
            reader = csv.reader(file, delimiter=self.separator, strict=True)
            next(reader, None)
            yield from reader


def read_sheet(path: Path) -> Sheet:
    """A table in a file, by its first line: which letters, which separator, which columns.

    Raises:
        UsageError: the file is no text.
    """
    csv.field_size_limit(sys.maxsize)  # a cell may hold any number of names
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        first = file.readline()
        if named := _separator_named(first):
            return Sheet(path, encoding, named, _header(file, named), lines_before=1)
    separator = max(SEPARATORS, key=lambda one: _count(first, one))
    with path.open(encoding=encoding, newline="") as file:
        return Sheet(path, encoding, separator, _header(file, separator))


def _header(file: TextIO, separator: str) -> tuple[str, ...]:
    return tuple(next(csv.reader(file, delimiter=separator), []))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            _check(path, encoding)
            return encoding
    try:
        _check(path, "utf-8")
    except UsageError:
        _check(path, "cp1252")
        return "cp1252"
    return "utf-8"


def _check(path: Path, encoding: str) -> None:
    """Refuse a file that is not written in an encoding, or that holds what no text does."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            while chunk := file.read(_CHUNK):
                if "\0" in chunk:
                    raise UsageError(f"{path} is no text: it holds zero bytes (save it as CSV, not as a workbook)")
    except UnicodeError as error:
        raise UsageError(f"{path} is no text in UTF-8, UTF-16 or Windows-1252: {error}") from error


def _separator_named(line: str) -> str | None:
    """The separator that Excel's own first line ("sep=;") names."""
    text = line.strip("\r\n")
    return text[-1] if text.startswith("sep=") and len(text) == len("sep=;") else None


def _count(line: str, separator: str) -> int:
    """How often a separator stands in a line, outside of quotations."""
    return sum(part.count(separator) for part in line.split('"')[::2])
