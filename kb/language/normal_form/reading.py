"""A phrase taken apart: its finding, place, side, severity, and what else it says.

Words that no table knows are kept as they stand among the descriptors, never dropped; what is dropped stands in
`unsaid_words.tsv`, or goes without saying (`implied_places.tsv`, `wider_places.tsv`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from kb.language.lexicon import STOP_WORDS, Match, Word, fold, load_lexicon, words_of
from kb.language.normal_form.tables import kind_of_finding, load_tables, ordinal, rank
from schemas.terms import Laterality

NEGATORS = frozenset(["no", "without", "not", "absent", "absence", "nor", "neither", "none"])
"""Words that a phrase cannot hold: whether it is denied is told by its assertion, and only there."""

# "COVID-19" and "T12" are words, not measures.
_MEASURE = re.compile(
    r"(?<!\w)(?<![A-Za-z]-)\d+(?:[.,]\d+)*(?:\s*(?:x|by)\s*\d+(?:[.,]\d+)*)*\s*(?P<unit>mm|cm|mms|cms|ml|cc|fr|french|degrees?)?\b",
    re.I,
)
_COUNTS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
_CHANGING = frozenset(["lung markings", "bowel gas", "cardiothoracic ratio", "density", "kyphosis"])
"""Findings that are told by what has become of them: elsewhere "increased" is a comparison."""
_OF_DEVICES = {"low": "lower", "high": "upper", "adequate": "well-positioned"}
_MOST = re.compile(
    r",?\s+(?:most|more|greatest|greater|worst|worse|larger|largest|less|least|particularly|predominantly|especially|primarily|"
    r"mainly|maximally)\b.*$",
    re.I | re.S,
)
_RELATIONS = frozenset(["above", "below", "near", "behind"])
_SIDES_TOLD_BY_PLACES = {"bibasilar", "bibasal", "biapical"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a phrase says, taken apart; places and descriptors are named as the tables name them."""

    finding: str
    places: tuple[str, ...]
    side: Laterality
    severity: str | None
    descriptors: tuple[str, ...]


def read_parts(phrase: str) -> Parts:
    """The parts of a phrase whose abbreviations are written out.

    Raises:
        ValueError: the phrase has no word that says anything.
    """
    lexicon = load_lexicon()
    measures, silent = _measures(phrase), STOP_WORDS | NEGATORS
    told = _without_where_it_is_most(phrase)
    severity, words = _severity_apart([word for word in words_of(told) if not _inside(word, measures)])
    words = [word for word in words if word.folded not in silent]
    sided = list(load_tables().sided.find(words))
    words = _without(words, sided)
    chambers = chambers_in(words)
    side, rest = side_of(_without(words, chambers))
    best, kept_apart, rest = _finding_in(rest)
    if best is None and rest and rest[-1].folded in load_tables().needing_a_noun:
        return _unknown(phrase, rest, [], side=side, severity=severity)
    left = _without(rest, [best] if best else [])
    places_found = list(lexicon.anatomy.find(left))
    named = list(lexicon.anatomy.find(rest[best.first : best.last])) if best else []
    places = list(dict.fromkeys(match.label for match in (*chambers, *kept_apart, *named, *places_found)))
    left = _without(left, places_found)
    finding = best.label if best else _told_of_a_place(left, places)
    if finding is None:
        return _unknown(phrase, left, places, side=side, severity=severity)
    if best is None:
        left, places = _without_told(left, places, finding)
    descriptors = [*(match.label for match in sided), *_described(left, told=finding)]
    descriptors += _numbered(_measures(phrase, with_unit=False), finding, places)
    if composed := _composed(finding, places, descriptors):
        finding, places, descriptors = composed
    return _spared(
        Parts(finding=finding, places=tuple(places), side=side, severity=severity, descriptors=tuple(descriptors))
    )


def _finding_in(words: list[Word]) -> tuple[Match | None, list[Match], list[Word]]:
    """The match that names the finding, the places that reach into it from outside, and the words without these places.

    "Right upper lung nodule" is a nodule of the upper lung, though "lung nodule" is a name too.
    """
    best = _best(list(load_lexicon().findings.find(words)))
    if best is None:
        return None, [], words
    places = [
        place
        for place in load_lexicon().anatomy.find(words)
        if place.first < best.first < place.last < best.last or best.first < place.first < best.last < place.last
    ]
    without = _without(words, places)
    again = _best(list(load_lexicon().findings.find(without))) if places else None
    if places and best.kind == "normal":
        return None, places, without  # "mid lung unremarkable": that the place is normal, is told below
    if again is None or again.label != best.label:
        return best, [], words
    return again, places, without


