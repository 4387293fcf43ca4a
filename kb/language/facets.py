"""A concept as facets: what its phrase says, taken apart, and the normal form and identity that follow.

Embedders do not hold negation, side or size apart; these facets do. Reading is honest rather than clever: words
that the lexicon does not know are kept as they stand, in the finding or among the descriptors, never dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b

from kb.language.lexicon import folded, load_lexicon, words_of
from kb.language.normal_form.comparisons import without_views
from kb.language.normal_form.reading import NEGATORS, read_parts
from kb.language.normal_form.side_and_severity import chambers_in, severity_of, side_of
from kb.language.normal_form.spelling import spelt
from kb.language.normal_form.tables import ORDINALS, class_of, kind_of_finding, load_tables
from kb.language.normal_form.wording import canonical_text
from schemas.terms import ConceptAssertion, Laterality

__all__ = ["NEGATORS", "Facets", "concept_id_of", "kind_of", "read_facets", "read_severity", "read_side"]


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

    @property
    def well_formed(self) -> bool:
        """Whether this is an observation that can be told by itself, so that it is worth having in a vocabulary.

        Its finding is known, and every other word of it; and what is only a state ("dilatation") is told of
        something.
        """
        kind = kind_of_finding(self.finding)
        if any(self.laterality == side and place in (self.anatomy or "") for side, place in _IMPOSSIBLE):
            return False
        classes = {class_of(one) for one in self.descriptors}
        if kind == "other" or None in classes:
            return False
        if ("end" in classes and kind != "device") or ("nature" in classes and kind == "normal"):
            return False  # a thing without an end has no tip
        if _ORDINALS.intersection(self.descriptors) and "rib" not in f"{self.finding} {self.anatomy}":
            return False
        alone = self.anatomy is None and "level" not in classes
        return not (alone and self.assertion == "present" and self.finding in load_tables().state_names)

    @cached_property
    def concept_id(self) -> str:
        """The identity of the concept: the same observation has the same id at every site."""
        return concept_id_of(self.normal_form)


def kind_of(finding: str) -> str:
    """What a finding is by the tables: finding, device, normal, or other where they do not know it."""
    kind = kind_of_finding(finding)
    return "finding" if kind == "generic" else kind


def concept_id_of(normal_form: str) -> str:
    """The id of the concept with a normal form: a hash of it."""
    return "C" + blake2b(normal_form.encode(), digest_size=8).hexdigest()


def read_facets(phrase: str, assertion: ConceptAssertion = "present") -> Facets:
    """The facets of an observation's phrase ("Small left-sided pleural effusions").

    Raises:
        ValueError: the phrase has no word that says anything.
    """
    return _settled(spelt(" ".join(load_lexicon().written_out(phrase).split())), assertion)


def read_side(phrase: str) -> Laterality:
    """The side that a phrase tells; the chambers of the heart tell none."""
    words = folded(load_lexicon().written_out(without_views(phrase)))
    if load_lexicon().sides.keys().isdisjoint(words):
        return "none"
    chambers = {at for hit in chambers_in(words) for at in range(hit.first, hit.last)}
    return side_of([word for at, word in enumerate(words) if at not in chambers])[0]


def read_severity(phrase: str) -> str | None:
    """The word of size or severity as it stands in the phrase ("Mild"), or None."""
    found = severity_of(folded(phrase))
    if found is None:
        return None
    words = words_of(phrase)
    return phrase[words[found[1]].start : words[found[2] - 1].end]


_ORDINALS = frozenset(ORDINALS)
_IMPOSSIBLE = (("right", "lingula"), ("left", "middle lobe"))
"""Sides of places that have none there: what tells them was read wrongly."""

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


def _read(phrase: str, assertion: ConceptAssertion) -> Facets:
    parts = read_parts(phrase)
    text = canonical_text(parts)
    return Facets(
        assertion=assertion,
        finding=parts.finding,
        anatomy=" ".join(parts.places) or None,
        laterality=parts.side,
        severity=parts.severity,
        descriptors=parts.descriptors,
        text=f"no {text}" if assertion == "absent" else text,
    )
