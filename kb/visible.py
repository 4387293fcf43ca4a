"""Text as a terminal may be shown it: what would move its cursor, set its title or turn its lines is written out.

Reports come from outside, and so do ids, names of files and messages of other programs. Each character that a terminal
would act on is shown by its escape, "\\x1b", and does nothing; a line break and a tab stay what they are.
"""

from __future__ import annotations

import re

from rich.console import Group, RenderableType
from rich.text import Text

ACTED_ON = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (C0, DEL, C1), those that turn the direction of a line, and halves of characters."""


def visible(text: str) -> str:
    """`text` with what a terminal would act on written out."""
    return ACTED_ON.sub(lambda found: _escape(found[0]), text)


def visible_json(text: str) -> str:
    """A JSON document with the same characters written as JSON escapes them: it says what it said."""
    return ACTED_ON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def visible_text(shown: RenderableType) -> RenderableType:
    """Text of rich, or a group of such, with what a terminal would act on written out and its styles kept."""
    if isinstance(shown, str):
        return visible(shown)
    if isinstance(shown, Group):
        return Group(*map(visible_text, shown.renderables))
    if not isinstance(shown, Text) or ACTED_ON.search(shown.plain) is None:
        return shown
    whole, at = shown.blank_copy(), 0
    for found in ACTED_ON.finditer(shown.plain):
        whole.append_text(shown[at : found.start()])
        whole.append_text(Text(_escape(found[0]), style=shown.style))
        at = found.end()
    return whole.append_text(shown[at:])


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