def side_of(words: Sequence[Word]) -> tuple[Laterality, list[Word]]:
    """The side that the words tell, and the words without it ("bibasilar" stays: it is a place too)."""
    sides = load_lexicon().sides
    names = {sides[word.folded] for word in words if word.folded in sides}
    kept = [word for word in words if word.folded not in sides or word.folded in _SIDES_TOLD_BY_PLACES]
    if not names:
        return "none", kept
    side = "bilateral" if len(names) > 1 else names.pop()
    return side, kept  # type: ignore[return-value]


def severity_of(words: Sequence[Word]) -> tuple[str, int, int] | None:
    """The first term of severity: its normal form, and which words it is (`last` exclusive)."""
    severities = load_lexicon().severities
    for first, word in enumerate(words):
        if word.folded not in severities:
            continue
        three = " ".join(word.folded for word in words[first : first + 3])
        if three in severities and first + 3 <= len(words):
            return severities[three], first, first + 3
        return severities[word.folded], first, first + 1
    return None


def chambers_in(words: Sequence[Word]) -> list[Match]:
    """The places whose name holds a side: the chambers of the heart tell none."""
    if not any(word.folded in ("left", "right") for word in words):
        return []
    return [match for match in load_lexicon().anatomy.find(words) if match.label.startswith(("left ", "right "))]


def _told_of_a_place(words: Sequence[Word], places: Sequence[str]) -> str | None:
    """The finding that a state and a place are ("aorta dilated"), or a place and that it is normal; None for others."""
    exactly = load_lexicon().findings.exactly
    for place in places:
        for word in words:
            named = exactly([*map(fold, place.split()), word.folded])
            if named and named[1] != "normal":
                return named[0]
    if not places:
        return None
    if state := next(load_tables().states.find(words), None):
        return state.label
    said = [word.folded for word in words if word.folded not in load_tables().unsaid | load_tables().aspects]
    places = _narrowest(places)
    if len(places) == 1 and said and load_tables().normal.issuperset(said):
        return _normal_statement(places[0], said)
    return None


def _normal_statement(place: str, said: Sequence[str]) -> str:
    """The normal statement of a place: its own, that of a place it lies in ("lung base clear"), or a plain one."""
    exactly = load_lexicon().findings.exactly
    for outer in (place, *sorted(load_tables().wider.get(place, ()))):
        for state in (*said, "normal"):
            named = exactly([*map(fold, outer.split()), state])
            if named and named[1] == "normal":
                return named[0]
    return f"normal {place}"


def _without_told(words: Sequence[Word], places: list[str], finding: str) -> tuple[list[Word], list[str]]:
    """The words and places without those that told the finding."""
    if finding in load_tables().state_names:
        return _without(words, [next(load_tables().states.find(words))]), places
    exactly = load_lexicon().findings.exactly
    for place in places:
        for word in words:
            if (exactly([*map(fold, place.split()), word.folded]) or ("",))[0] == finding:
                return [one for one in words if one is not word], [other for other in places if other != place]
    return [word for word in words if word.folded not in load_tables().normal], places


def _without_where_it_is_most(phrase: str) -> str:
    """A phrase without where, and on which side, its finding is most: it is not there alone."""
    cut = _MOST.sub("", phrase)
    return cut if cut != phrase and load_lexicon().find(cut) else phrase


def _unknown(
    phrase: str, words: Sequence[Word], places: Sequence[str], *, side: Laterality, severity: str | None
) -> Parts:
    """The parts of a phrase without a finding of the lexicon: its own `words` name it, in their order."""
    said = " ".join(dict.fromkeys(word.folded for word in words)) or " ".join(sorted(places))
    if not said.strip():
        raise ValueError(f"'{phrase}' says nothing that could be observed")
    return Parts(
        finding=said,
        places=tuple(sorted(places)) if words else (),
        side=side,
        severity=severity,
        descriptors=tuple(sorted(_measures(phrase, with_unit=False))),
    )


def _described(words: Sequence[Word], *, told: str) -> list[str]:
    """What the words say of a finding, as the table of descriptors names it; what no table knows as it stands."""
    tables = load_tables()
    found = list(tables.descriptors.find(words))
    unknown = [word.folded for word in _without(words, found) if word.folded not in tables.unsaid]
    kind = kind_of_finding(told)
    if kind == "normal":
        unknown = [word for word in unknown if word not in tables.aspects | tables.normal]
    silent = {"unsaid"} if told in _CHANGING or kind == "other" else {"unsaid", "change"}
    known = [match.label for match in found if match.kind not in silent]
    return [*((_OF_DEVICES.get(one, one) for one in known) if kind == "device" else known), *unknown]


