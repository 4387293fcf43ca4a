"""A phrase taken apart: its finding, place, side, severity, and what else it says.

Words that no table knows are kept as they stand among the descriptors, never dropped; what is dropped stands in
`unsaid_words.tsv`, or goes without saying (`implied_places.tsv`, `wider_places.tsv`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from kb.language.lexicon import STOP_WORDS, Hit, fold, folded, load_lexicon
from kb.language.normal_form.comparisons import without_comparisons
from kb.language.normal_form.side_and_severity import chambers_in, severity_apart, side_of
from kb.language.normal_form.tables import class_of, kind_of_finding, load_tables, ordinal, rank
from schemas.terms import Laterality

NEGATORS = frozenset(["no", "without", "not", "absent", "absence", "nor", "neither", "none"])
"""Words that a phrase cannot hold: whether it is denied is told by its assertion, and only there."""

_SILENT = STOP_WORDS | NEGATORS
_DIGIT = re.compile(r"\d")

# "COVID-19" and "T12" are words, not measures.
_MEASURE = re.compile(
    r"(?<!\w)(?<![A-Za-z0-9]-)\d+(?:[.,]\d+)*(?:\s*(?:x|by|-|to)\s*\d+(?:[.,]\d+)*)*\s*-?\s*(?P<unit>mm|cm|mms|cms|ml|cc|fr|french|degrees?)?\b",
    re.I,
)
_COUNTS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
_CHANGING = frozenset(["lung markings", "bowel gas", "cardiothoracic ratio", "density", "kyphosis"])
"""Findings that are told by what has become of them: elsewhere "increased" is a comparison."""
_OF_DEVICES = {"low": "lower", "high": "upper", "adequate": "well-positioned"}
_RELATIONS = frozenset(["above", "below", "near", "behind", "over"])
_COVERING = ("rib", "clavicle", "scapula", "sternum", "heart", "spine", "thoracic spine", "lower thoracic spine")
"""Places that a finding of another one can lie over in a picture, without being of them."""
_CURVES = ("scoliosis", "kyphosis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a phrase says, taken apart; places and descriptors are named as the tables name them."""

    finding: str
    places: tuple[str, ...]
    side: Laterality
    severity: str | None
    descriptors: tuple[str, ...]


@lru_cache(maxsize=65_536)
def read_parts(phrase: str) -> Parts:
    """The parts of a phrase whose abbreviations are written out.

    Raises:
        ValueError: the phrase has no word that says anything.
    """
    lexicon = load_lexicon()
    measures, numbers = _measures(phrase)
    told = without_comparisons(phrase)
    severity, words = severity_apart([word for word in folded(told) if word not in measures])
    words = [word for word in words if word not in _SILENT]
    curved = any(hit.label in _CURVES for hit in lexicon.findings.among(words))
    sided = load_tables().sided.among(words) if curved else []
    words = _without(words, sided)
    chambers = chambers_in(words)
    side, rest = side_of(_without(words, chambers))
    best, kept_apart, rest = _finding_in(rest)
    told_apart = best is not None and (best.kind != "generic" or best.last == len(rest))
    if rest and not told_apart and rest[-1] in load_tables().needing_a_noun:
        return _unknown(phrase, rest, [], numbers, side=side, severity=severity)
    left = _without(rest, [best] if best else [])
    places_found = lexicon.anatomy.among(left)
    named = lexicon.anatomy.among(rest[best.first : best.last]) if best else []
    places = list(dict.fromkeys(hit.label for hit in (*chambers, *kept_apart, *named, *places_found)))
    left = _without(left, places_found)
    told_of = (best.label, left, places) if best else _told_of_a_place(left, places)
    if told_of is None:
        return _unknown(phrase, left, places, numbers, side=side, severity=severity)
    finding, left, places = told_of
    descriptors = [*(hit.label for hit in sided), *_described(left, told=finding)]
    descriptors += _numbered(numbers, finding, places)
    if composed := _composed(finding, places, descriptors):
        finding, places, descriptors = composed
    return _spared(
        Parts(finding=finding, places=tuple(places), side=side, severity=severity, descriptors=tuple(descriptors))
    )


def _finding_in(words: list[str]) -> tuple[Hit | None, list[Hit], list[str]]:
    """The hit that names the finding, the places that reach into it from outside, and the words without these places.

    "Right upper lung nodule" is a nodule of the upper lung, though "lung nodule" is a name too.
    """
    best = _best(load_lexicon().findings.among(words))
    if best is None:
        return None, [], words
    places = [
        place
        for place in load_lexicon().anatomy.among(words)
        if place.first < best.first < place.last < best.last or best.first < place.first < best.last < place.last
    ]
    without = _without(words, places)
    again = _best(load_lexicon().findings.among(without)) if places else None
    if places and best.kind == "normal":
        return None, places, without  # "mid lung unremarkable": that the place is normal, is told below
    if again is None or again.label != best.label:
        return best, [], words
    return again, places, without


