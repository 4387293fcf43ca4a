"""Coordination: "heart and mediastinum", "pleural and pericardial effusion", "clear and expanded" taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

from kb.language.grammar.tokens import Token
from kb.language.grammar.wording import (
    ARTICLES,
    JOINED_NOUNS,
    MODIFIER_ENDINGS,
    PREPOSITIONS,
    STATES,
    WORDS,
    is_modifier,
    named_in,
    named_written_out,
    names_finding,
    trimmed,
    words_said,
)
from kb.language.lexicon import fold, folded_words, load_lexicon

_PREDOMINANT = frozenset(["predominant", "predominance", "predominantly", "distribution"])
_ADDING_A_PLACE = WORDS["adding_a_place"]
_DEVICE_ENDS = WORDS["device_ends"]
_COMPARED = frozenset(["greater", "greatest", "worse", "worst", "more", "most", "larger", "largest"])
_BEFORE_A_PLACE = frozenset(
    ["of", "in", "at", "over", "involving", "within", "overlying", "to", "along", "throughout", "under"]
)
_LEVELS = WORDS["levels"]
_ORDINAL = re.compile(r"\d{1,2}(?:st|nd|rd|th)|[tl]\d{1,2}(?:-[tl]?\d{1,2})?")
_OF_ADJECTIVES = frozenset(["well", "fully", "adequately", "poorly", "normally"])
"""Said of one adjective, and never shared: "well expanded and clear lungs"."""
SEPARATORS = frozenset([",", "and", "or", "/", "and/or", "nor", "&", "+", "as"])


def conjuncts(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts of a coordinated phrase, each with the words it shares with the others.

    "Acute, displaced rib fractures" is one part, for "acute" heads nothing. "Pleural and pericardial effusion"
    gives "pleural ... effusion" and "pericardial effusion". A place behind the last part ("changes and osteopenia
    of the spine") belongs to the parts before it too.
    """
    if SEPARATORS.isdisjoint([token.lower for token in tokens]):
        return [part for part in map(trimmed, _side_by_side(list(tokens))) if part]
    if (listed := _listed_places(tokens)) is not None:
        return listed
    pieces = _pieces(tokens)
    if (alike := _adjectives_of_one_noun(pieces)) is not None:
        return _sharing_place(alike)
    parts: list[list[Token]] = []
    waiting: list[list[Token]] = []
    for separator, piece in pieces:
        if waiting and separator and separator.lower == "," and not _is_place(waiting[-1]):
            piece = [*waiting.pop(), separator, *piece]  # "acute, displaced": adjectives of one noun
        sign = separator.lower if separator else ""
        if parts and sign == "," and separator and _sides_or_sizes(piece):
            parts[-1] = [*parts[-1], separator, *piece]  # "effusion, right"
            continue
        if _heads_nothing(piece) or (_is_place(piece) and not parts):
            waiting.append(piece)
            continue
        head = _after_modifiers(piece)
        parts += [[*one, *(head if _heads_nothing(one) or names_finding(head) else ())] for one in waiting]
        waiting = []
        if parts and separator and names_only_place(piece) and (sign == "/" or _device_somewhere(parts[-1])):
            parts[-1] = [*parts[-1], separator, *piece]  # "the middle lobe/lingula"; a device lies in one place
        elif parts and (shared := _elsewhere(parts, trimmed(piece))):
            parts[-1:] = shared
        elif parts and separator and sign == "," and _is_where(trimmed(piece), parts[-1]):
            parts[-1] = [*parts[-1], separator, *piece]  # "a nodule, right upper lobe"
        elif parts and sign == "/" and len(trimmed(piece)) == 1:
            parts.append([*_side_and_place(parts[-1]), *piece])  # "right basal collapse/consolidation"
        elif parts and names_only_place(piece) and (state := _leading_state(parts[-1])):
            parts.append([*state, *piece])  # "normal heart and mediastinum"
        else:
            parts.append(piece)
    last = pieces[-1][0] if pieces else None
    if parts and waiting and last is not None and last.lower == "," and all(map(_heads_nothing, waiting)):
        parts[-1] = [*parts[-1], *(token for one in waiting for token in one)]  # "fractures of the ribs, displaced"
    else:
        parts += waiting
    parts = [one for part in parts for one in _side_by_side(part)]
    return _sharing_place([part for part in map(trimmed, parts) if part])


