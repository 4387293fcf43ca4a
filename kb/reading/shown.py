"""A value from outside, as a message shows it."""

from __future__ import annotations

import reprlib
from typing import Any

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shown(value: Any) -> str:
    """A value in short, and without half letters or control characters."""
    return "null" if value is None else _SHORT.repr(value)
