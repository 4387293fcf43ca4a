"""Coordination: "heart and mediastinum", "pleural and pericardial effusion", "clear and expanded" taken apart."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.tokens import Token
from ingest.wording import ARTICLES, JOINED_NOUNS, PREPOSITIONS, WORDS, is_modifier, trimmed
from kb.lexicon import fold, load_lexicon

_ADDING_A_PLACE = WORDS["adding_a_place"]
SEPARATORS = frozenset([",", "and", "or", "/", "and/or", "nor", "&", "as"])


def conjuncts(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts of a coordinated phrase, each with the words it shares with the others.

    "Acute, displaced rib fractures" is one part, for "acute" heads nothing. "Pleural and pericardial effusion"
    gives "pleural ... effusion" and "pericardial effusion". A place behind the last part ("changes and osteopenia
    of the spine") belongs to the parts before it too.
    """
    parts: list[list[Token]] = []
    waiting: list[list[Token]] = []
    for separator, piece in _pieces(tokens):
        if waiting and separator and separator.lower == "," and not _is_place(waiting[-1]):
            piece = [*waiting.pop(), separator, *piece]  # "acute, displaced": adjectives of one noun
        if _heads_nothing(piece):
            waiting.append(piece)
            continue
        head = _after_modifiers(piece)
        parts += [[*one, *head] for one in waiting]
        parts.append(piece)
        waiting = []
    parts += waiting
    return _sharing_place([part for part in map(trimmed, parts) if part])


def predicates(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts of what is said of a subject: "clear and expanded" is two, "normal in size and contour" is one."""
    parts: list[list[Token]] = []
    for separator, piece in _pieces(tokens):
        if parts and separator and separator.lower == "," and _heads_nothing(parts[-1]) and _heads_nothing(piece):
            parts[-1] = [*parts[-1], *piece]  # "effusion: small, left"
        else:
            parts.append(piece)
    return [part for part in map(trimmed, parts) if part]


def _pieces(tokens: Sequence[Token]) -> list[tuple[Token | None, list[Token]]]:
    """The stretches between separators, each with the last separator before it."""
    pieces: list[tuple[Token | None, list[Token]]] = [(None, [])]
    for at, token in enumerate(tokens):
        if token.lower in SEPARATORS and not token.removed and not _joins(tokens, at):
            if not any(token.is_word or token.removed for token in pieces[-1][1]):
                pieces.pop()  # ", and": the second of two separators next to each other tells
            pieces.append((token, []))
        else:
            pieces[-1][1].append(token)
    return [(separator, piece) for separator, piece in pieces if any(t.is_word or t.removed for t in piece)]


def _joins(tokens: Sequence[Token], at: int) -> bool:
    """Whether the separator at `at` joins two words of one thing: "size and contour", "ap/lateral"."""
    if tokens[at].lower == "as":
        return True
    before, after = tokens[:at], tokens[at + 1 :]
    sides = load_lexicon().sides
    if before and after and before[-1].lower in sides and after[0].lower in sides:
        return True
    if tokens[at].lower in ("and", "or", "/") and before and after and after[0].lower in JOINED_NOUNS:
        in_a_place = any(token.lower in PREPOSITIONS or token.lower == "for" for token in before[-3:])
        return in_a_place or before[-1].lower in JOINED_NOUNS
    if tokens[at].lower == "," and after:
        return after[0].lower in _ADDING_A_PLACE
    return False


def _heads_nothing(tokens: Sequence[Token]) -> bool:
    words = [token for token in tokens if token.is_word and token.lower not in ARTICLES]
    return not any(token.removed for token in tokens) and all(is_modifier(token.lower) for token in words)


def _is_place(tokens: Sequence[Token]) -> bool:
    """Whether adjectives name a structure ("cardiac, mediastinal and hilar contours": each its own contours)."""
    return load_lexicon().anatomy.exactly([fold(token.lower) for token in trimmed(tokens)]) is not None


def _after_modifiers(tokens: Sequence[Token]) -> list[Token]:
    """What a part shares with adjectives before it: its noun, with all that follows the noun."""
    for at, token in enumerate(tokens):
        describes = is_modifier(token.lower) or token.lower in ARTICLES or (at + 1 < len(tokens) and _is_place([token]))
        if token.is_word and not describes:
            return list(tokens[at:])
    return []


def _sharing_place(parts: list[list[Token]]) -> list[list[Token]]:
    """Give a trailing "of ..." of the last part to the parts before it that have no place of their own."""
    if len(parts) < 2:
        return parts
    last = parts[-1]
    at = next((i for i, token in enumerate(last) if token.lower == "of" and i > 0), None)
    if at is None:
        return parts
    shared = last[at:]
    return [
        part if any(token.lower in PREPOSITIONS for token in part) or part[-1] in shared else [*part, *shared]
        for part in parts[:-1]
    ] + [last]
