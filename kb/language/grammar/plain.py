"""Text as it was exported, read plainly: markup, entities and escapes become blanks and line ends of the same length.

Every character stays where it was, so whatever is found in the plain text stands at the same place of the given one.
"""

from __future__ import annotations

import re
from html import unescape

_SUSPECT = re.compile(r"[<&\\\u00a0\u2007-\u200a\u202f\u2018\u2019\u201c\u201d\u2032]|_x000[dDaA]_")

_BLOCKS = "br|p|div|li|ul|ol|tr|table|tbody|h[1-6]|hr|pre|body|html|section"
_INLINE = "b|i|u|em|strong|span|font|td|th|a|sup|sub|small|code"
_MARKS = re.compile(
    r"(?P<carriage>_x000[dDaA]_(?=\s*\n|\s*\Z))"
    rf"|(?P<block></?(?:{_BLOCKS})(?:\s[^<>]{{0,200}})?/?>)"
    rf"|(?P<inline></?(?:{_INLINE})(?:\s[^<>]{{0,200}})?/?>)"
    r"|(?P<line>_x000[dDaA]_|\\(?:r\\n|n|r)(?![a-z])|\\n(?=[A-Z])|\\\.br\\|\\X0[AaDd]\\)"
    r"|(?P<escape>\\[TFSRE]\\)"
    r"|&(?:#39|#x27|apos|rsquo|#8217);(?P<contracted>[a-z]{1,2})\b"
    r"|(?P<entity>&(?:[A-Za-z]{2,8}|#\d{1,5}|#x[0-9A-Fa-f]{1,4});)"
    r"|(?P<alike>[\u00a0\u2007-\u200a\u202f\u2018\u2019\u201c\u201d\u2032])"
)
_ESCAPES = {"T": "&", "F": "|", "S": "^", "R": "~", "E": "\\"}
_ALIKE = {"\u2018": "'", "\u2019": "'", "\u2032": "'", "\u201c": '"', "\u201d": '"'}


def plain_text(text: str) -> str:
    """The text without its markup, of the same length."""
    return _MARKS.sub(_plain, text) if _SUSPECT.search(text) else text


def _plain(match: re.Match[str]) -> str:
    kind, length = match.lastgroup, len(match[0])
    if kind == "block":
        return "\n\n".ljust(length)
    if kind == "line":
        return "\n".ljust(length)
    if kind == "escape":
        return _ESCAPES[match[0][1]].ljust(length)
    if kind == "contracted":
        return f"'{match['contracted']}".ljust(length)
    if kind == "alike":
        return _ALIKE.get(match[0], " ")
    if kind == "entity":
        said = unescape(match[0])
        if said in ("\n", "\r"):
            return "\n".ljust(length)
        return (_ALIKE.get(said, said) if len(said) == 1 and not said.isspace() else " ").ljust(length)
    return " " * length
