"""What is not denied though a denial stands before it, and what belongs to a verb though it stands behind it."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.grammar.coordination import names_only_place
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import WORDS, found_in, is_modifier, names_thing, words_said

_LOCATING = frozenset(["in", "at", "on", "within", "along", "over", "behind", "near", "under", "above", "below"])
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
    found = found_in(words_said(tokens))
    named = next((match for match in found if match.start <= len(words_said(tokens[: at + 1]))), None)
    if named is not None and not any(match.start >= named.end and match.kind != "normal" for match in found):
        return None  # "no shift of the mediastinum": a finding by that name
    while len(rest) > 2 and (rest[0].lower in ("of", "in", "to", "the") or rest[0].lower in _ASPECTS):
        rest = rest[1:]
    return rest


def place_said(tokens: Sequence[Token]) -> list[Token]:
    """The place that follows a verb of being or seeing ("... may be present | at the left apex")."""
    end = next((i for i, token in enumerate(tokens) if not (token.is_word or token.lower == "-")), len(tokens))
    words = list(tokens[:end])
    return words if words and words[0].lower in _LOCATING and names_only_place(words[1:]) else []
