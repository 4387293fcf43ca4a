"""A sentence as tokens, and which of them are removed words ("XXXX", "___", "[**Name**]")."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

Span = tuple[int, int]
"""Start and end of a stretch of text, in characters of it, end exclusive."""

REMOVED = "xxxx"
"""What a removed word reads as, however it is marked."""

_REMOVED = re.compile(r"[Xx]{3,}|_{2,}|\[\*\*.*?\*\*\]")
_WORD = re.compile(r"[^\W_]")
_NOT = frozenset(["n't", "n’t"])
_WHOLE = re.compile(r"\b(?:w/o|[csfrhdpbe]/[wpuolb])(?![\w/])|\bw/|\?+", re.I)
"""What is one token though it looks like several: "c/w", "s/p", "w/", and question marks, which are one doubt."""


class Token(NamedTuple):
    """One token: its lower-cased text, where it stands, and whether it is a word or stands for a removed one."""

    lower: str
    start: int
    end: int
    is_word: bool
    removed: bool = False


def tokenise(sentence: str) -> list[Token]:
    """The tokens of a sentence, as spaCy's English tokeniser has them; removed words are tokens of their own."""
    if sentence.isupper() and len(sentence.lower()) == len(sentence):
        sentence = sentence.lower()  # the tokeniser knows "cannot", and not "CANNOT"
    taken = [match.span() for match in _REMOVED.finditer(sentence)]
    tokens = [Token(REMOVED, start, end, is_word=False, removed=True) for start, end in taken]
    if "/" in sentence or "?" in sentence:
        for match in _WHOLE.finditer(sentence):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                tokens.append(Token("?" if match[0][0] == "?" else match[0].lower(), *match.span(), match[0][0] != "?"))
    for start, end in _between(sorted(taken), len(sentence)):
        for token in _tokeniser()(sentence[start:end]):
            if not token.is_space:
                at = start + token.idx
                lower = "not" if token.lower_ in _NOT else token.lower_
                tokens.append(Token(lower, at, at + len(token), _WORD.search(token.text) is not None))
    return sorted(tokens, key=lambda token: token.start)


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
    for token in sorted(tokens, key=lambda token: token.start):
        at = order[token.start]
        if at == last + 1:
            spans[-1] = (spans[-1][0], token.end)
        else:
            spans.append((token.start, token.end))
        last = at
    return tuple(spans)


def _between(taken: list[Span], length: int) -> list[Span]:
    edges = [0, *(edge for span in taken for edge in span), length]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


@cache
def _tokeniser() -> Any:
    import spacy

    return spacy.blank("en").tokenizer
