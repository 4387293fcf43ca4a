"""Attached documents as plain text: HTML, XHTML, RTF and text, as FHIR and HL7 carry them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from html import unescape

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
_TAG = re.compile(r"(?:(?P<closing>/)?(?P<name>[A-Za-z][\w:.-]*)(?=[\s/>])|[!?])[^>]*?(?P<itself>/)?>")

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
    """HTML or XHTML as text: a line a block; broken markup costs no word of text.

    Python's HTML parser takes time that grows with the square of what stays open ("<a <a <a"), and raises at odd
    declarations. To get at the text, it is enough to pass over what stands between signs, once.
    """
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(_texts(markup)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _texts(markup: str) -> Iterator[str]:
    first, *parts = markup.split("<")
    yield _shown(first, as_written=False)
    unseen = as_written = 0
    comment = False
    for part in parts:
        comment = comment or part.startswith("!--")
        if comment:
            _, closed, part = part.partition("-->")
            comment = not closed
            yield _shown(part, as_written=as_written > 0) if closed and not unseen else ""
            continue
        tag = _TAG.match(part) if ">" in part else None
        if tag is None:
            yield "" if unseen else _shown(f"<{part}", as_written=as_written > 0)
            continue
        closing, name = bool(tag["closing"]), (tag["name"] or "").lower()
        step = 0 if tag["itself"] else -1 if closing else 1
        unseen = max(0, unseen + step * (name in _UNSEEN))
        as_written = max(0, as_written + step * (name == "pre"))
        yield "\n" if name in _BLOCKS and not (closing and name in _VOID) else " " if name in _CELLS else ""
        yield "" if unseen else _shown(part[tag.end() :], as_written=as_written > 0)


def _shown(text: str, *, as_written: bool) -> str:
    return unescape(text) if as_written else re.sub(r"\s+", " ", unescape(text))


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
