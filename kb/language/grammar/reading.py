"""A sentence read: the words of each observation that it states, where they stand, and how it is meant."""

from __future__ import annotations

from dataclasses import dataclass

from kb.language.grammar.statements import Statement, read_statements
from kb.language.grammar.tokens import Span, runs, tokenise
from kb.language.grammar.wording import telling_parts


@dataclass(frozen=True, slots=True)
class Reading:
    """One observation: its words, the stretches of the sentence that they stand in, and its statement."""

    text: str
    spans: tuple[Span, ...]
    statement: Statement


def read_sentence(sentence: str, begin: int = 0) -> list[Reading]:
    """The observations of a sentence from the character `begin` on, in the order they stand."""
    tokens = [
        token._replace(start=token.start + first, end=token.end + first) if first else token
        for first, last in ((max(first, begin), last) for first, last in telling_parts(sentence))
        for token in tokenise(sentence[first:last])
    ]
    order = {token.start: at for at, token in enumerate(tokens)}
    readings: list[Reading] = []
    for statement in read_statements(tokens):
        spans = runs(statement.tokens, order)
        readings.append(Reading(" ".join(sentence[start:end] for start, end in spans), spans, statement))
    return readings
