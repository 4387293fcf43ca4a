"""A sentence as tokens, and which of them are removed words ("XXXX", "___", "[**Name**]")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

Span = tuple[int, int]
"""Start and end of a stretch of text, in characters of it, end exclusive."""

REMOVED = "xxxx"
"""What a removed word reads as, however it is marked."""

_REMOVED = re.compile(r"[Xx]{3,}|_{2,}|\[\*\*.*?\*\*\]|\[[A-Z][A-Z_ -]+\]")
_TOKEN = re.compile(
    r"(?P<plain>(?!x{3}|cannot)[^\W\d_]++(?=[\s,]|\Z))"  # nearly every word: letters alone, and no sign behind them
    r"|(?P<removed>x{3,}|_{2,}|\[\*\*.*?\*\*\]|\[(?-i:[A-Z][A-Z_ -]+)\])"
    r"|(?P<whole>\b(?:w/o|[csfrhdpbe]/[wpuolb])(?![\w/])|\bw/)"  # "c/w", "s/p", "b/l", "w/": one word each
    r"|(?P<doubt>\?+)"
    r"|(?P<word>n['\u2019]t\b|can(?=not\b)|and/or\b|[^\W\d_]+(?=n['\u2019]t\b)|(?:vs|etc|approx)\.|(?:lt|rt|bilat)\.(?=\s*[a-z])|[ap]\.m\.?"
    r"|(?:[A-Za-z]\d{1,2}(?:-[A-Za-z]?\d{1,2})?(?![^\W_])|\d+/\d+(?:/\d+)?|\d+(?:[.,]\d+)*(?:st|nd|rd|th)?(?![^\W\d_])"
    r"|\d+(?:[.,]\d+)*(?=mm|cm|ml|cc|x\d)|\d+[^\W_]*|[^\W\d_][^\W_]*|'s\b))"
    r"|(?P<sign>-+|/{2,}|\S)",
    re.I,
)
_WORDS = frozenset(["plain", "word", "whole"])
_NOT = frozenset(["n't", "n\u2019t"])


class Token(NamedTuple):
    """One token: its lower-cased text, where it stands, and whether it is a word or stands for a removed one."""

    lower: str
    start: int
    end: int
    is_word: bool
    removed: bool = False


def tokenise(sentence: str) -> list[Token]:
    """The tokens of a sentence: words, numbers and signs; removed words are tokens of their own.

    "Ground-glass" is three, "can't" and "cannot" are two each, "5mm" is two, "3.2" and "T8-T9" are one.
    """
    tokens: list[Token] = []
    for match in _TOKEN.finditer(sentence):
        start, end = match.span()
        kind = match.lastgroup
        if kind in _WORDS:
            lower = match[0].lower()
            tokens.append(Token("not" if lower in _NOT else lower, start, end, True))
        elif kind == "removed":
            tokens.append(Token(REMOVED, start, end, False, True))
        else:
            tokens.append(Token("?" if kind == "doubt" else match[0], start, end, False))
    return tokens


def has_removed_word(text: str) -> bool:
    """Whether a text holds the mark of a removed word: "XXXX", "___", "[**Name**]"."""
    return _REMOVED.search(text) is not None


def marked_alike(text: str) -> str:
    """A text with every removed word as the same word."""
    return _REMOVED.sub(f" {REMOVED} ", text)


def runs(tokens: Sequence[Token], order: dict[int, int]) -> tuple[Span, ...]:
    """The stretches of text under `tokens`: neighbours in the sentence (`order`: start to index) make one."""
    spans: list[Span] = []
    last = -2
    for token in sorted(tokens, key=attrgetter("start")):
        at = order[token.start]
        if at == last + 1:
            spans[-1] = (spans[-1][0], token.end)
        else:
            spans.append((token.start, token.end))
        last = at
    return tuple(spans)
