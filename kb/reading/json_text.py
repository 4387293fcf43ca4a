"""JSON, read within bounds: how deep it is nested, and how long a number may be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kb.errors import UsageError
from kb.reading.regular_file import TEXT_LIMIT, read_text
from kb.reading.unreadable import DEPTH, Unreadable, require_shallow

DIGITS = 300
"""Digits of a whole number: a float holds no more."""


def read_json(text: str | bytes, *, exact: bool = False) -> Any:
    """The value that a text of JSON tells.

    Args:
        text: JSON; bytes are UTF-8.
        exact: refuse also what one reader takes so and another otherwise: NaN and Infinity, half a letter (a lone
            surrogate). For what is carried out, and is no row among many.

    Raises:
        Unreadable: it is no JSON, beyond a bound, or a name stands twice in an object.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        told = (_EXACT if exact else _PLAIN).decode(text)
    except RecursionError:
        raise Unreadable(f"lists and objects stand in one another more than {DEPTH} deep") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: byte {error.start + 1} is 0x{error.object[error.start]:02x}") from error
    except Unreadable:
        raise
    except ValueError as error:
        raise Unreadable(str(error)) from error
    if text.count("[") + text.count("{") > DEPTH:
        require_shallow(told)
    if exact and "\\u" in text:
        require_whole_letters(told)
    return told


def read_json_file(path: Path, *, exact: bool = True, most: int = TEXT_LIMIT) -> Any:
    """The value that a file of JSON tells; see `read_json`.

    Raises:
        UsageError: there is no such file, it is too large, no JSON, or beyond a bound; the message names it.
    """
    try:
        return read_json(read_text(path, most=most), exact=exact)
    except Unreadable as error:
        raise UsageError(f"{path} is no JSON that can be read: {error}") from error


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise Unreadable(f"a number of {len(digits):,} digits")
    return int(digits)


def _no_constant(name: str) -> Any:
    raise Unreadable(f"{name}, which is no number of JSON")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable(f"the name {twice[:60]!r} stands twice in an object")
    return told


def require_whole_letters(told: Any) -> None:
    """Refuse a value in which a text, or a name, holds half a letter (Unreadable): no table stores it."""
    try:
        json.dumps(told, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Unreadable("half a letter (a lone surrogate) stands in a text") from error


_PLAIN = json.JSONDecoder(parse_int=_whole, object_pairs_hook=_once)
_EXACT = json.JSONDecoder(parse_int=_whole, parse_constant=_no_constant, object_pairs_hook=_once)
