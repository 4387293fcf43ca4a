"""What one cell of a table holds: an id or a text, or the reason why it is neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from math import inf

BLANK = frozenset({"", "nan", "none", "null", "na", "n/a"})
"""What stands in a cell, in small letters, that says nothing."""


def identifier(row: Mapping[str, object], column: str | None) -> str | None:
    """The id in a column as text, None if it is blank; ValueError if it is no id."""
    value = row.get(column) if column is not None else None
    if value is None:
        return None
    if isinstance(value, bool | list | dict):
        raise ValueError(f"column '{column}' holds {_kind(value)}, not an id")
    if isinstance(value, int | float | Decimal):
        whole = value == value and value not in (inf, -inf) and value == int(value)
        # A column of whole numbers with blanks comes as floats: 50414267.0 is 50414267.
        return str(int(value)) if whole else None if value != value else str(value)
    text = (text_of(row, str(column)) if isinstance(value, bytes) else str(value)).strip()
    if reason := unstorable(text, f"column '{column}'"):
        raise ValueError(reason)
    return text or None


def text_of(row: Mapping[str, object], column: str) -> str:
    """The text in a column, "" for null; ValueError if it is no text."""
    value = row.get(column)
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"column '{column}' is not utf-8: byte {error.start + 1}") from error
    raise ValueError(f"column '{column}' holds {_kind(value)}, not text")


def _kind(value: object) -> str:
    kinds = {list: "a list", dict: "an object", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def unstorable(text: str, where: str) -> str | None:
    """Why a text cannot be stored as UTF-8 that every reader takes."""
    if "\0" in text:
        return f"NUL byte in {where}"
    if text.isascii():
        return None
    half = re.search(r"[\ud800-\udfff]", text)
    return f"half a surrogate pair (\\u{ord(half[0]):04x}) in {where}" if half else None
