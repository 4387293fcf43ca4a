"""Joints: where a stretch of a clause goes over into the next."""

from __future__ import annotations

from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import CONJUNCTIONS, TECHNIQUE


def last_clause(tokens: list[Token]) -> tuple[list[Token] | None, list[Token], str]:
    """What stands before the last separator, the clause after it, and the separator; None if there is none."""
    for at in range(len(tokens) - 1, -1, -1):
        if tokens[at].lower in CONJUNCTIONS:
            comma = at > 0 and tokens[at - 1].lower == ","  # ", and"
            return tokens[: at - comma], tokens[at + 1 :], ", and" if comma else tokens[at].lower
    return None, tokens, ""


def from_next_clause(tokens: list[Token]) -> list[Token]:
    """What follows the first comma: a comparison ends there."""
    for at, token in enumerate(tokens):
        if token.lower == ",":
            return tokens[at + 1 :]
        if at and token.lower in ("the", "there") and tokens[at - 1].lower in TECHNIQUE | {"prior", "previous"}:
            return tokens[at:]  # "compared to the prior exam the effusion ..."
    return []
