"""The stretches of a text around its digits: most texts have few, and the rest need not be looked at."""

from __future__ import annotations

import re

from kb.language.grammar.tokens import Span

AROUND = 48
"""Letters around a digit in which what it is a number of stands."""

_DIGIT = re.compile(r"\d[\d.,]*")


def windows(text: str) -> list[Span]:
    """The stretches around the digits of a text, those that meet joined."""
    found: list[Span] = []
    for match in _DIGIT.finditer(text):
        begin, end = max(0, match.start() - AROUND), min(len(text), match.end() + AROUND)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found
