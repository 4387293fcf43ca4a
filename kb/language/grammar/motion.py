"""What is not denied though a denial stands before it, and what belongs to a verb though it stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import (
    CONJUNCTIONS,
    MODIFIER_ENDINGS,
    STATES,
    WORDS,
    is_modifier,
    named_in,
    names_thing,
    words_said,
)
from kb.language.lexicon import fold, load_lexicon

_ASPECTS = WORDS["joined_nouns"] | {"extent", "degree", "amount", "volume", "severity", "number", "alignment"}
_GRADES = frozenset(
    ["interval", "significant", "appreciable", "further", "definite", "substantial", "overall", "obvious"]
)


def what_did_not_move(tokens: Sequence[Token]) -> list[Token] | None:
    """The thing of which only a change is denied ("no | growth of the nodule"): it is there; None for others."""
    at = next((i for i, token in enumerate(tokens[:5]) if token.lower in WORDS["motions"]), None)
    if at is None or not all(is_modifier(token.lower) or token.lower in _GRADES for token in tokens[:at]):
        return None
    rest = list(tokens[at + 1 :])
    if not rest or rest[0].lower not in ("of", "in", "to") or not names_thing(rest):
        return None
    end = next((i for i, token in enumerate(tokens) if token.lower in CONJUNCTIONS), len(tokens))
    hits = named_in(words_said(tokens[:end]))
    first = next((hit for hit in hits if hit.first < len(words_said(tokens[: at + 1]))), None)
    if first is not None and not any(hit.first >= first.last and hit.kind != "normal" for hit in hits):
        return None  # "no shift of the mediastinum": a finding by that name
    while len(rest) > 2 and (rest[0].lower in ("of", "in", "to", "the") or rest[0].lower in _ASPECTS):
        rest = rest[1:]
    return rest


def lost_noun(tokens: Sequence[Token]) -> bool:
    """Whether a removed word was the noun that a state is told of: "pulmonary XXXX normal" is not of the lungs."""
    for at, token in enumerate(tokens):
        if token.removed and at and _is_adjective(tokens[at - 1]) and _names_place(tokens[at - 1]):
            others = [one for one in tokens if one.is_word and not _is_adjective(one)]
            told = [one for one in others if one.lower not in _OF_STATES]
            states = bool(told) and all(one.lower in STATES and one.start > token.start for one in told)
            if states and not names_thing(tokens):
                return True
    return False


def _is_adjective(token: Token) -> bool:
    lower = token.lower
    return lower not in STATES and (is_modifier(lower) or (lower.endswith(MODIFIER_ENDINGS) and token.is_word))


def _names_place(token: Token) -> bool:
    """Whether an adjective names a place by itself, which a state behind it would be glued to."""
    return load_lexicon().anatomy.exactly([fold(token.lower)]) is not None


_OF_STATES = frozenset(["in", "limits", "and", "grossly", "size", "appearance"])