def _listed_places(tokens: Sequence[Token]) -> list[list[Token]] | None:
    """The parts of a finding with a list of places, each with the noun of the last and the side of the one before it.

    "Opacities in the right upper, middle and lower lobes" are three. None for any other coordination.
    """
    for at, token in enumerate(tokens):
        if token.lower in _BEFORE_A_PLACE and names_finding(tokens[:at]) and not _names_device(tokens[:at]):
            break
    else:
        return None
    pieces = _pieces(tokens[at + 1 :])
    places = [piece for _, piece in takewhile(lambda one: _is_bare_place(one[1]), pieces)]
    if len(places) < 3 or not names_only_place(places[-1]):
        return None  # two are told apart by what stands around them
    last = places[-1]
    noun = next((i for i, token in enumerate(last) if not _qualifies(token)), None)
    if noun is None:
        return None
    sides = load_lexicon().sides
    side: list[Token] = []
    parts: list[list[Token]] = []
    for piece in places:
        told = [token for token in piece if token.lower in sides]
        side = told or side
        lacks_noun = all(_qualifies(token) for token in piece)
        parts.append([*tokens[: at + 1], *(() if told else side), *piece, *(last[noun:] if lacks_noun else ())])
    rest = [token for separator, piece in pieces[len(places) :] for token in (separator, *piece) if token]
    return [*map(trimmed, parts), *(conjuncts(rest[1:]) if rest else ())]


def _is_bare_place(tokens: Sequence[Token]) -> bool:
    """Whether words tell a place, or only which of several: "left upper", "third"."""
    return names_only_place(tokens) or all(_qualifies(token) for token in tokens)


def _adjectives_of_one_noun(pieces: Sequence[tuple[Token | None, list[Token]]]) -> list[list[Token]] | None:
    """The parts of "enlarged axillary, mediastinal, or hilar lymph nodes": three, each enlarged, each with the noun.

    All parts but the last are adjectives, and the first has one more than the others: it is told of all. None for any
    other coordination.
    """
    if len(pieces) < 2 or (pieces[-1][0] is not None and pieces[-1][0].lower == ","):
        return None
    last = pieces[-1][1]
    own = _adjectives(last)
    noun = last[len(own) :]
    firsts = [trimmed(piece) for _, piece in pieces[:-1]]
    sides = load_lexicon().sides
    if not noun or len(own) != 1 or any(not one or not _only_qualifies(one, own[0], len(pieces)) for one in firsts):
        return None
    first, others = firsts[0], firsts[1:]
    if (
        len(first) < 2
        or first[0].lower in _OF_ADJECTIVES
        or any(len(one) > 1 for one in others)
        or any(t.lower in sides for one in firsts for t in one[-1:])
    ):
        return None
    if own[0].lower in sides or (len(pieces) == 2 and not _is_like(first[-1], own[0])):
        return None
    shared = first[:-1]
    return [[*first, *noun], *([*shared, *one, *noun] for one in others), [*shared, *own, *noun]]


def _only_qualifies(tokens: Sequence[Token], own: Token, of: int) -> bool:
    """Whether a part is adjectives alone; of three, a bare place may be its last ("displaced rib, ... fracture")."""
    adjectives = len(_adjectives(tokens))
    if adjectives == len(tokens):
        return True
    place = of > 2 and adjectives == len(tokens) - 1 and _is_place(tokens[-1:]) and _is_place([own])
    return place and not _is_place(tokens)


def _adjectives(tokens: Sequence[Token]) -> list[Token]:
    """The adjectives that a part begins with."""
    end = next((i for i, token in enumerate(tokens) if not _is_adjective(token)), len(tokens))
    return list(tokens[:end])


def _is_adjective(token: Token) -> bool:
    lower = token.lower
    return token.is_word and (is_modifier(lower) or (lower.endswith(MODIFIER_ENDINGS) and not names_finding([token])))


def _is_like(one: Token, other: Token) -> bool:
    """Whether two adjectives are of one kind ("lytic or blastic"), as both name a place, or neither does."""
    return _is_place([one]) == _is_place([other])


