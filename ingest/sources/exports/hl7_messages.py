r"""Files of HL7 version 2 cut into messages and segments, as they lie about: MLLP frames, batches, any line ends.

python-hl7 was tried: it writes the text of a field to the log where an escape is odd, drops what it does not know,
takes 4 ms a message, and reads no frames, batches and stray line ends as a stream. So the few lines that a report needs
are here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ingest.sources.lines import LINE_LIMIT, UNREADABLE, Counter, encoding_error, open_raw
from kb.errors import ClearKbError

CHUNK = 1 << 20
_ENDS = re.compile(rb"[\r\n\x0b\x1c]+")
_SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}[^\w\s]")
_BATCH = (b"FHS", b"BHS", b"FTS", b"BTS")
_CHARSETS = {
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    **{f"8859/{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15)},
    "GB 18030-2000": "gb18030",
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
}
_ESCAPE = (
    r"(?P<sign>[FSTREP])|[HN]|X(?P<hex>(?:[0-9A-Fa-f]{2})+)|\.(?P<format>[a-z]{2})(?P<n>[+-]?\d{0,3})"
    r"|Z\w{0,20}|[CM][0-9A-Fa-f]{4,6}"
)
LONGEST_SKIP = 20
"""Blank lines or blanks that one escape may stand for."""


@dataclass
class RawMessage:
    """The segments of one message as bytes; `number` counts messages, `error` says why it cannot be taken."""

    number: int
    segments: list[bytes] = field(default_factory=list)
    error: str | None = None


@dataclass(frozen=True)
class Signs:
    """What stands between fields, components, repetitions and subcomponents, and what escapes them."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @classmethod
    def of(cls, header: str) -> Signs:
        """What an MSH segment says; what it leaves out is as usual."""
        usual = "^~\\&"
        said = header[4:].split(header[3], 1)[0][:4]
        return cls(header[3], *(said + usual[len(said) :]))


@dataclass(frozen=True)
class Segment:
    """One segment: its name, and its fields by their numbers in the standard."""

    name: str
    fields: list[str]
    signs: Signs
    encoding: str

    def raw(self, number: int) -> str:
        """A field as it stands; "" if there is none, or it is the null of HL7 (two quotes)."""
        at = number - 1 if self.name == "MSH" else number
        value = self.fields[at] if 0 < at < len(self.fields) else ""
        return "" if value == '""' else value

    def repetitions(self, number: int) -> list[str]:
        """The repetitions of a field, escapes and all."""
        return self.raw(number).split(self.signs.repetition)

    def part(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """A component of a field's first repetition, in plain text."""
        return self.component(self.repetitions(number)[0], component, subcomponent)

    def component(self, value: str, component: int, subcomponent: int = 1) -> str:
        """A component of a value, in plain text."""
        parts = value.split(self.signs.component)
        if component > len(parts):
            return ""
        parts = parts[component - 1].split(self.signs.subcomponent)
        return self.plain(parts[subcomponent - 1]).strip() if subcomponent <= len(parts) else ""

    def plain(self, value: str) -> str:
        r"""A value without its escapes: `\.br\` ends a line, `\T\` is &, `\X0A\` a byte."""
        return unescape(value, self.signs, self.encoding)


def read_messages(path: Path, counter: Counter | None = None) -> Iterator[RawMessage]:
    """The messages of a file (gzip too). What stands before the first one comes as a message with an error.

    Raises:
        ClearKbError: the file cannot be read to its end.
    """
    message: RawMessage | None = None
    number = size = 0
    for line in _lines(path, counter):
        name = line[:3] if _SEGMENT.match(line) else b""
        if name in _BATCH:
            continue
        if name == b"MSH":
            if message is not None:
                yield message
            number, size = number + 1, 0
            message = RawMessage(number)
        elif message is None:
            message = RawMessage(0, error="before the first message header (MSH)")
        size += len(line)
        if size > LINE_LIMIT:
            message.error, message.segments = f"a message over {LINE_LIMIT >> 20} MB", []
        elif not message.segments or (name and line[3:4] == message.segments[0][3:4]):
            message.segments.append(line)
        else:
            # A bare line feed in a text, which the sender should have escaped.
            message.segments[-1] += b"\n" + line
    if message is not None:
        yield message


def segments_of(message: RawMessage, encoding: str) -> list[Segment] | str:
    """The segments of a message as text, or why they cannot be read; MSH-18 wins over `encoding`."""
    if message.error:
        return message.error
    header = message.segments[0]
    if len(header) < 8 or header[3:4].isalnum():
        return "its header (MSH) does not say what stands between fields"
    declared = header.split(header[3:4])
    name = declared[17].split(b"~")[0].decode("ascii", "replace").strip().upper() if len(declared) > 17 else ""
    actual = _CHARSETS.get(name, encoding)
    try:
        texts = [segment.decode(actual) for segment in message.segments]
    except UnicodeDecodeError as error:
        return encoding_error(error, actual)
    signs = Signs.of(texts[0])
    return [Segment(text[:3], text.split(signs.field), signs, actual) for text in texts]


def unescape(value: str, signs: Signs, encoding: str = "utf-8") -> str:
    """Plain text of an escaped value. What is no escape stays as it stands: a lone backslash is one."""
    if signs.escape not in value:
        return value
    mark = re.escape(signs.escape)
    return re.sub(f"{mark}(?:{_ESCAPE}){mark}", lambda match: _meant(match, signs, encoding), value)


def _meant(match: re.Match[str], signs: Signs, encoding: str) -> str:
    if sign := match["sign"]:
        by_letter = {"F": signs.field, "S": signs.component, "T": signs.subcomponent, "R": signs.repetition}
        return {**by_letter, "E": signs.escape, "P": "#"}[sign]
    if digits := match["hex"]:
        return bytes.fromhex(digits).decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    if command := match["format"]:
        times = min(abs(int(match["n"])) if match["n"].strip("+-") else 1, LONGEST_SKIP)
        return {"br": "\n", "sp": "\n" * max(times, 1), "ce": "\n", "sk": " " * times}.get(command, "")
    return ""


def _lines(path: Path, counter: Counter | None) -> Iterator[bytes]:
    """What stands between line ends and the marks of frames, without blank lines; too long ones are cut short."""
    rest, too_long = b"", False
    try:
        with open_raw(path) as (raw, data):
            if data.peek(3)[:3] == codecs.BOM_UTF8:  # type: ignore[attr-defined]
                data.read(3)
            while chunk := data.read(CHUNK):
                if counter is not None:
                    counter.done = raw.tell()
                if too_long and not _ENDS.search(chunk):
                    continue
                *whole, rest = _ENDS.split(rest + chunk)
                yield from (line for line in whole if line.strip())
                too_long = len(rest) > LINE_LIMIT
    except UNREADABLE as error:
        raise ClearKbError(f"{path} cannot be read to its end: {error}") from error
    if rest.strip():
        yield rest
