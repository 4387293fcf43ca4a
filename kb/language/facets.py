"""A concept as facets: what its phrase says, taken apart, and the normal form and identity that follow.

Embedders do not hold negation, side or size apart; these facets do. Reading is honest rather than clever: words
that the lexicon does not know are kept as they stand, in the finding or among the descriptors, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b

from kb.language.lexicon import STOP_WORDS, Hit, fold, folded, load_lexicon, words_of
from schemas.terms import ConceptAssertion, Laterality

NEGATORS = frozenset(["no", "without", "not", "absent", "absence", "nor", "neither"])
"""Words that a phrase cannot hold: whether it is denied is told by its assertion, and only there."""

_SILENT = STOP_WORDS | NEGATORS
_DIGIT = re.compile(r"\d")

# "COVID-19" and "T12" are words, not measures.
_MEASURE = re.compile(
    r"(?<!\w)(?<![A-Za-z]-)\d+(?:[.,]\d+)*(?:\s*(?:x|by)\s*\d+(?:[.,]\d+)*)*\s*(?P<unit>mm|cm|mms|cms|ml|cc|fr|french|degrees?)?\b",
    re.I,
)


@dataclass(frozen=True, kw_only=True)
class Facets:
    """The parts of one observation that make it a concept of its own.

    `finding` is the lexicon's label where the lexicon knows it, otherwise the phrase's remaining words,
    normalised. `text` is canonical and depends on nothing but the other fields.
    """

    assertion: ConceptAssertion
    finding: str
    anatomy: str | None
    laterality: Laterality
    severity: str | None
    descriptors: tuple[str, ...]
    text: str

    @cached_property
    def normal_form(self) -> str:
        """The facets in a fixed order: the text that identity is hashed from."""
        parts = (self.finding, self.anatomy or "", self.laterality, self.severity or "", " ".join(self.descriptors))
        return f"{self.assertion}: {' | '.join(parts)}"

    @cached_property
    def concept_id(self) -> str:
        """The identity of the concept: the same observation has the same id at every site."""
        return concept_id_of(self.normal_form)


def kind_of(finding: str) -> str:
    """What a finding is by the lexicon: finding, device, normal, or other where it is no label of it."""
    kind = load_lexicon().kinds.get(finding, "other")
    return "finding" if kind == "generic" else kind


def concept_id_of(normal_form: str) -> str:
    """The id of the concept with a normal form: a hash of it."""
    return "C" + blake2b(normal_form.encode(), digest_size=8).hexdigest()


def read_facets(phrase: str, assertion: ConceptAssertion = "present") -> Facets:
    """The facets of an observation's phrase ("Small left-sided pleural effusions").

    Raises:
        ValueError: the phrase has no word that says anything.
    """
    return _settled(" ".join(load_lexicon().written_out(phrase).split()), assertion)


def read_side(phrase: str) -> Laterality:
    """The side that a phrase tells; the chambers of the heart tell none."""
    words = folded(load_lexicon().written_out(phrase))
    if load_lexicon().sides.keys().isdisjoint(words):
        return "none"
    return _side(_without(words, _chambers(words)))[0]


def read_severity(phrase: str) -> str | None:
    """The word of size or severity as it stands in the phrase ("Mild"), or None."""
    found = _severity(folded(phrase))
    if found is None:
        return None
    words = words_of(phrase)
    return phrase[words[found[1]].start : words[found[2] - 1].end]


READINGS = 50
"""Readings after which a text that does not settle is left as it was read first."""


@lru_cache(maxsize=65_536)
def _settled(phrase: str, assertion: ConceptAssertion) -> Facets:
    """Read, and read again what was made of it, until nothing moves: so the canonical text reads as itself."""
    seen: set[str] = set()
    first = facets = _read(phrase, assertion)
    while facets.text not in seen:
        seen.add(facets.text)
        if len(seen) > READINGS:
            return first  # a text that grows with every reading: no table should make one, and none may hang a run
        again = _read(_again(facets), assertion)
        if again.text == facets.text:
            return again  # nearly always at once: the text reads as itself
        facets = again
    # Where readings go round in a circle, the first by the alphabet stands for all of them.
    circle: dict[str, Facets] = {}
    while facets.text not in circle:
        circle[facets.text] = facets
        facets = _read(_again(facets), assertion)
    return circle[min(circle)]


def _again(facets: Facets) -> str:
    """The canonical text without its denial, as it would be read."""
    text = facets.text.removeprefix("no ") if facets.assertion == "absent" else facets.text
    return " ".join(load_lexicon().written_out(text).split())


@lru_cache(maxsize=65_536)
def _read(phrase: str, assertion: ConceptAssertion) -> Facets:
    lexicon = load_lexicon()
    measures, numbers = _measures(phrase)
    words = [word for word in folded(phrase) if word not in _SILENT and word not in measures]
    severity, words = _severity_apart(words)
    chambers = _chambers(words)
    side, rest = _side(_without(words, chambers))
    findings = _best(lexicon.findings.among(rest))
    if findings is not None:
        rest = _without(rest, [findings])
    places = [*chambers, *(places_found := lexicon.anatomy.among(rest))]
    rest = _without(rest, places_found)
    anatomy = sorted({place.label for place in places})
    descriptors = sorted({*rest, *numbers})
    finding = findings.label if findings else None
    if composed := _composed(finding, anatomy, descriptors):
        finding, anatomy, descriptors = composed
    if finding is None:
        finding = " ".join(dict.fromkeys(rest)) or " ".join(anatomy)
        anatomy = anatomy if rest else []
        descriptors = sorted(numbers)
    if not finding.strip():
        raise ValueError(f"'{phrase}' says nothing that could be observed")
    return _facets(
        assertion, finding, " ".join(anatomy) or None, side=side, severity=severity, descriptors=tuple(descriptors)
    )


def _facets(
    assertion: ConceptAssertion,
    finding: str,
    anatomy: str | None,
    side: Laterality,
    severity: str | None,
    descriptors: tuple[str, ...],
) -> Facets:
    entries = [severity, None if side == "none" else side, *descriptors, anatomy, finding]
    text = " ".join(part for part in entries if part)
    return Facets(
        assertion=assertion,
        finding=finding,
        anatomy=anatomy,
        laterality=side,
        severity=severity,
        descriptors=descriptors,
        text=f"no {text}" if assertion == "absent" else text,
    )


def _composed(
    finding: str | None, anatomy: list[str], descriptors: list[str]
) -> tuple[str, list[str], list[str]] | None:
    """A finding that a place and a word name together, though they stand apart ("fracture of the 5th rib")."""
    exactly = load_lexicon().findings.exactly
    for place in anatomy:
        others = [other for other in anatomy if other != place]
        if finding is not None:
            found = exactly([*map(fold, place.split()), *map(fold, finding.split())])
            if found and found[0] != finding:
                return found[0], others, descriptors
        for word in descriptors if finding is None else ():
            if found := exactly([*map(fold, place.split()), word]):
                return found[0], others, [w for w in descriptors if w != word]
    return None


def _best(hits: list[Hit]) -> Hit | None:
    """The hit that names the finding: rather a telling one than a generic one, then the longest, then the first."""
    return min(hits, key=lambda hit: (hit.kind == "generic", hit.first - hit.last, hit.first), default=None)


def _severity_apart(words: list[str]) -> tuple[str | None, list[str]]:
    """The severity, and the words without it; one that is part of a finding's name ("large heart") stays in it.

    "Borderline heart size" is a name too, but how much it says is kept: borderline cardiomegaly.
    """
    found = _severity(words)
    if found is None:
        return None, words
    severity, first, last = found
    severities = load_lexicon().severities
    for hit in load_lexicon().findings.among(words):
        if any(word in severities for word in words[hit.first : hit.last]):
            return (severity if severity == "borderline" else None), words
    return severity, words[:first] + words[last:]


def _severity(words: Sequence[str]) -> tuple[str, int, int] | None:
    """The first term of severity: its normal form, and which words it is (`last` exclusive)."""
    severities = load_lexicon().severities
    for first, word in enumerate(words):
        if word not in severities:
            continue
        three = " ".join(words[first : first + 3])
        if three in severities and first + 3 <= len(words):
            return severities[three], first, first + 3
        return severities[word], first, first + 1
    return None


def _side(words: Sequence[str]) -> tuple[Laterality, list[str]]:
    """The side that the words tell, and the words without it ("bibasilar" stays: it is a place too)."""
    sides = load_lexicon().sides
    names = {sides[word] for word in words if word in sides}
    if not names:
        return "none", list(words)
    kept = [word for word in words if word not in sides or word in _PLACES]
    side = "bilateral" if len(names) > 1 else names.pop()
    return side, kept  # type: ignore[return-value]


_PLACES = {"bibasilar", "bibasal", "biapical"}


def _chambers(words: Sequence[str]) -> list[Hit]:
    if "left" not in words and "right" not in words:
        return []
    return [hit for hit in load_lexicon().anatomy.among(words) if hit.label.startswith(("left ", "right "))]


def _without(words: Sequence[str], hits: Sequence[Hit]) -> list[str]:
    taken = {at for hit in hits for at in range(hit.first, hit.last)}
    return [word for at, word in enumerate(words) if at not in taken]


def _measures(phrase: str) -> tuple[frozenset[str], list[str]]:
    """The words of the measures of a phrase, and those measures that are a part of what the concept is.

    One with a unit is of the mention, and no part of that; the number of "grade 2" is.
    """
    if not _DIGIT.search(phrase):
        return frozenset(), []
    found = [(_spaced(match.group().lower()), bool(match["unit"])) for match in _MEASURE.finditer(phrase)]
    words = frozenset(word for measure, _ in found for word in measure.split())
    return words, [measure for measure, has_unit in found if measure and not has_unit]


def _spaced(measure: str) -> str:
    return " ".join(re.sub(r"(?<=\d)(?=[a-wyz])", " ", measure).split())
