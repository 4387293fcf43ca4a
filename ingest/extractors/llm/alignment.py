"""Quotes aligned with the text they were taken from: every word must stand there, in order, or there is no span."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from kb.language.grammar.tokens import Span

Spans = tuple[Span, ...]


def align(quote: Sequence[str], text: str, taken: Collection[Spans] = (), *, reached: int = 0) -> Spans | None:
    """Where the pieces of `quote` stand in `text`, in order; None if they do not.

    Blanks and line ends count alike. A piece begins and ends with whole words; where its case stands nowhere, another
    case will do. Of several places one is taken that shares no character with those in `taken` (an "effusion" that is
    denied is not the one of the "large effusion" before), then one from `reached` on, for statements are made in order,
    then the one with the pieces closest together, then the first; never one that is in `taken`.
    """
    covered = [span for spans in taken for span in spans]

    def rank(spans: Spans) -> tuple[bool, bool, int, Span]:
        shares = any(start < last and first < end for start, end in spans for first, last in covered)
        return shares, spans[0][0] < reached, spans[-1][1] - spans[0][0], spans[0]

    for flags in (0, re.IGNORECASE):
        patterns = [_pattern(piece, flags) for piece in quote]
        if None in patterns:
            return None
        found = [spans for spans in _places([p for p in patterns if p], text) if spans not in taken]
        if found:
            return min(found, key=rank)
    return None


def _places(patterns: Sequence[re.Pattern[str]], text: str) -> Iterator[Spans]:
    """Every place of the first piece, with the nearest places of the others after it."""
    for first in patterns[0].finditer(text):
        spans = [first.span()]
        for pattern in patterns[1:]:
            match = pattern.search(text, spans[-1][1])
            if match is None:
                return
            spans.append(match.span())
        yield tuple(spans)


def _pattern(piece: str, flags: int) -> re.Pattern[str] | None:
    words = piece.split()
    if not words or not re.search(r"\w", piece):
        return None
    begins = r"(?<!\w)" if re.match(r"\w", words[0]) else ""
    ends = r"(?!\w)" if re.search(r"\w$", words[-1]) else ""
    return re.compile(begins + r"\s+".join(map(re.escape, words)) + ends, flags)
