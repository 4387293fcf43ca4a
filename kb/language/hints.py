"""Hints: words that a pattern cannot do without, so that a text without them need not be searched for it.

Most sentences hold no word of technique, advice or change. To tell so by their words, each of which is looked at once,
is ten times faster than to try every phrase of a long pattern at every letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

CACHED_WORDS = 50_000
"""Words of which it is remembered what they hint at."""

Ways = frozenset[str] | None
"""Runs of letters, as patterns, of which one stands in every match; None where none is sure to."""

_parser: Any = import_module("re._parser")


class Hints:
    """Several patterns, of which a text is told by its words which it may match."""

    def __init__(self, *patterns: re.Pattern[str]):
        self._always = 0
        self._hints: list[tuple[int, re.Pattern[str]]] = []
        for at, pattern in enumerate(patterns):
            if (ways := ways_of(pattern)) is None:
                self._always |= 1 << at
            else:
                self._hints.append((1 << at, re.compile("|".join(sorted(ways)))))
        self._of_word = lru_cache(CACHED_WORDS)(self._hinted)

    def possible(self, text: str) -> int:
        """The patterns that may match a text, as a number whose bit n stands for the nth; 0 if it matches none."""
        found = self._always
        for word in text.split():
            found |= self._of_word(word)
        return found

    def _hinted(self, word: str) -> int:
        word = word.casefold()
        return sum(bit for bit, hint in self._hints if hint.search(word))


def ways_of(pattern: re.Pattern[str]) -> Ways:
    r"""Patterns in small letters of which one is in a word of every text that `pattern` matches; None where none is.

    >>> sorted(ways_of(re.compile(r"\b(?:recommend|advise)d?|to follow[- ]?up\b")))
    ['\\badvise', '\\brecommend', 'follow']
    """
    return _of_sequence(_parser.parse(pattern.pattern, pattern.flags))


def _of_sequence(parts: Sequence[Any]) -> Ways:
    """The most telling of what each part wants: the one whose shortest run of letters is longest."""
    return max(_wanted(parts), key=lambda ways: min(map(_letters, ways)), default=None)


def _letters(way: str) -> int:
    """How many letters a way wants; none where they are a word that is in many sentences anyway."""
    letters = re.sub(r"\\b|\(\?.*?\)|\W", "", way)
    return 0 if letters in _COMMON else len(letters)


_COMMON = frozenset(["there", "are", "the", "and", "with"])


def _wanted(parts: Sequence[Any]) -> Iterator[frozenset[str]]:
    run: list[Any] = []
    for part in [*parts, _END]:
        kind, told = part
        blank = kind is _parser.LITERAL and chr(told).isspace()
        if (kind is _parser.LITERAL and not blank) or told is _parser.AT_BOUNDARY:
            run.append(part)
            continue
        ways: Ways = None
        if kind is _parser.BRANCH:  # "p(?:rior|ast)" is parsed so: its ways are "prior" and "past"
            branches = [_of_sequence([*run, *branch]) for branch in told[1]]
            ways = None if None in branches else frozenset().union(*(one for one in branches if one))
        elif kind is _parser.SUBPATTERN:
            ways = _of_sequence([*run, *told[-1]])
        elif kind in (_parser.MAX_REPEAT, _parser.MIN_REPEAT) and told[0]:
            ways = _of_sequence(told[2])
        if any(one is _parser.LITERAL for one, _ in run):
            yield frozenset(["".join(map(_written, [*run, _WORD_ENDS] if blank else run))])
        if ways:
            yield ways
        run = [_WORD_BEGINS] if blank else []


_END = (None, None)
_WORD_BEGINS = (None, r"(?<!\S)")
_WORD_ENDS = (None, r"(?!\S)")


def _written(part: tuple[Any, Any]) -> str:
    kind, told = part
    return re.escape(chr(told).casefold()) if kind is _parser.LITERAL else r"\b" if kind is _parser.AT else str(told)
