"""Identifiers in a text: where they stand, and the text without them, of the same length."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version

from ingest.identifiers.dates import dates_in
from ingest.identifiers.numbers import numbers_in
from ingest.identifiers.people import people_in
from ingest.identifiers.places import places_in
from ingest.identifiers.tables import fingerprint as tables_fingerprint
from ingest.identifiers.words import Words, may_name
from kb.language.grammar.plain import plain_text
from kb.language.grammar.tokens import Span

VERSION = "4"
"""Raised whenever the code finds another thing in the same text; the tables have a fingerprint of their own."""

MARK = "_"
"""What stands in the place of each letter that was taken out: a removed word, as it is in MIMIC's reports."""

_LONG = re.compile(r"(?<!\S)(?P<word>\S{200,})|\s{9,}")
"""What no sentence has: a file or an address written into the text as one word, and blanks without end."""

CACHED_TEXTS = 4_096


def identifiers_in(text: str) -> list[Span]:
    """The stretches of a text that tell who somebody is, in order, none overlapping or touching another.

    Names of people, with their titles; dates, times, ages beyond 89; numbers of telephones and records; addresses;
    institutions and towns. Eponyms and devices are none ("Hickman catheter").
    """
    marked, dated = _found(text)
    return _joined((*marked, *dated))


@lru_cache(CACHED_TEXTS)
def without_identifiers(text: str) -> str:
    """The text with a mark for every letter of an identifier: each other character stays where it was.

    Of dates and times each digit is a 1, so that a sentence that tells of one reads as before.
    """
    marked, dated = _found(text)
    if not (marked or dated):
        return text
    letters = list(text)
    for start, end in dated:
        letters[start:end] = re.sub(r"\d", "1", text[start:end])
    for start, end in marked:
        letters[start:end] = _marked(text[start:end])
    return "".join(letters)


def fingerprint() -> str:
    """Changes whenever something else may be taken out of the same text."""
    told = f"{tables_fingerprint()} simplemma {version('simplemma')}"
    return f"{VERSION}-{blake2b(told.encode(), digest_size=3).hexdigest()}"


@lru_cache(CACHED_TEXTS)
def _found(text: str) -> tuple[list[Span], list[Span]]:
    """What is marked letter by letter, and the dates."""
    plain, long, places = _shortened(plain_text(text))
    dated = _joined(dates_in(plain))
    found = [one for one in numbers_in(plain) if not any(day[0] <= one[0] and one[1] <= day[1] for day in dated)]
    if may_name(plain):
        found += [*people_in(Words(plain)), *places_in(plain)]
    if places is not None:
        found, dated = ([(places[start], places[end - 1] + 1) for start, end in spans] for spans in (found, dated))
    return _joined([*found, *long]), dated


def _shortened(text: str) -> tuple[str, list[Span], list[int] | None]:
    """A text without its endless words, and with few blanks for many: to look through these takes for ever.

    Returns:
        the text; where its endless words stood, which are all identifiers; and for each letter where it stood, None
        where nothing was taken out.
    """
    if _LONG.search(text) is None:
        return text, [], None
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for match in _LONG.finditer(text):
        start, end = match.span()
        left = "  " if match["word"] or "\n" not in match[0] else "\n\n"
        parts += [text[at:start], left]
        places += [*range(at, start), start, end - 1]
        at = end
    return (
        "".join([*parts, text[at:]]),
        [one.span() for one in _LONG.finditer(text) if one["word"]],
        [*places, *range(at, len(text))],
    )


def _joined(found: Iterable[Span]) -> list[Span]:
    spans: list[Span] = []
    for start, end in sorted(found):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif start < end:
            spans.append((start, end))
    return spans


def _marked(identifier: str) -> str:
    """A mark for every letter; blanks within become marks too, so that it is one word, and lines stay lines."""
    return re.sub(r"[^\r\n]", MARK, identifier)
