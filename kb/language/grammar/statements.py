"""A sentence as statements: what it says of what, and whether it affirms, denies or doubts it.

The sentence is cut into its clauses, each clause at its cues, and each clause is read by itself: what one denies, no
other does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.language.grammar.clauses import FINITE, clauses, has_verb
from kb.language.grammar.cues import Segment, load_cues
from kb.language.grammar.evidence import evidence_folded
from kb.language.grammar.parentheses import unbracketed
from kb.language.grammar.reader import MEANT, Reader, Statement
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import names_device, names_finding
from schemas.terms import Assertion, Certainty

__all__ = ["Statement", "clauses_of", "meant_at", "read_statements"]


def read_statements(tokens: Sequence[Token]) -> list[Statement]:
    """The observations that a sentence states, in the order they stand."""
    statements: list[Statement] = []
    for clause, segments in clauses_of(tokens):
        if not clause:
            continue
        words = [token for token in clause if token.is_word]
        if (subject := _of_left_out_predicate(clause, words)) is not None:
            segments = [Segment("start", (), subject if names_finding(subject) else [])]
        if _is_taken_out(words):
            segments = [Segment("start", (), words[:-1]), Segment("denied", (clause[-1],), [])]
        reader = Reader((clause[0].start, clause[-1].end))
        for segment in segments:
            reader.take(segment)
        reader.close()
        statements += reader.statements
    return statements


def clauses_of(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], list[Segment]]]:
    """The clauses of a sentence, each with its cues and the words after each of them."""
    for part in unbracketed(tokens):
        for clause in clauses(part):
            yield clause, evidence_folded(load_cues().segments(clause))


def meant_at(tokens: Sequence[Token], at: int) -> tuple[Assertion, Certainty] | None:
    """How the cue before the character `at` of a sentence means what follows it; None if it says nothing of it."""
    meant: tuple[Assertion, Certainty] | None = ("present", "definite")
    for clause, segments in clauses_of(tokens):
        if not clause or not clause[0].start <= at < clause[-1].end:
            continue
        for segment in segments:
            begins = (*segment.cue, *segment.tokens)
            if begins and begins[0].start > at:
                return None if segment.effect == "advise" else meant
            silent = segment.effect in ("cut", "void", "advise")
            meant = None if silent else MEANT.get(segment.effect, ("present", "definite"))
        return meant
    return meant


def _is_taken_out(words: Sequence[Token]) -> bool:
    """Whether a device is told to be out without a verb: "right chest tube out"."""
    return len(words) > 1 and words[-1].lower in _OUT and not has_verb(words) and names_device(words)


_OUT = frozenset(["out", "gone", "pulled", "discontinued"])


def _of_left_out_predicate(clause: list[Token], words: Sequence[Token]) -> list[Token] | None:
    """The subject of "..., the effusions have not", of which only what it does not do is left out; None for others."""
    if len(words) < 3 or words[-1].lower != "not" or words[-2].lower not in FINITE:
        return None
    return clause[: clause.index(words[-2])]
