"""What one statement says of a concept, written out plainly: the whole-batch code is held against it."""

from __future__ import annotations

from encoder.training.statements import DENIED, HOLDS, UNKNOWN
from kb.hierarchy.meaning import Meaning
from kb.hierarchy.order import contradicts, entails
from kb.language.alike_terms import may_be_called


def says_of(stated: Meaning, concept: Meaning) -> int:
    """What one sure statement says of a concept."""
    if stated.assertion == concept.assertion:
        return HOLDS if entails(stated, concept) else UNKNOWN
    return DENIED if contradicts(stated, concept) else UNKNOWN


def speaks_of(stated: Meaning, concept: Meaning) -> bool:
    """Whether a statement is of the finding of a concept: the same, or one that is there and may be it."""
    if stated.finding == concept.finding:
        return True
    if not stated.present:
        return False
    one, other = stated.finding or "", concept.finding or ""
    return other in may_be_called(one) or one in may_be_called(other)
