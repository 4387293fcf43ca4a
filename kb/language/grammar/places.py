"""Places told apart from their thing: "on the left, an effusion is seen", "an effusion is seen | on the left"."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.grammar.coordination import names_only_place
from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import (
    ARTICLES,
    CONJUNCTIONS,
    FILLERS,
    PREPOSITIONS,
    WORDS,
    names_finding,
    text_of,
    words_said,
)
from kb.language.lexicon import load_lexicon

_LOCATING = frozenset(["in", "at", "on", "within", "along", "over", "behind", "near", "under", "above", "below"])
_OF_TECHNIQUE = WORDS["technique"] | WORDS["views"] | WORDS["earlier"] | frozenset(["today", "this", "these"])
_GOES_ON = frozenset(["there", "no", "neither", "is", "are", "was", "were", "we", "one", "has", "have"]) | ARTICLES
_NO_PLACE = (FILLERS | WORDS["finite_verbs"] | frozenset(["there", "a", "an", "no"])) - frozenset(["of"])
_LONGEST = 10
"""The most words of a place."""


def place_length(tokens: Sequence[Token]) -> int:
    """How many tokens the place has that they begin with ("on the left side", "at both bases"); 0 for none.

    Such a place tells a side or a structure, and is none of a view ("on the lateral", "on the left lateral view").
    """
    words = next((i for i, token in enumerate(tokens) if not token.is_word or token.lower in _NO_PLACE), len(tokens))
    first = 1 if tokens and tokens[0].lower in _LOCATING else 0
    for length in range(min(words, _LONGEST), first, -1):
        told = tokens[first:length]
        if told[-1].lower in CONJUNCTIONS | ARTICLES | PREPOSITIONS:
            continue
        named = [token for token in told if token.lower not in WORDS["place_nouns"]]
        if names_only_place(named) and _tells_where(named):
            after = tokens[length].lower if length < len(tokens) else ""
            return 0 if after in _OF_TECHNIQUE else length
    return 0


def place_said(tokens: Sequence[Token]) -> list[Token]:
    """The place that follows a verb of being or seeing ("... may be present | at the left apex")."""
    return list(tokens[: place_length(tokens)])


def place_before(clause: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """The place that a clause begins with and the rest, where the place is told of all that follows; else nothing.

    "On the left, there is an effusion", "at both bases atelectasis is seen", "seen on the right is a nodule".
    """
    start = 0
    while start < len(clause) and clause[start].lower in WORDS["existing"]:
        start += 1
    begins = start < len(clause) and clause[start].lower in _BEGINS_A_PLACE
    length = place_length(clause[start:]) if begins else 0
    if not length:
        return [], list(clause)
    rest = list(clause[start + length :])
    place = list(clause[start : start + length])
    inverted = bool(rest) and rest[0].lower in ("is", "are", "was", "were")
    if start and not inverted:
        return [], list(clause)
    if inverted:
        return (place, rest[1:]) if names_finding(rest[1:]) else ([], list(clause))
    if rest and (rest[0].lower == "," or rest[0].lower in _GOES_ON):
        return place, rest[rest[0].lower == "," :]
    return [], list(clause)


def tells_side(tokens: Sequence[Token]) -> bool:
    """Whether an observation tells its side by itself, abbreviated too ("RLL")."""
    lexicon = load_lexicon()
    return not lexicon.sides.keys().isdisjoint(lexicon.written_out(text_of(tokens)).split())


def adds_a_place(tokens: Sequence[Token]) -> bool:
    """Whether all words only tell where something is, adverbs too: "bilaterally", "bibasally", "on both sides"."""
    words = [token for token in tokens if token.is_word and token.lower not in FILLERS]
    return is_place_adverb(words) or (bool(words) and place_length(words) == len(words))


def is_place_adverb(tokens: Sequence[Token]) -> bool:
    """Whether there is one word and it says on which sides: "bilaterally"."""
    return len(tokens) == 1 and tokens[0].lower in _ADVERBS


_ADVERBS = frozenset(word for word in load_lexicon().sides if word.endswith("ly")) | frozenset(
    ["left-sided", "right-sided", "bibasally", "biapically", "bibasilarly"]
)


_BEGINS_A_PLACE = _LOCATING | _ADVERBS


def _tells_where(tokens: Sequence[Token]) -> bool:
    """Whether a side or a structure is told, and not a level alone ("lateral", "posterior")."""
    words = words_said(tokens)
    lexicon = load_lexicon()
    return bool(lexicon.anatomy.among(words)) or not lexicon.sides.keys().isdisjoint(words)
