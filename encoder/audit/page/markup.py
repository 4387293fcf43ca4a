"""HTML that cannot be forgotten to be escaped: whatever is not made here is text, and becomes text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

VOID = frozenset(("br", "img", "meta", "line", "circle", "rect", "path", "polyline", "use"))
"""Elements that hold nothing; those of SVG are closed with a slash."""

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no page may hold: control characters, and halves of characters."""

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text around them."""


class Html(str):
    """Markup that was made here; everything else is text."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as it stands between two tags; markup stays as it is."""
    if isinstance(value, Html):
        return value
    return Html(escape(_TURNING.sub("", _UNSEEN.sub("\ufffd", str(value))), quote=True))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after another; None and "" are left out."""
    return Html(text(between).join(text(part) for part in parts if part is not None and part != ""))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element with its children.

    Attributes are named as in Python: `class_`, `aria_label`, `viewBox`. True makes one without a value; None and False
    leave it out. Iterables of children are not unpacked: `*rows`.

    Example:
        >>> tag("p", "a < b", class_="note")
        '<p class="note">a &lt; b</p>'
    """
    words = "".join(
        f" {_named(key)}" if value is True else f' {_named(key)}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Html(f"<{name}{words} />")
    return Html(f"<{name}{words}>{join(children)}</{name}>")


def _named(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def shortened(value: str, most: int) -> str:
    """A text of no more than so many characters."""
    return value if len(value) <= most else value[: most - 1].rstrip() + "…"
