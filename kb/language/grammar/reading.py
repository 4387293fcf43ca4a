"""A sentence read: the words of each observation that it states, where they stand, and how it is meant."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from kb.language.grammar.answers import Part, parts_of
from kb.language.grammar.plain import plain_text
from kb.language.grammar.statements import Statement, read_statements
from kb.language.grammar.telling import referring, telling_parts
from kb.language.grammar.tokens import Span, Token, runs, tokenise
from schemas.terms import Certainty


class Reading(NamedTuple):
    """One observation: its words, the stretches of the sentence that they stand in, and its statement."""

    text: str
    spans: tuple[Span, ...]
    statement: Statement


def read_sentence(sentence: str, begin: int = 0) -> list[Reading]:
    """The observations of a sentence from the character `begin` on, in the order they stand."""
    plain = plain_text(sentence)
    tokens = tokenise(plain)
    order = {token.start: at for at, token in enumerate(tokens)}
    readings: list[Reading] = []
    for part in parts_of(plain, begin):
        for statement in _stated(part, telling_tokens(plain, part, tokens)):
            spans = runs(statement.tokens, order)
            readings.append(Reading(" ".join(sentence[start:end] for start, end in spans), spans, statement))
    return readings


def telling_tokens(plain: str, part: Part, tokens: list[Token]) -> list[Token]:
    """The tokens of a part that are about the image: no advice, technique, reference or date."""
    kept = [(first + at, last + at) for at, end in part.spans for first, last in telling_parts(plain[at:end])]
    left_out = referring(plain)
    if kept == [(0, len(plain))] and not left_out:
        return tokens
    telling = [token for first, last in kept for token in tokens[_at(tokens, first) : _at(tokens, last)]]
    return [token for token in telling if not any(first <= token.start < last for first, last in left_out)]


def _at(tokens: list[Token], start: int) -> int:
    """Which token is the first that begins at the character `start` or behind it."""
    return bisect_left(tokens, start, key=lambda token: token.start)


def _stated(part: Part, tokens: list[Token]) -> list[Statement]:
    statements = read_statements(tokens)
    if part.answer in (None, "present"):
        return statements
    certainty: Certainty = "definite" if part.answer == "absent" else "possible"
    return [
        statement._replace(assertion=part.answer, certainty=certainty)
        if statement.assertion == "present"
        else statement
        for statement in statements
    ]