def _side_by_side(tokens: list[Token]) -> list[list[Token]]:
    """Two findings that stand next to each other without a sign, taken apart: "effusions basilar atelectasis"."""
    hits = named_in(tuple([word for token in tokens for word in folded_words(token.lower)]))
    if len(hits) < 2:
        return [tokens]
    token_of = [at for at, token in enumerate(tokens) for _ in folded_words(token.lower)]
    for first, second in pairwise([hit for hit in hits if hit.kind == "finding"]):
        # A token may hold several words ("effusion/edema" with no blank): what begins within one is not taken apart.
        at, next_at = token_of[first.last - 1] + 1, token_of[second.first]
        if at > next_at:
            continue
        between = tokens[at:next_at]
        describes = tokens[at - 1].lower.endswith(MODIFIER_ENDINGS) and not between  # "sclerotic metastasis"
        beside = all(is_modifier(t.lower) or _is_place([t]) for t in between)
        if first.label != second.label and beside and not describes:
            return [tokens[:at], *_side_by_side(tokens[at:])]
    return [tokens]


def predicates(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts of what is said of a subject: "clear and expanded" is two, "normal in size and contour" is one."""
    parts: list[list[Token]] = []
    for separator, piece in _pieces(tokens):
        comma = separator is not None and separator.lower == ","
        if parts and comma and (_sides_or_sizes(parts[-1]) or _sides_or_sizes(piece)):
            parts[-1] = [*parts[-1], *piece]  # "effusion: small, left"
        elif parts and separator and names_only_place(piece) and any(t.lower in _BEFORE_A_PLACE for t in parts[-1]):
            parts[-1] = [*parts[-1], separator, *piece]  # "in the atrium and the ventricle"
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
        return _goes_on(before, after)
    return False


def _goes_on(before: Sequence[Token], after: Sequence[Token]) -> bool:
    """Whether what follows a comma goes on with the thing before it: where it is, where it ends, where it is worse."""
    first = after[0].lower
    if first in _ADDING_A_PLACE:
        return True
    item = list(after[: next((i for i, token in enumerate(after) if not token.is_word), len(after))])
    if item[-1:] and item[-1].lower in _PREDOMINANT and len(item) > 1:
        return names_only_place([token for token in item[:-1] if token.lower not in WORDS["place_nouns"]])
    if any(token.lower in _DEVICE_ENDS for token in after[: 3 if first in ARTICLES or first == "with" else 2]):
        return _names_device(before)
    lexicon = load_lexicon()
    compared = any(token.lower in _COMPARED for token in after[1:3])
    return compared and (first in lexicon.sides or first in lexicon.severities)


def _elsewhere(parts: list[list[Token]], piece: Sequence[Token]) -> list[list[Token]] | None:
    """The last of `parts` again, at the place that `piece` is: "fractures of the left fifth and sixth ribs".

    None if `piece` is no mere place, or the part before it has none.
    """
    before = parts[-1]
    at = next((i for i in range(len(before) - 1, 0, -1) if before[i].lower in _BEFORE_A_PLACE), None)
    if at is None or not names_only_place(piece) or not names_only_place(before[at + 1 :]):
        return None
    if not names_finding(before[:at]):
        return None
    sides = load_lexicon().sides
    first = at + 1
    while first < len(before) and before[first].lower in ARTICLES:
        first += 1
    own_side = any(token.lower in sides for token in piece)
    kept = before[: first + (first < len(before) and not own_side and before[first].lower in sides)]
    nouns = [token for token in piece if not _qualifies(token)]
    lacks_noun = all(_qualifies(token) for token in before[first:] if token.is_word)
    return [[*before, *(nouns if lacks_noun else ())], [*kept, *piece]]


def _is_where(piece: Sequence[Token], part: Sequence[Token]) -> bool:
    """Whether a piece is the side or the place on a side of a finding that tells none: "nodule, right upper lobe"."""
    sides = load_lexicon().sides
    return (
        any(token.lower in sides for token in piece)
        and names_only_place([token for token in piece if token.lower not in WORDS["place_nouns"]])
        and names_finding(part)
        and not any(token.lower in sides for token in part)
    )


def _device_somewhere(part: Sequence[Token]) -> bool:
    """Whether a part is a device and where it is: "leads over the right atrium", and the right ventricle."""
    return any(token.lower in _BEFORE_A_PLACE for token in part) and _names_device(part)


def names_only_place(tokens: Sequence[Token]) -> bool:
    """Whether the words name a place and nothing else: "the sixth ribs posteriorly", "lower lung zones"."""
    words = words_said(tokens)
    if not words:
        return False
    places = {i for hit in load_lexicon().anatomy.among(words) for i in range(hit.first, hit.last)}
    sides = load_lexicon().sides
    rest = [word for i, word in enumerate(words) if i not in places and word not in sides]
    return all(word in _LEVELS or _ORDINAL.fullmatch(word) for word in rest)


def _qualifies(token: Token) -> bool:
    lower = token.lower
    return (
        not token.is_word
        or lower in load_lexicon().sides
        or lower in _LEVELS
        or lower in ARTICLES
        or bool(_ORDINAL.fullmatch(lower))
    )


def _sides_or_sizes(tokens: Sequence[Token]) -> bool:
    """Whether the words tell only a side, a size or a measure."""
    lexicon = load_lexicon()
    words = [token.lower for token in tokens if token.is_word]
    return all(w in lexicon.sides or w in lexicon.severities or w[0].isdigit() or w in ("mm", "cm") for w in words)


def _side_and_place(part: Sequence[Token]) -> list[Token]:
    """The side before the noun of a part, with the place it is the side of; nothing if there is no side."""
    head = _after_modifiers(part)
    before = [token for token in part if token not in head]
    sides = load_lexicon().sides
    at = next((i for i, token in enumerate(before) if token.lower in sides), None)
    return [] if at is None else before[at:]


def _leading_state(part: Sequence[Token]) -> list[Token]:
    """The states that a part begins with ("clear", "normal")."""
    first = next((i for i, token in enumerate(part) if token.lower not in STATES), len(part))
    return list(part[:first]) if first < len(part) else []


def _names_device(tokens: Sequence[Token]) -> bool:
    return any(hit.kind == "device" for hit in named_written_out(tokens))


def _heads_nothing(tokens: Sequence[Token]) -> bool:
    words = [token for token in tokens if token.is_word and token.lower not in ARTICLES]
    return not any(token.removed for token in tokens) and all(is_modifier(token.lower) for token in words)


def _is_place(tokens: Sequence[Token]) -> bool:
    """Whether adjectives name a structure ("cardiac, mediastinal and hilar contours": each its own contours)."""
    return load_lexicon().anatomy.exactly([fold(token.lower) for token in trimmed(tokens)]) is not None


def _after_modifiers(tokens: Sequence[Token]) -> list[Token]:
    """What a part shares with adjectives before it: its noun, with all that follows the noun."""
    for at, token in enumerate(tokens):
        goes_on = at + 1 < len(tokens) and (tokens[at + 1].is_word or tokens[at + 1].removed)
        describes = (
            is_modifier(token.lower)
            or token.lower in ARTICLES
            or (goes_on and (_is_place([token]) or _describes_next(token, tokens[at + 1])))
        )
        if token.is_word and not describes:
            return list(tokens[at:])
    return []


def _describes_next(token: Token, following: Token) -> bool:
    """Whether a word that names a finding by itself is the adjective of one: "sclerotic lesion"."""
    return token.lower.endswith(MODIFIER_ENDINGS) and following.is_word and names_finding([following])


def _sharing_place(parts: list[list[Token]]) -> list[list[Token]]:
    """Give a trailing "of ..." of the last part to the parts before it that have no place of their own."""
    if len(parts) < 2:
        return parts
    last = parts[-1]
    sides = load_lexicon().sides
    on_a_side = len(last) > 3 and last[-1].lower in sides and last[-3].lower == "on"
    of = next((i for i, token in enumerate(last) if token.lower == "of" and i > 0), None)
    at = len(last) - 3 if on_a_side and of is None else of
    if at is None:
        return parts
    shared = last[at:]
    return [
        part if any(token.lower in PREPOSITIONS for token in part) or part[-1] in shared else [*part, *shared]
        for part in parts[:-1]
    ] + [last]
