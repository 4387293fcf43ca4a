"""Abbreviations that a report defines itself ("pulmonary embolism (PE)"), found as Schwartz and Hearst (2003) do.

scispaCy's detector does the same, and needs numpy 1; the tests hold this one to it where scispaCy is installed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

CACHED_PARENTHESES = 20_000
MOST_WORDS = 8
"""Of what stands in a parenthesis that defines an abbreviation, or is one's long form."""

MOST_WORDS_OF_SHORT = 3
"""More of them are a long form."""

LETTERS_OF_SHORT = range(2, 10)
"""How long each word of an abbreviation is."""

_CANDIDATE = re.compile(r"(?<![^\s()])[^()]{0,240}\((?=[^()]*[A-Za-z][^()]*[A-Za-z0-9])[^()]{2,240}\)")


def defined_abbreviations(text: str) -> dict[str, str]:
    """Short forms that `text` defines in parentheses, with their long forms.

    A long form in parentheses counts too: "PE (pulmonary embolism without infarction)".
    """
    found: dict[str, str] = {}
    if "(" not in text:
        return found
    for candidate in _CANDIDATE.finditer(text):
        if (defined := _defined(candidate[0])) is not None:
            short, long = defined
            found[short] = long
    return found


def written_out(phrase: str, abbreviations: Mapping[str, str]) -> str:
    """`phrase` with its abbreviations written out, and each said once where the phrase defines it."""
    for short, long in abbreviations.items():
        phrase = re.sub(rf"({re.escape(long)})\s*\({re.escape(short)}(?:\)|$)", r"\1", phrase)
        phrase = re.sub(rf"\b{re.escape(short)}\b", long.replace("\\", r"\\"), phrase)
    return phrase


@lru_cache(CACHED_PARENTHESES)
def _defined(text: str) -> tuple[str, str] | None:
    """The short and the long form in a text that ends with its one parenthesis; None if it defines nothing."""
    document = _tokeniser()(text)
    words = [token.text for token in document]
    if "(" not in words[1:] or words[-1] != ")":
        return None
    opening = words.index("(")
    inside, before = document[opening + 1 : -1], document[:opening]
    if not 0 < len(inside) <= MOST_WORDS:
        return None
    if len(inside) > MOST_WORDS_OF_SHORT:
        short, long = before[-1:], inside
    else:
        letters = sum(len(token) for token in inside)
        short, long = inside, before[-min(letters + 5, letters * 2) :]
    if not _may_be_short(short):
        return None
    start = _start_of_long(short.text.lower(), long)
    if start is None or long[start:].text == short.text:
        return None
    return short.text, long[start:].text


def _may_be_short(short: Any) -> bool:
    """Whether words may be an abbreviation: each short, the first begins with a letter, half of the signs letters."""
    text = short.text
    letters = sum(map(str.isalpha, text))
    return all(len(word) in LETTERS_OF_SHORT for word in short) and text[0].isalpha() and letters >= len(text) / 2


def _start_of_long(short: str, long: Any) -> int | None:
    """The word of `long` that the long form of `short` begins at; None if its letters do not stand there in order.

    From the last letter of `short` back, each is the nearest one in `long`, and the first one begins a word.
    """
    # Set apart, as each begins a word also where no space stands before it ("5cm", "[COPD").
    words = [word.lower_ for word in long]
    text = " ".join(words)
    at = len(text)
    for index in range(len(short) - 1, -1, -1):
        if not short[index].isalnum():
            continue
        at = text.rfind(short[index], 0, at)
        while index == 0 and at > 0 and text[at - 1].isalnum():
            at = text.rfind(short[index], 0, at)
        if at < 0:
            return None
    ends = accumulate(len(word) + 1 for word in words)
    return next(number for number, end in enumerate(ends) if at < end)


@cache
def _tokeniser() -> Any:
    import spacy

    return spacy.blank("en").tokenizer
