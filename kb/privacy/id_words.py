"""An id among words: where a text names somebody, and the text without it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

SHORTEST_ID = 6
"""Letters of an id from which on it is searched for: a shorter one stands in many files and sentences by chance."""

IN_PLACE = "(forgotten)"


def names(text: str, wanted: str, others: Iterable[str] = ()) -> bool:
    """Whether a text has an id as a word of its own, and not only within one of the longer ids of `others`."""
    return wanted in text and any(match["theirs"] for match in _pattern([wanted], others).finditer(text))


def without_ids(text: str, ids: Iterable[str]) -> str:
    """A text with a mark in the place of each of the ids; a short one is taken for an id only between quotes."""
    held = {form for one in ids for form in (one, in_json(one)) if form in text}
    if long := [one for one in held if len(one) >= SHORTEST_ID]:
        text = _pattern(long, ()).sub(IN_PLACE, text)
    if short := [one for one in held if len(one) < SHORTEST_ID]:
        text = re.sub(rf"(?<=['\"])(?:{'|'.join(map(re.escape, short))})(?=\\?['\"])", IN_PLACE, text)
    return text


def in_json(text: str) -> str:
    """A text as it stands between the quotes of JSON."""
    return json.dumps(text)[1:-1]


def _pattern(wanted: Iterable[str], others: Iterable[str]) -> re.Pattern[str]:
    theirs = "|".join(re.escape(one) for one in sorted(wanted, key=len, reverse=True))
    longer = "".join(f"{re.escape(one)}|" for one in sorted(others, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_])(?:{longer}(?P<theirs>{theirs}))(?![^\W_])")
