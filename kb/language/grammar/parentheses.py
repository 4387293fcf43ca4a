"""Parentheses: what stands in one is read on its own, unless it only describes what stands before it."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.grammar.cues import load_cues
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import is_technique, names_finding, only_compares

_BRACKETS = frozenset("()[]")
_DESCRIBING_WORDS = 4
"""The longest description in a parenthesis."""


def unbracketed(tokens: Sequence[Token]) -> list[list[Token]]:
    """The sentence without what stands in parentheses, and each parenthesis on its own.

    One that only describes ("(Kerley B)", "(mild)", "(5th to 8th)") stays where it is.
    """
    if _BRACKETS.isdisjoint([token.lower for token in tokens]):
        return [list(tokens)]
    outer: list[Token] = []
    inner: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if token.lower in ("(", "["):
            depth += 1
            inner.append([token])
        elif token.lower in (")", "]"):
            depth = max(0, depth - 1)
            if inner and not depth and _describes(inner[-1][1:]) and not _is_earlier_measure(inner[-1][1:]):
                outer += [*inner.pop(), token]
        else:
            (inner[-1] if depth else outer).append(token)
    return [outer, *(part[1:] for part in inner if not _is_earlier_measure(part[1:]))]


def _is_earlier_measure(inner: Sequence[Token]) -> bool:
    """Whether a parenthesis says how large it was: "(prior 38 x 30 mm)"."""
    words = [token.lower for token in inner if token.is_word]
    return len(words) > 1 and words[0] in _EARLIER and words[1][0].isdigit()


_EARLIER = frozenset(["prior", "previous", "previously", "formerly", "was", "were", "from", "prev"])


def _describes(inner: Sequence[Token]) -> bool:
    """Whether a parenthesis says something of the thing before it, and nothing by itself."""
    words = [token for token in inner if token.is_word]
    if not 0 < len(words) <= _DESCRIBING_WORDS or only_compares(inner) or is_technique(inner):
        return False
    return not names_finding(inner) and len(load_cues().segments(inner)) == 1
