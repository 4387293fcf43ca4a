"""Attached documents as plain text: HTML, XHTML, RTF and text, as FHIR and HL7 carry them."""

from __future__ import annotations

import base64
import binascii
import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    [
        *("address", "article", "blockquote", "br", "caption", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3"),
        *("h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead"),
        *("tr", "ul"),
    ]
)
_CELLS = frozenset(["td", "th"])
_UNSEEN = frozenset(["script", "style", "title", "head"])
_VOID = frozenset(["br", "hr"])

PLAIN = ("text/plain", "text", "text/markdown")
HTML = ("text/html", "application/xhtml+xml", "html")
RTF = ("text/rtf", "application/rtf", "rtf", "application/x-rtf")
READABLE = (*PLAIN, *HTML, *RTF)
"""The types of documents that are read; the first ones are preferred."""

LARGEST = 4 << 20
"""Bytes of one document: more is no report."""


def document_text(data: bytes, content_type: str, encoding: str = "utf-8") -> str:
    """The text of a document; ValueError, with the reason, if it has none that is read."""
    kind, charset = _kind(content_type), _charset(content_type)
    if kind not in READABLE:
        raise ValueError(f"a document of type {kind or '(none)'}, which is not read: have it exported as text")
    if len(data) > LARGEST:
        raise ValueError(f"a document of {len(data):,} bytes, over the limit of {LARGEST:,}")
    try:
        text = data.decode(charset or encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(f"a document that is not {charset or encoding}") from error
    if kind in HTML:
        return markup_text(text)
    return rtf_text(text) if kind in RTF or text.startswith("{\\rtf") else text


def is_readable(content_type: str) -> bool:
    """Whether documents of a type are read."""
    return _kind(content_type) in READABLE


def from_base64(text: str) -> bytes:
    """What base64 stands for; ValueError if it is none."""
    try:
        return base64.b64decode(re.sub(r"\s+", "", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a document that is not base64") from error


def markup_text(markup: str) -> str:
    """HTML or XHTML as text: a line a block, no line for what only looks; broken markup costs no word of text."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def rtf_text(rtf: str) -> str:
    """RTF as text."""
    from striprtf.striprtf import rtf_to_text

    try:
        return str(rtf_to_text(rtf, errors="ignore"))
    except Exception as error:  # what it raises of broken RTF is not told
        raise ValueError("a document that is not readable as RTF") from error


def _kind(content_type: str) -> str:
    return content_type.split(";")[0].strip().lower()


def _charset(content_type: str) -> str | None:
    match = re.search(r"charset\s*=\s*\"?([\w.:-]+)", content_type, re.IGNORECASE)
    return match[1] if match else None


class _Reader(HTMLParser):
    """Gathers the text between tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._as_written = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in _CELLS:
            self.parts.append(" ")
        self._unseen += tag in _UNSEEN
        self._as_written += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS and tag not in _VOID:
            self.parts.append("\n")
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        self._as_written = max(0, self._as_written - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data if self._as_written else re.sub(r"\s+", " ", data))
