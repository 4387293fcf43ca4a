"""What is told of data that cannot be read, and how deep they may be nested."""

from __future__ import annotations

from typing import Any

DEPTH = 64
"""Lists and objects that may stand in one another: what walks through data of outside does so by recursion."""


class Unreadable(ValueError):
    """Data that are not of their format, or beyond a bound; the message says which, and where."""


def require_shallow(value: Any) -> None:
    """Refuse a value that is nested deeper than `DEPTH`; it may be of any depth."""
    level = [value]
    for _ in range(DEPTH + 1):
        level = [one for one in level if isinstance(one, dict | list | tuple | set)]
        if not level:
            return
        level = [inner for one in level for inner in _within(one)]
    raise Unreadable(f"lists and objects stand in one another more than {DEPTH} deep")


def _within(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
