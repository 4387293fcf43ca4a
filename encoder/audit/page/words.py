"""Texts as they may stand on a page."""

from __future__ import annotations

import re

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What no page may hold: control characters, and halves of characters."""

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text around them."""


def clean(text: str) -> str:
    """A text without what no page may hold."""
    return _TURNING.sub("", _UNSEEN.sub("\ufffd", text))


def shortened(value: str, most: int) -> str:
    """A text of no more than so many characters."""
    return value if len(value) <= most else value[: most - 1].rstrip() + "…"