def _numbered(numbers: Sequence[str], finding: str, places: Sequence[str]) -> list[str]:
    """What bare numbers say: which rib, how many, or (as "4.3 x 2.8") how large, which is of the mention alone."""
    of_ribs = "rib" in places or "rib" in finding
    whole = [number for number in numbers if number.isdecimal()]
    return [(ordinal(number) if of_ribs else None) or _COUNTS.get(number, number) for number in whole]


def _composed(finding: str, places: list[str], descriptors: list[str]) -> tuple[str, list[str], list[str]] | None:
    """A finding that a place or descriptor names with a wider one, though apart ("fracture of the 5th rib")."""
    exactly = load_lexicon().findings.exactly
    for part in (*descriptors, *places):
        found = exactly([*map(fold, part.split()), *map(fold, finding.split())])
        if found and found[0] != finding and found[1] != "normal":
            return found[0], [one for one in places if one != part], [one for one in descriptors if one != part]
    return None


def _spared(parts: Parts) -> Parts:
    """The parts without what goes without saying: places that the finding or a narrower place says."""
    tables = load_tables()
    implied = tables.implied.get(parts.finding, frozenset())
    implied |= {match.label for match in load_lexicon().anatomy.find(words_of(parts.finding))}
    places = sorted(place for place in _narrowest(parts.places) if place not in implied)
    side, descriptors = parts.side, {one for one in parts.descriptors if one not in implied}
    if "spine" in implied:  # "thoracic scoliosis" is one of the thoracic spine
        told = {one for one in descriptors if f"{one} spine" in load_lexicon().places()}
        descriptors, places = descriptors - told, sorted({*places, *(f"{one} spine" for one in told)})
    if not places:
        descriptors -= _RELATIONS  # near what, is not told
    if side == "bilateral" and (side in implied or kind_of_finding(parts.finding) == "normal"):
        side = "none"  # "the lungs are clear bilaterally": both are meant anyway
    return Parts(
        finding=parts.finding,
        places=tuple(places),
        side=side,
        severity=parts.severity,
        descriptors=tuple(sorted(descriptors, key=rank)),
    )


def _narrowest(places: Iterable[str]) -> list[str]:
    """The places without those that another of them lies in, each once."""
    told = list(dict.fromkeys(places))
    wider = {outer for place in told for outer in load_tables().wider.get(place, ())}
    return [place for place in told if place not in wider]


def _best(matches: Sequence[Match]) -> Match | None:
    """The match that names the finding: rather a telling one than a generic one, then the longest, then the first.

    A state and a place that are said of the next one are its description: "calcified splenic granuloma".
    """
    named = [
        match
        for match, after in zip_longest(matches, matches[1:])
        if after is None or after.first > match.last or after.kind == "generic" or not _describes(match)
    ]
    return min(named, key=lambda m: (m.kind == "generic", m.first - m.last, m.first), default=None)


def _describes(match: Match) -> bool:
    """Whether a finding is the state of a place, as "splenic calcification" is."""
    return match.label.split()[-1] in load_tables().state_names


def _severity_apart(words: list[Word]) -> tuple[str | None, list[Word]]:
    """The severity, and the words without it; one that is part of a finding's name ("large heart") stays in it.

    "Borderline heart size" is a name too, but how much it says is kept: borderline cardiomegaly.
    """
    found = severity_of(words)
    if found is None:
        return None, words
    severity, first, last = found
    severities = load_lexicon().severities
    for match in (*load_lexicon().findings.find(words), *load_lexicon().anatomy.find(words)):
        if any(words[at].folded in severities for at in range(match.first, match.last)):
            return (severity if severity == "borderline" else None), words
    return severity, words[:first] + words[last:]


def _without(words: Sequence[Word], matches: Sequence[Match]) -> list[Word]:
    taken = {at for match in matches for at in range(match.first, match.last)}
    return [word for at, word in enumerate(words) if at not in taken]


def _measures(phrase: str, *, with_unit: bool = True) -> list[str]:
    """The measures of a phrase. One with a unit is of the mention, and no part of what the concept is; "grade 2" is."""
    matches = _MEASURE.finditer(phrase)
    found = (match.group().lower() for match in matches if with_unit or not match["unit"])
    return [" ".join(re.sub(r"(?<=\d)(?=[a-wyz])", " ", measure).split()) for measure in found if measure.strip()]


def _inside(word: Word, measures: Sequence[str]) -> bool:
    return any(word.folded in measure.split() for measure in measures)
