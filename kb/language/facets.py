"""A concept as facets: what its phrase says, taken apart, and the normal form and identity that follow.

Embedders do not hold negation, side or size apart; these facets do. Reading is honest rather than clever: words
that the lexicon does not know are kept as they stand, in the finding or among the descriptors, never dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b

from kb.language.lexicon import STOP_WORDS, Match, Word, fold, load_lexicon, words_of
from schemas.terms import ConceptAssertion, Laterality

NEGATORS = frozenset(["no", "without", "not", "absent", "absence", "nor", "neither"])
"""Words that a phrase cannot hold: whether it is denied is told by its assertion, and only there."""

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
    words = words_of(load_lexicon().written_out(phrase))
    chambers = {at for match in _chambers(words) for at in range(match.first, match.last)}
    return _side([word for at, word in enumerate(words) if at not in chambers])[0]


def read_severity(phrase: str) -> str | None:
    """The word of size or severity as it stands in the phrase ("Mild"), or None."""
    words = words_of(phrase)
    found = _severity(words)
    return phrase[words[found[1]].start : words[found[2] - 1].end] if found else None


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
        facets = _read(_again(facets), assertion)
    # Nearly always the text now reads as itself. Where readings go round in a circle, the first by the alphabet
    # stands for all of them.
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
    words = words_of(phrase)
    measures = _measures(phrase)
    silent = STOP_WORDS | NEGATORS
    words = [word for word in words if word.folded not in silent and not _inside(word, measures)]
    severity, words = _severity_apart(words)
    chambers = list(_chambers(words))
    side, rest = _side(_without(words, chambers))
    findings = _best(list(lexicon.findings.find(rest)))
    if findings is not None:
        rest = _without(rest, [findings])
    places = [*chambers, *(places_found := list(lexicon.anatomy.find(rest)))]
    rest = _without(rest, places_found)
    anatomy = sorted({place.label for place in places})
    numbers = _measures(phrase, with_unit=False)
    descriptors = sorted({*(word.folded for word in rest), *numbers})
    finding = findings.label if findings else None
    if composed := _composed(finding, anatomy, descriptors):
        finding, anatomy, descriptors = composed
    if finding is None:
        finding = " ".join(dict.fromkeys(word.folded for word in rest)) or " ".join(anatomy)
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


def _best(matches: list[Match]) -> Match | None:
    """The match that names the finding: rather a telling one than a generic one, then the longest, then the first."""
    return min(matches, key=lambda m: (m.kind == "generic", m.first - m.last, m.first), default=None)


def _severity_apart(words: list[Word]) -> tuple[str | None, list[Word]]:
    """The severity, and the words without it; one that is part of a finding's name ("large heart") stays in it.

    "Borderline heart size" is a name too, but how much it says is kept: borderline cardiomegaly.
    """
    severity, rest = _take_severity(words)
    if severity is None:
        return None, words
    severities = load_lexicon().severities
    for match in load_lexicon().findings.find(words):
        if any(words[at].folded in severities for at in range(match.first, match.last)):
            return (severity if severity == "borderline" else None), words
    return severity, rest


def _take_severity(words: list[Word]) -> tuple[str | None, list[Word]]:
    found = _severity(words)
    if found is None:
        return None, words
    normal, first, last = found
    return normal, words[:first] + words[last:]


def _severity(words: list[Word]) -> tuple[str, int, int] | None:
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


def _side(words: list[Word]) -> tuple[Laterality, list[Word]]:
    """The side that the words tell, and the words without it ("bibasilar" stays: it is a place too)."""
    sides = load_lexicon().sides
    names = {sides[word.folded] for word in words if word.folded in sides}
    kept = [
        word for word in words if word.folded not in sides or (word.folded.startswith("bi") and word.folded in _PLACES)
    ]
    if not names:
        return "none", kept
    side = "bilateral" if len(names) > 1 else names.pop()
    return side, kept  # type: ignore[return-value]


_PLACES = {"bibasilar", "bibasal", "biapical"}


def _chambers(words: list[Word]) -> list[Match]:
    if not any(word.folded in ("left", "right") for word in words):
        return []
    return [match for match in load_lexicon().anatomy.find(words) if match.label.startswith(("left ", "right "))]


def _without(words: list[Word], matches: list[Match]) -> list[Word]:
    taken = {at for match in matches for at in range(match.first, match.last)}
    return [word for at, word in enumerate(words) if at not in taken]


def _measures(phrase: str, *, with_unit: bool = True) -> list[str]:
    """The measures of a phrase. One with a unit is of the mention, and no part of what the concept is; "grade 2" is."""
    matches = _MEASURE.finditer(phrase)
    found = (match.group().lower() for match in matches if with_unit or not match["unit"])
    return [" ".join(re.sub(r"(?<=\d)(?=[a-wyz])", " ", measure).split()) for measure in found if measure.strip()]


def _inside(word: Word, measures: list[str]) -> bool:
    return any(word.folded in measure.split() for measure in measures)
