"""Text files as decoded lines, compressed or not, each line on its own: one bad byte costs one line."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, Protocol

from kb.errors import ClearKbError, UsageError
from kb.reading.regular_file import open_regular

LINE_LIMIT = 64 << 20
"""Bytes that one line may have: a longer one is told as an error, and never held in memory."""

TOO_LONG = f"a line over {LINE_LIMIT >> 20} MB"

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Without a mark, "utf-16" and "utf-32" mean what Windows writes.
PLAIN_NAMES = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
UNREADABLE = (*DAMAGED, OSError)


class Counter(Protocol):
    """Anything that says how many bytes are behind it."""

    done: int


class Line(NamedTuple):
    """One line with its ending; `error` says why it cannot be taken.

    The text of a line that cannot be decoded has U+FFFD for the bad bytes: whoever looks for quotes or commas
    still finds them.
    """

    number: int
    text: str
    error: str | None = None


def known_encoding(name: str) -> str:
    """The encoding's proper name; UsageError if Python knows none of that name, or it is not for text lines."""
    try:
        proper = codecs.lookup(name).name
        feed = "\n".encode(PLAIN_NAMES.get(proper, proper))
    except (LookupError, UnicodeError) as error:
        known = "utf-8, latin-1, cp1252, utf-16, ..."
        raise UsageError(f"encoding '{name}': there is no such encoding ({known})") from error
    if feed.strip(b"\0") != b"\n":
        raise UsageError(f"encoding '{name}': its line ends cannot be told; convert the file to utf-8")
    return PLAIN_NAMES.get(proper, proper)


def read_lines(path: Path, encoding: str, counter: Counter | None = None) -> Iterator[Line]:
    """The lines of a file (gzip too), decoded one by one; a UTF byte order mark wins over `encoding`.

    Lines end at a line feed and keep it. `counter.done` follows the position in the file as it lies on disk.

    Raises:
        ClearKbError: the file cannot be read, or not to its end (a truncated .gz): what was read stays taken.
    """
    number = 0
    try:
        with open_raw(path) as (raw, data):
            actual, skip = sniff_bom(data.peek(4)[:4], encoding)  # type: ignore[attr-defined]
            data.read(skip)
            for line in _byte_lines(data, "\n".encode(actual)):
                number += 1
                if counter is not None:
                    counter.done = raw.tell()
                yield Line(number, "", TOO_LONG) if line is None else _decoded(number, line, actual)
    except UNREADABLE as error:
        what = "is damaged" if isinstance(error, DAMAGED) else "cannot be read"
        after = f" after line {number:,}" if number else ""
        raise ClearKbError(f"{path} {what}{after}: {error}") from error


def sniff_bom(head: bytes, encoding: str) -> tuple[str, int]:
    """The encoding that a byte order mark tells (else `encoding`), and the mark's length."""
    for bom, name in BOMS:
        if head.startswith(bom):
            # Whoever asks for latin-1 in spite of a UTF-8 mark has lines that are not UTF-8.
            return (encoding if name == "utf-8" else name), len(bom)
    return encoding, 0


def encoding_error(error: UnicodeDecodeError, encoding: str) -> str:
    """What to say of bytes that are not text in `encoding`."""
    hint = "encoding latin-1" if encoding == "utf-8" else "another encoding"
    return f"not {encoding}: byte 0x{error.object[error.start]:02x} at byte {error.start + 1} (try {hint})"


@contextmanager
def open_raw(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file as it lies on disk (for the position) and its content, unpacked where it is gzip."""
    with open_regular(path) as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":  # type: ignore[attr-defined]
            with gzip.open(raw) as data:
                yield raw, data  # type: ignore[misc]
        else:
            yield raw, raw


def _byte_lines(data: IO[bytes], feed: bytes) -> Iterator[bytes | None]:
    """The lines, each with its line feed; None for a line over the limit."""
    while line := data.readline(LINE_LIMIT):
        if len(feed) > 1:
            line = _wide_line(data, line, feed)
        if len(line) < LINE_LIMIT:
            yield line
            continue
        while line and not line.endswith(feed):
            line = data.readline(LINE_LIMIT)
        yield None


def _wide_line(data: IO[bytes], line: bytes, feed: bytes) -> bytes:
    """Read on where `line` ends in the midst of a character (of two or four bytes), or in one like U+0A0A."""
    parts, length = [line], len(line)
    while length < LINE_LIMIT:
        parts.append(data.read(-length % len(feed)))
        length += len(parts[-1])
        if b"".join(parts[-2:])[-len(feed) :] == feed:
            break
        parts.append(data.readline(LINE_LIMIT))
        length += len(parts[-1])
        if not parts[-1]:
            break
    return b"".join(parts)


def _decoded(number: int, line: bytes, encoding: str) -> Line:
    try:
        return Line(number, line.decode(encoding))
    except UnicodeDecodeError as error:
        return Line(number, line.decode(encoding, "replace"), encoding_error(error, encoding))
