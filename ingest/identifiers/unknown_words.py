"""Words that nobody knows: neither radiology nor English nor medicine. In a report they are names of people and places.

No table holds every name. What a table can hold is everything else: the words of the lexicon, plain English, and the
parts that medicine builds its words of ("peri-", "-ectomy"). Of the words of real reports fewer than one in a hundred
is none of these, and what is lost by taking one out is an adjective or a brand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from ingest.identifiers.tables import is_known, known_words, marker, spelt
from kb.language.slips import meant_by

SHORTEST = 4
"""Letters that a word has at least to be told from an abbreviation."""

LONGEST_ABBREVIATION = 5
"""Letters of an abbreviation at most, where capitals tell one."""

SLIP = 6
"""Letters of a known word at least that another may be a slip of."""

PART = 4
"""Letters of each of two known words at least that were written as one."""

_LETTERS = re.compile(r"[^\W\d_]+")


@cache
def nobody_knows(word: str) -> bool:
    """Whether a word is unknown in each of its parts; one of few letters never is, for it may be an abbreviation."""
    if is_known(word):
        return False
    parts = [part for part in _LETTERS.findall(spelt(word)) if len(part) >= SHORTEST]
    return any(_unknown(part) for part in parts)


def _unknown(part: str) -> bool:
    named_by_eponyms = part in marker("described") or part in marker("eponym")
    if is_known(part) or named_by_eponyms or _is_english(part) or _is_medical(part):
        return False
    glued = any(is_known(part[:at]) and is_known(part[at:]) for at in range(PART, len(part) - PART + 1))
    return not glued and not meant_by(part, _often_misspelt())


def _is_medical(part: str) -> bool:
    """Whether a word is built as medicine builds its words: an ending of it, or a beginning before what is known."""
    if any(part.endswith(ending) and len(part) > len(ending) + 1 for ending in marker("ending")):
        return True
    for beginning in marker("beginning"):
        rest = part.removeprefix(beginning)
        if rest != part and len(rest) >= SHORTEST:
            latin = any(rest.endswith(ending) for ending in marker("adjective"))
            if latin or is_known(rest) or _is_english(rest):
                return True
    return False


def _is_english(word: str) -> bool:
    """Whether a word, in small letters, is one of English that is no name: "bristol" is none, Bristol is a town."""
    return word in _english() or word.upper() in _english()


@cache
def _english() -> Mapping[str, str]:
    # It takes long to import, and its dictionary longer.
    from simplemma.strategies.dictionaries.dictionary_factory import DefaultDictionaryFactory

    found: Mapping[str, str] = DefaultDictionaryFactory().get_dictionary("en")
    return found


@cache
def _often_misspelt() -> tuple[str, ...]:
    return tuple(sorted(word for word in known_words() if len(word) >= SLIP))