def _told_of_a_place(words: Sequence[str], places: list[str]) -> tuple[str, list[str], list[str]] | None:
    """The finding that words tell of a place ("aorta dilated", "aorta normal"), with the words and places left over."""
    exactly, tables = load_lexicon().findings.exactly, load_tables()
    for place in places:
        for at, word in enumerate(words):
            named = exactly([*map(fold, place.split()), word])
            if named and named[1] != "normal":
                return named[0], [*words[:at], *words[at + 1 :]], [other for other in places if other != place]
    if not places:
        return None
    if states := tables.states.among(words):
        return states[0].label, _without(words, states[:1]), places
    said = [word for word in words if word not in tables.unsaid and word not in tables.aspects]
    narrow = _narrowest(places)
    if len(narrow) == 1 and said and tables.normal.issuperset(said):
        return _normal_statement(narrow[0], said), [word for word in words if word not in tables.normal], places
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


def _unknown(
    phrase: str,
    words: Sequence[str],
    places: Sequence[str],
    numbers: Sequence[str],
    *,
    side: Laterality,
    severity: str | None,
) -> Parts:
    """The parts of a phrase without a finding of the lexicon: its own `words` name it, in their order."""
    said = " ".join(dict.fromkeys(words)) or " ".join(sorted(places))
    if not said.strip():
        raise ValueError(f"'{phrase}' says nothing that could be observed")
    return Parts(
        finding=said,
        places=tuple(sorted(places)) if words else (),
        side=side,
        severity=severity,
        descriptors=tuple(sorted(numbers)),
    )


def _described(words: Sequence[str], *, told: str) -> list[str]:
    """What the words say of a finding, as the table of descriptors names it; what no table knows as it stands."""
    tables = load_tables()
    found = tables.descriptors.among(words)
    unknown = [word for word in _without(words, found) if word not in tables.unsaid]
    kind = kind_of_finding(told)
    if kind == "normal":
        unknown = [word for word in unknown if word not in tables.aspects and word not in tables.normal]
    silent = {"unsaid"} if told in _CHANGING or kind in ("other", "generic") else {"unsaid", "change"}
    known = [hit.label for hit in found if hit.kind not in silent]
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
    implied |= {place.label for place in load_lexicon().anatomy.among(folded(parts.finding))}
    ends = "tip" in parts.descriptors  # where a tube ends is told, though it always lies there
    places = sorted(place for place in _narrowest(parts.places) if ends or place not in implied)
    side, descriptors = parts.side, {one for one in parts.descriptors if one not in implied}
    if "spine" in implied:  # "thoracic scoliosis" is one of the thoracic spine
        told = {one for one in descriptors if f"{one} spine" in load_lexicon().places()}
        descriptors, places = descriptors - told, sorted({*places, *(f"{one} spine" for one in told)})
    if not places:
        descriptors -= _RELATIONS  # near what, is not told
    kind = kind_of_finding(parts.finding)
    if places:
        descriptors -= {"thoracic"}
    if kind == "device" and not any(class_of(one) == "level" for one in descriptors):
        places = [place for place in places if place != "hemithorax"]  # "the pacemaker of the chest" is no other one
    if kind not in ("finding", "generic") or not set(_COVERING).intersection(places):
        descriptors -= {"over"}
    if side == "left" and places == ["lingula"]:
        side = "none"  # there is no other one
    if side == "bilateral" and (side in implied or kind == "normal"):
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


def _best(hits: Sequence[Hit]) -> Hit | None:
    """The hit that names the finding: rather a telling one than a generic one, then the longest, then the first.

    A state and a place that are said of the next one are its description: "calcified splenic granuloma".
    """
    if len(hits) < 2:
        return next(iter(hits), None)
    named = [
        hit
        for hit, after in zip_longest(hits, hits[1:])
        if after is None or after.first > hit.last or after.kind == "generic" or not _describes(hit)
    ]
    return min(named, key=lambda hit: (hit.kind == "generic", hit.first - hit.last, hit.first), default=None)


def _describes(hit: Hit) -> bool:
    """Whether a finding is the state of a place, as "splenic calcification" is."""
    return hit.label.split()[-1] in load_tables().state_names


def _without(words: Sequence[str], hits: Sequence[Hit]) -> list[str]:
    if not hits:
        return list(words)
    taken = {at for hit in hits for at in range(hit.first, hit.last)}
    return [word for at, word in enumerate(words) if at not in taken]


def _measures(phrase: str) -> tuple[frozenset[str], list[str]]:
    """The words of the measures of a phrase, and those measures that are a part of what the concept is.

    One with a unit is of the mention, and no part of that; the number of "grade 2" is.
    """
    if not _DIGIT.search(phrase):
        return frozenset(), []
    found = [(_spaced(measure.group().lower()), measure["unit"]) for measure in _MEASURE.finditer(phrase)]
    words = frozenset(word for measure, _ in found for word in measure.replace("-", " ").split())
    return words, [measure for measure, unit in found if measure and not unit]


def _spaced(measure: str) -> str:
    return " ".join(re.sub(r"(?<=\d)(?=[a-wyz])", " ", measure).split())
