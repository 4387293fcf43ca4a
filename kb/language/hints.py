"""Hints: words that a pattern cannot do without, so that a text without any of them need not be searched for it.

Most sentences hold no word of technique, advice or change. To tell so by their words, each of which is looked at once,
is ten times faster than to try every phrase of a long pattern at every letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

CACHED_WORDS = 50_000
"""Words of which it is remembered what they hint at."""

_COMMON = frozenset(["there", "are", "is", "the", "and", "with", "no", "in", "of", "to", "on", "from"])
"""Words that stand in so many sentences that they hint at nothing."""

_parser: Any = import_module("re._parser")


class Hint(NamedTuple):
    """Letters, in small, that stand in a word of a text; `pattern` says too where the word begins and ends."""

    letters: str
    pattern: str

    @property
    def tells(self) -> int:
        """How much it tells: the longer, the more."""
        return 0 if self.letters in _COMMON else len(self.letters)


class Hints:
    """Several patterns, of which a text is told by its words which it may match."""

    def __init__(self, *patterns: re.Pattern[str]):
        found = [hints_of(pattern) for pattern in patterns]
        self._always = sum(1 << at for at, hints in enumerate(found) if hints is None)
        self._each = [(1 << at, _one_of(hint.pattern for hint in hints)) for at, hints in enumerate(found) if hints]
        self._any = _one_of(re.escape(hint.letters) for hints in found for hint in hints or ())
        self._of_word = lru_cache(CACHED_WORDS)(self._hinted_by)

    def possible(self, text: str) -> int:
        """The patterns that may match a text, as a number whose bit n stands for the nth; 0 if it matches none."""
        found = self._always
        for word in text.split():
            found |= self._of_word(word)
        return found

    def _hinted_by(self, word: str) -> int:
        word = word.casefold()
        return sum(bit for bit, hint in self._each if hint.search(word)) if self._any.search(word) else 0


def hints_of(pattern: re.Pattern[str]) -> frozenset[Hint] | None:
    """Hints of which one is in every text that a pattern matches; None where none is sure to be.

    >>> sorted(hint.letters for hint in hints_of(re.compile(r"(?:recommend|advise)d?|to follow[- ]?up")))
    ['advise', 'follow', 'recommend']
    """
    return _of_sequence(_parser.parse(pattern.pattern, pattern.flags))


def _one_of(patterns: Iterator[str]) -> re.Pattern[str]:
    return re.compile("|".join(sorted(set(patterns))) or "(?!)")


def _of_sequence(parts: Sequence[Any]) -> frozenset[Hint] | None:
    """The most telling of what its parts are sure to hold, by the least telling hint of each."""
    return max(_sure(parts), key=lambda hints: min(hint.tells for hint in hints), default=None)


def _sure(parts: Sequence[Any]) -> Iterator[frozenset[Hint]]:
    """Of each part that holds a hint in every text, its hints; the letters of a run are one part."""
    run: list[Any] = []
    for part in [*parts, _END]:
        kind, told = part
        if kind in (_parser.ASSERT, _parser.ASSERT_NOT):
            continue  # what stands around it stands side by side
        blank = _is_blank(part)
        if (kind is _parser.LITERAL and not blank) or told is _parser.AT_BOUNDARY:
            run.append(part)
            continue
        hints: frozenset[Hint] | None = None
        if kind is _parser.BRANCH:  # "p(?:rior|ast)" is how "prior|past" is parsed
            branches = [_of_sequence([*run, *branch]) for branch in told[1]]
            hints = None if None in branches else frozenset().union(*(branch or () for branch in branches))
        elif kind is _parser.SUBPATTERN:
            hints = _of_sequence([*run, *told[-1]])
        elif kind in (_parser.MAX_REPEAT, _parser.MIN_REPEAT) and told[0]:
            hints = _of_sequence(told[2])
        if any(one is _parser.LITERAL for one, _ in run):
            yield frozenset([_hint([*run, _WORD_ENDS] if blank else run)])
        if hints:
            yield hints
        run = [_WORD_BEGINS] if blank else []


def _is_blank(part: tuple[Any, Any]) -> bool:
    """Whether a part of a pattern is a blank, or some, written as such or as "\\s+"."""
    kind, told = part
    if kind in (_parser.MAX_REPEAT, _parser.MIN_REPEAT) and told[0] and len(told[2]) == 1:
        return _is_blank(told[2][0])
    if kind is _parser.IN:
        return told == [(_parser.CATEGORY, _parser.CATEGORY_SPACE)]
    return kind is _parser.LITERAL and chr(told).isspace()


_END = (None, None)
_WORD_BEGINS = (None, r"(?<!\S)")
_WORD_ENDS = (None, r"(?!\S)")


def _hint(run: Sequence[Any]) -> Hint:
    letters, pattern = "", ""
    for kind, told in run:
        if kind is _parser.LITERAL:
            letters += chr(told).casefold()
            pattern += re.escape(chr(told).casefold())
        else:
            pattern += r"\b" if told is _parser.AT_BOUNDARY else told
    return Hint(letters, pattern)
