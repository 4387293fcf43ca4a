"""A sentence as statements: what it says of what, and whether it affirms, denies or doubts it.

The sentence is cut into its clauses, each clause at its cues, and each clause is read by itself: what one denies, no
other does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.language.grammar.clauses import FINITE, clauses, is_taken_out
from kb.language.grammar.cues import Segment, load_cues
from kb.language.grammar.evidence import evidence_folded
from kb.language.grammar.parentheses import unbracketed
from kb.language.grammar.places import place_before
from kb.language.grammar.reader import MEANT, Reader, Statement
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import WORDS, names_device, names_finding
from schemas.terms import Assertion, Certainty

__all__ = ["Statement", "clauses_of", "meant_at", "read_statements"]


def read_statements(tokens: Sequence[Token]) -> list[Statement]:
    """The observations that a sentence states, in the order they stand."""
    statements: list[Statement] = []
    for clause, segments in clauses_of(tokens):
        if not clause:
            continue
        if (both := _as_are(clause)) is not None:
            clause, segments = both, cut_at_cues(both)
        place, rest = place_before(clause)
        if place:
            segments = cut_at_cues(rest)
        if (subject := _of_left_out_predicate(clause)) is not None:
            segments = [Segment("start", (), subject if names_finding(subject) else [])]
        if is_taken_out(clause):
            words = [token for token in clause if token.is_word]
            segments = [Segment("start", (), words[:-1]), Segment("denied", (clause[-1],), [])]
        elif (both := _neither_does(rest)) is not None:
            segments = cut_at_cues(both)
        reader = Reader((clause[0].start, clause[-1].end), place)
        for segment in segments:
            reader.take(segment)
        reader.close()
        statements += reader.statements
    return statements


def clauses_of(tokens: Sequence[Token]) -> Iterator[tuple[list[Token], list[Segment]]]:
    """The clauses of a sentence, each with its cues and the words after each of them."""
    for part in unbracketed(tokens):
        for clause in clauses(part):
            yield clause, cut_at_cues(clause)


def cut_at_cues(clause: Sequence[Token]) -> list[Segment]:
    """A clause cut at its cues."""
    return evidence_folded(load_cues().segments(clause))


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


def _as_are(clause: Sequence[Token]) -> list[Token] | None:
    """ "The heart is normal, as are the hila" as "the heart and the hila are normal"; None for other clauses."""
    at = next((i for i, token in enumerate(clause[:-2]) if token.lower == "as" and clause[i + 1].lower in _BE), None)
    verb = next((i for i, token in enumerate(clause) if token.lower in _BE), None)
    if at is None or verb is None or not 0 < verb < at - 1:
        return None
    predicate = [token for token in clause[verb:at] if token.lower != ","]
    others = [token for token in clause[at + 2 :] if token.is_word or token.lower == ","]
    return [*clause[:verb], clause[at]._replace(lower="and"), *others, *predicate]


_BE = frozenset(["is", "are", "was", "were"])


def _neither_does(clause: Sequence[Token]) -> list[Token] | None:
    """ "Neither tube is kinked" as "tube is not kinked": the devices are there; None for other clauses."""
    if not clause or clause[0].lower != "neither" or any(token.lower == "nor" for token in clause):
        return None
    verb = next((at for at, token in enumerate(clause) if token.lower in FINITE), None)
    if verb is None or not names_device(clause[1:verb]) or clause[verb + 1].lower in WORDS["existing"]:
        return None
    denial = clause[verb]._replace(lower="not")
    return [*clause[1 : verb + 1], denial, *clause[verb + 1 :]]


def _of_left_out_predicate(clause: list[Token]) -> list[Token] | None:
    """The subject of "..., the effusions have not", of which only what it does not do is left out; None for others."""
    words = [at for at, token in enumerate(clause) if token.is_word]
    if len(words) < 3 or clause[words[-1]].lower != "not" or clause[words[-2]].lower not in FINITE:
        return None
    return clause[: words[-2]]
