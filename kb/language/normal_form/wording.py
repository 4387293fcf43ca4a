"""The canonical text of a concept: its parts in the order in which a radiologist says them."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.lexicon import fold
from kb.language.normal_form.reading import Parts
from kb.language.normal_form.tables import class_of, kind_of_finding, load_tables

_RELATIONS = ("above", "below", "near", "behind", "over")
_ENTRIES = frozenset(["internal jugular vein", "subclavian vein", "brachiocephalic vein", "axilla", "femoral vein"])
"""Places by which a line goes in, rather than where it ends."""
_ADJECTIVES = ("hilar", "cardiac", "tracheal", "mediastinal", "pleural", "carinal", "crural", "spinal")
_PLURALS = {"bulla": "bullae"}
_COUNTED = frozenset(["multiple", "few", "two", "three", "four", "five"])


def canonical_text(parts: Parts) -> str:
    """The text of what the parts say, without a denial: it depends on nothing else, and reads as the same parts."""
    if kind_of_finding(parts.finding) == "normal":
        return _of_a_normal_place(parts)
    finding = _plural(parts.finding) if _COUNTED.intersection(parts.descriptors) else parts.finding
    levels = [one for one in parts.descriptors if class_of(one) == "level"]
    before = [one for one in parts.descriptors if class_of(one) not in ("level", "end")]
    side = "" if parts.side == "none" else parts.side
    if "tip" in parts.descriptors:
        entries = [place for place in parts.places if place in _ENTRIES]
        ends = [place for place in parts.places if place not in _ENTRIES]
        if not ends and not levels:
            entries, ends = [], entries  # "the tip is in the subclavian vein"
        device = _joined([*_sized(parts.severity, before), side, *_before_a_noun(entries, finding), finding])
        return _joined([device, "with tip", *_at(levels, ends)]) if levels or ends else f"{device} tip"
    related = [one for one in levels if one in _RELATIONS]
    if related and parts.places:
        told = [one for one in levels if one not in _RELATIONS]
        both, one = (side, "") if side == "bilateral" else ("", side)
        where = [*_graded(told), " and ".join(parts.places)]
        return _joined([*_sized(parts.severity, before), both, finding, *related, one, *where])
    places = _before_a_noun(parts.places, finding)
    return _joined([*_sized(parts.severity, before), side, *_graded(levels), *places, finding])


def _graded(levels: Sequence[str]) -> list[str]:
    """Levels with neighbouring ones as a stretch: "middle to lower thoracic spine"."""
    told = list(levels)
    for first, second in (("upper", "middle"), ("middle", "lower")):
        if first in told and second in told and told.index(second) == told.index(first) + 1:
            at = told.index(first)
            told[at : at + 2] = [f"{first} to {second}"]
    return told


def _sized(severity: str | None, before: Sequence[str]) -> list[str | None]:
    """The descriptors with the size after how many there are: "few small patchy"."""
    counts = [one for one in before if class_of(one) == "count"]
    return [*counts, severity, *(one for one in before if one not in counts)]


def _of_a_normal_place(parts: Parts) -> str:
    """ "clear lungs", "clear left lung", "clear right lung base": the state, then where."""
    state, *organ = parts.finding.split()
    side = "" if parts.side == "none" else parts.side
    if parts.side in ("left", "right"):
        organ = [*organ[:-1], *(fold(word) for word in organ[-1:])]
    where = [f"{place} region" if place.endswith(_ADJECTIVES) else place for place in parts.places or [" ".join(organ)]]
    told = [one for one in parts.descriptors if one != state]
    levels = [one for one in told if class_of(one) == "level"]
    before = [one for one in told if one not in levels]
    return _joined([parts.severity, *before, state, side, *levels, " and ".join(where)])


def _at(levels: Sequence[str], places: Sequence[str]) -> list[str]:
    """Where something is: "above carina", "at lower superior vena cava"."""
    related = [one for one in levels if one in _RELATIONS]
    told = [one for one in levels if one not in _RELATIONS]
    return [*(related or ["at"]), *told, " and ".join(places)]


def _before_a_noun(places: Sequence[str], finding: str) -> list[str]:
    """The places as they stand before a finding; the last one alone is an adjective ("aortic dilatation").

    Its noun is left out where the finding begins with it: "cervical spinal fusion".
    """
    adjectives = load_tables().adjectives
    *words, noun = (places[-1] if places else "").split() or [""]
    if words and adjectives.get(noun) == finding.split()[0]:
        places = [*places[:-1], " ".join(words)]
    last = [adjectives.get(place, place) for place in places[-1:]]
    return [" and ".join([*places[:-1], *last])] if places else []


def _plural(finding: str) -> str:
    """A finding of which there are several: words that have no plural, or whose plural is not read back, stay."""
    if finding in _PLURALS:
        return _PLURALS[finding]
    if finding.endswith("ss"):
        return f"{finding}es"
    if finding.endswith(("is", "us", "s", "ax", "graft", "bypass", "disease", "edema")):
        return finding
    return f"{finding[:-1]}ies" if finding.endswith("y") and finding[-2:-1] not in "aeiou" else f"{finding}s"


def _joined(words: Sequence[str | None]) -> str:
    return " ".join(word for word in words if word)
