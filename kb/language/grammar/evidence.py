"""Evidence: "no CT evidence of embolism", where how the evidence is meant is how the thing is meant."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.grammar.coordination import names_only_place
from kb.language.grammar.cues import Segment
from kb.language.grammar.joints import last_clause
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import CONJUNCTIONS, TECHNIQUE, is_modifier, names_finding, trimmed

_EVIDENCE = frozenset(["evidence", "features", "appearances", "findings"])
_MEANS_WHAT_FOLLOWS = frozenset(["deny", "free", "doubt", "likely", "likened"])
_AFFIRMS_WHAT_FOLLOWS = frozenset(["start", "break", "affirm"])
_STUDIES = frozenset(["mri", "cta", "us", "ecg", "ekg", "pet", "cxr", "imaging", "sonogram", "ultrasound"])
_ALTERNATIVES = frozenset(["or", "nor", "/", "and/or"])
_ADJECTIVE_ENDINGS = ("al", "ic", "ous", "ive", "ar", "ary")


def is_evidence(segment: Segment) -> bool:
    """Whether the cue speaks of the evidence of what follows: how that evidence is meant, the thing is meant."""
    return segment.effect == "affirm" and segment.cue[0].lower in _EVIDENCE and segment.cue[-1].lower != "with"


def evidence_folded(segments: Sequence[Segment]) -> list[Segment]:
    """`segments` with "evidence of" as a part of what stands before it: "no CT | evidence of | embolism"."""
    folded: list[Segment] = []
    for segment in segments:
        last = folded[-1] if folded and is_evidence(segment) else None
        if last and last.effect in _MEANS_WHAT_FOLLOWS | _AFFIRMS_WHAT_FOLLOWS:
            kept, goes_on = before_evidence(last.tokens, segment.tokens)
            if last.effect in _MEANS_WHAT_FOLLOWS or last_clause(last.tokens)[0] is None:
                folded[-1] = Segment(last.effect, last.cue, [*kept, *segment.tokens] if goes_on else kept)
                if goes_on:
                    continue
        folded.append(segment)
    return folded


def before_evidence(tokens: list[Token], following: Sequence[Token]) -> tuple[list[Token], bool]:
    """What stays of the words before "evidence of", and whether `following` is meant as they are.

    It is, unless they name a finding: then only as one more of a list that "or" joins. Words that only describe the
    evidence ("CT", "overt", "significant") are left out; a place stays.
    """
    _, tail, _ = last_clause(tokens)
    before = tokens[: len(tokens) - len(tail)]
    words = [token.lower for token in tail if token.is_word]
    if names_finding(tail) and not words[-1].endswith(_ADJECTIVE_ENDINGS):
        return tokens, False
    if all(_describes_evidence(token) for token in before):
        place = trimmed(tokens)
        return (place if place and names_only_place(place) else []), True
    return before, before[-1].lower in _ALTERNATIVES or any(token.lower in ("or", "nor") for token in following)


def _describes_evidence(token: Token) -> bool:
    """Whether a word can say of what kind some evidence is ("CT or sonographic evidence") rather than what is seen."""
    lower = token.lower
    return (
        not token.is_word
        or lower in _STUDIES
        or lower in TECHNIQUE | CONJUNCTIONS
        or is_modifier(lower)
        or (lower.endswith(_ADJECTIVE_ENDINGS) and not names_finding([token]))
    )
