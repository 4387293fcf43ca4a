"""What DuckDB complains of, in one or two plain lines: what it said, where, and which names were near."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

_WHERE = re.compile(r"\s*LINE (\d+):(.*)\n(\s*)\^", re.S)
_CANDIDATES = re.compile(r"\s*Candidate (bindings|functions|macros?):.*", re.S)
_NO_COLUMN = re.compile(r'column(?: named)? "([^"]+)"', re.I)
_KIND = re.compile(r"^(Binder|Catalog|Parser|Conversion|Invalid Input|Syntax) Error: ", re.I)
MOST = 400
LEAST = 3
"""Letters of a name that another one is found in: "n" is in any."""


def first_words(error: BaseException, columns: Collection[str] = ()) -> str:
    """An error of DuckDB as a message: what it says and, on a second line, the place in the query with a mark.

    `columns` are names that could have been meant by one that DuckDB does not know.
    """
    text = str(error)
    place = _WHERE.search(text)
    said = _CANDIDATES.sub("", text[: place.start()] if place else text)
    said = _KIND.sub("", " ".join(said.split())).rstrip()[:MOST]
    unknown = ("not found", "does not exist", "does not have a column")
    wrong = _NO_COLUMN.search(said) if any(words in said for words in unknown) else None
    near = near_names(wrong.group(1).split(".")[-1], columns) if wrong else ""
    if near and "did you mean" not in said.lower():
        said = f"{said.rstrip('!. ')}: did you mean {near}?"
    return said + (f"\n  line {place.group(1)}: {_excerpt(place)}" if place else "")


def near_names(name: str, known: Collection[str], most: int = 3) -> str:
    """The known names that one looks like, ready to be read; "" where none does."""
    lower = name.lower()
    close = get_close_matches(lower, sorted({*known}), n=most, cutoff=0.6)
    close += [
        other
        for other in sorted({*known})
        if min(len(lower), len(other)) >= LEAST and (lower in other or other in lower) and other not in close
    ]
    return ", ".join(close[:most])


def _excerpt(place: re.Match[str]) -> str:
    """The line of the query with a mark before what is wrong."""
    line = place.group(2)
    column = len(place.group(3)) - len(f"LINE {place.group(1)}:")
    if not 0 <= column <= len(line):
        return line.strip()[:MOST]
    return f"{line[:column]}>>>{line[column:]}".strip()[:MOST]
