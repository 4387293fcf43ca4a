"""Tables as spreadsheet programs save them, in any locale: separated by commas, semicolons or tabs, in UTF-8 or not.

A German or French Excel separates by semicolons and writes Windows-1252; "Unicode text" is UTF-16 with tabs. What was
found is told, since letters beyond ASCII depend on it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from kb.errors import UsageError
from kb.reading.regular_file import open_regular

SEPARATORS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}
_CHUNK = 1 << 20
MOST = 4 << 30
"""Letters of a table: a small file may unpack to any number of them."""

LARGEST_CELL = 16 << 20
"""Letters of a cell: one may hold any number of names."""


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
            UsageError: a quotation is not closed, or goes on after its end.
        """
        return (cells for _, cells in self._numbered())

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The rows that hold something, each with its line and its cells by column; a cell that is missing is "".

        Raises:
            UsageError: as of `rows`, a row has more cells than the header, or two columns have one name.
        """
        if twice := [name for name in self.columns if name and self.columns.count(name) > 1]:
            raise UsageError(f"{self.path} has two columns named {twice[0]}: rename one")
        width = len(self.columns)
        for line, cells in self._numbered():
            if any(cell.strip() for cell in cells[width:]):
                raise UsageError(
                    f"{self.path}, line {line}: {len(cells)} cells, and the header has {width}: is a cell not quoted?"
                )
            if any(cell.strip() for cell in cells):
                yield line, dict(zip(self.columns, [*cells, *[""] * (width - len(cells))], strict=False))

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        with _opened(self.path, self.encoding) as file:
            for _ in range(self.lines_before):
                file.readline()
            reader = csv.reader(file, delimiter=self.separator, strict=True)
            try:
                next(reader, None)
                for cells in reader:
                    yield reader.line_num + self.lines_before, cells
            except csv.Error as error:
                line = reader.line_num + self.lines_before
                raise UsageError(f"{self.path}, line {line}: no table that can be read: {error}") from error


def read_sheet(path: Path, *, separators: str = SEPARATORS) -> Sheet:
    """A table in a file, by its first line: which letters, which of the separators, which columns.

    Raises:
        UsageError: there is no such file, it is no text, or its header cannot be read.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    csv.field_size_limit(LARGEST_CELL)
    encoding = _encoding(path)
    with _opened(path, encoding) as file:
        first = file.readline()
        if named := _separator_named(first):
            return Sheet(path, encoding, named, _header(path, file, named), lines_before=1)
    separator = max(separators, key=lambda one: _count(first, one))
    with _opened(path, encoding) as file:
        return Sheet(path, encoding, separator, _header(path, file, separator))


def _header(path: Path, file: TextIO, separator: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader(file, delimiter=separator), []))
    except csv.Error as error:
        raise UsageError(f"the header of {path} cannot be read: {error}") from error


def _encoding(path: Path) -> str:
    with _unpacked(path) as file:
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
        size = 0
        with _opened(path, encoding) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > MOST:
                    raise UsageError(f"{path} holds more than {MOST:,} letters, which is the most that is read")
                if "\0" in chunk:
                    raise UsageError(f"{path} is no text: it holds zero bytes (save it as CSV, not as a workbook)")
    except UnicodeError as error:
        raise UsageError(f"{path} is no text in UTF-8, UTF-16 or Windows-1252: {error}") from error


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is gzip."""
    try:
        with open_regular(path) as raw:
            if raw.peek(2)[:2] == b"\x1f\x8b":  # type: ignore[attr-defined]
                with gzip.open(raw) as file:
                    yield file  # type: ignore[misc]
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """The letters of a file, its line ends as they are."""
    with _unpacked(path) as file:
        yield io.TextIOWrapper(file, encoding, newline="")


def _separator_named(line: str) -> str | None:
    """The separator that Excel's own first line ("sep=;") names."""
    text = line.strip("\r\n")
    return text[-1] if text.startswith("sep=") and len(text) == len("sep=;") else None


def _count(line: str, separator: str) -> int:
    """How often a separator stands in a line, outside of quotations."""
    return sum(part.count(separator) for part in line.split('"')[::2])
