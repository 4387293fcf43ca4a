"""Text files as decoded lines, compressed or not, each line on its own: one bad byte costs one line."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from kb.errors import ClearKbError, UsageError

LINE_LIMIT = 64 << 20
"""Bytes that one line may have: a longer one is cut and each part told as broken."""


class Counter(Protocol):
    """Anything that says how many bytes are behind it."""

    done: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its ending; `error` says why it could not be decoded, and `text` is then empty."""

    number: int
    text: str
    error: str | None = None


def known_encoding(name: str) -> str:
    """The encoding's proper name; UsageError where Python knows none of that name."""
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise UsageError(
            f"--encoding {name}: there is no such encoding (utf-8, latin-1, cp1252, utf-16, ...)"
        ) from error


def read_lines(path: Path, encoding: str, counter: Counter | None = None) -> Iterator[Line]:
    """The lines of a file (`.gz` too), decoded one by one; a UTF byte order mark wins over `encoding`.

    `counter.done` follows the position in the file as it lies on disk.

    Raises:
        ClearKbError: the file cannot be read on (a truncated .gz): what was read before it stays taken.
    """
    with open_raw(path) as (raw, data):
        head = data.peek(4)[:4]  # type: ignore[attr-defined]
        actual, skip = sniff_bom(head, encoding)
        data.read(skip)
        lines = _utf16_lines(data, actual) if actual.startswith("utf-16") else _byte_lines(data, actual)
        try:
            for line in lines:
                if counter is not None:
                    counter.done = raw.tell()
                yield line
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ClearKbError(f"{path} is damaged: {error}") from error


def sniff_bom(head: bytes, encoding: str) -> tuple[str, int]:
    """The encoding that a byte order mark tells (else `encoding`), and the mark's length."""
    for bom, name in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(bom):
            return name, len(bom)
    return encoding, 0


@contextmanager
def open_raw(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file as it lies on disk (for the position) and its content, unpacked where it is gzip."""
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.open(raw) as data:
                yield raw, data  # type: ignore[misc]
        else:
            yield raw, raw


def _byte_lines(data: IO[bytes], encoding: str) -> Iterator[Line]:
    number = 0
    while line := data.readline(LINE_LIMIT):
        number += 1
        try:
            yield Line(number, line.decode(encoding))
        except UnicodeDecodeError as error:
            hint = "--encoding latin-1" if encoding == "utf-8" else "another --encoding"
            bad = line[error.start]
            yield Line(number, "", f"not {encoding}: byte 0x{bad:02x} at column {error.start + 1} (try {hint})")


def _utf16_lines(data: IO[bytes], encoding: str) -> Iterator[Line]:
    # Line feeds are two bytes here, so the whole stream is decoded as one; what is not text becomes U+FFFD.
    text = codecs.getreader(encoding)(data, "replace")
    for number, line in enumerate(text, start=1):
        error = f"not {encoding}" if "\ufffd" in line else None
        yield Line(number, "" if error else line, error)
