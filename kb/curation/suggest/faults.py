"""What is probably wrong with a concept, by what it says alone: a lost noun, a place that its finding is not at, ..."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from kb.language.facets import kind_of
from kb.language.lexicon import load_lexicon
from kb.language.normal_form.tables import class_of, load_tables
from kb.language.wider_terms import homes, places_in, wider_places

Row = Mapping[str, Any]

_PLACEHOLDER = re.compile(r"x{3,}|_{2,}|\[\*|\*\*|<[^>]*>", re.IGNORECASE)
_BARE_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)?(?![\w.-]|\s*(?:mm|cm))")
_FUNCTION_WORDS = frozenset(
    (
        *(
            "than",
            "which",
            "that",
            "may",
            "might",
            "could",
            "would",
            "should",
            "again",
            "however",
            "also",
            "very",
            "if",
        ),
        *(
            "is",
            "are",
            "was",
            "were",
            "be",
            "been",
            "has",
            "have",
            "had",
            "but",
            "we",
            "you",
            "he",
            "she",
            "it",
            "s",
            "x",
        ),
    )
)
_DANGLING = re.compile(
    r"(?:\s+(?:with tip )?(?:at|over|near|in|of))?\s+(?:superior|inferior|lateral|medial|at|over|near|of)$"
)
_REPEATED = re.compile(r"\b(\w+(?: \w+)*) \1\b")
_COUNTED = ("single", "two", "three", "four", "five", "few", "multiple")

_FAMILIES: Mapping[str, frozenset[str]] = {
    "chest": frozenset(["hemithorax", "diaphragm"]),
    "heart and vessels": frozenset(["mediastinum", "subclavian vein", "inferior vena cava"]),
    "bones and joints": frozenset(
        (
            *("bone", "shoulder", "hip", "knee", "ankle", "elbow", "wrist", "foot", "forearm", "joint space"),
            *("sternoclavicular joint", "sacroiliac joint"),
        )
    ),
}
"""Places that what is always at one of the others cannot be at, by the widest places of each."""

LONG = 9
"""Words from which a text says more than one thing, as a rule."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a concept as often as `weight` says (0 to 1), and what it would be without it."""

    weight: float
    reason: str
    mended: str | None = None


def faults_of(row: Row) -> list[Fault]:
    """What is probably wrong with a concept, the gravest first.

    Args:
        row: its text and facets.
    """
    found = [*_of_text(row["text"]), *_of_finding(row), *_of_places(row)]
    return sorted(found, key=lambda fault: -fault.weight)


def how_wrong(faults: Sequence[Fault]) -> float:
    """How probably something is wrong, each fault taken by itself: 0 to 1."""
    return 1 - prod(1 - fault.weight for fault in faults)


def _of_text(text: str) -> Iterator[Fault]:
    if _PLACEHOLDER.search(text):
        yield Fault(0.8, "a word was removed from it")
    if _BARE_NUMBER.search(text):
        yield Fault(0.5, "a number that counts nothing")
    if told := [word for word in text.lower().split() if word in _FUNCTION_WORDS]:
        yield Fault(0.6, f"'{told[0]}' is no word of an observation")
    if found := _DANGLING.search(text):
        yield Fault(0.7, f"it ends in '{text.split()[-1]}': a noun was lost", text[: found.start()])
    if found := _REPEATED.search(text):
        yield Fault(0.3, f"'{found[1]}' twice", _REPEATED.sub(r"\1", text))


def _of_finding(row: Row) -> Iterator[Fault]:
    kind, denied, told = kind_of(row["finding"]), row["assertion"] == "absent", [*row["descriptors"]]
    if kind == "other":
        yield Fault(0.5, f"no finding is known in it ('{row['finding']}')")
    if strange := [word for word in told if class_of(word) is None and not word[:1].isdigit()]:
        yield Fault(0.4, f"what '{strange[0]}' says of it is not known")
    if kind == "normal" and denied:
        yield Fault(0.7, "what is normal is denied")
    if kind == "normal" and row["severity"] is not None:
        yield Fault(0.5, f"what is normal cannot be {row['severity']}")
    if kind != "device" and len(row["text"].split()) >= LONG:
        yield Fault(0.3, "so long that it may be two statements in one")
    if kind in ("finding", "device") and row["text"].startswith(("normal ", "no normal ")):
        yield Fault(0.6, f"it calls {row['finding']} normal")
    if denied and (counted := [word for word in told if word in _COUNTED]):
        yield Fault(0.5, f"it is denied, and '{counted[0]}' counted")
    if denied and len(told) + (row["laterality"] != "none") + (row["anatomy"] is not None) >= 3:
        yield Fault(0.3, "a denial that says so much is of one report alone")
    if load_lexicon().kinds.get(row["finding"]) == "generic" and row["anatomy"] is None and not told:
        yield Fault(0.2, "it says little without a place")


def _of_places(row: Row) -> Iterator[Fault]:
    if row["anatomy"] is None or kind_of(row["finding"]) == "device":
        return
    places = places_in(row["anatomy"])
    if len(places) > 1:
        yield Fault(0.2 * len(places), f"it is at {len(places)} places at once")
    home = {family for place in homes(row["finding"]) for family in _families(place)}
    for place in sorted(places):
        if home and (families := _families(place)) and home.isdisjoint(families):
            yield Fault(0.6, f"{row['finding']} is not at the {place}", _without(place, row["text"]))


def _families(place: str) -> frozenset[str]:
    """The families of places that a place is of; none where it borders on several."""
    above = wider_places().above(place)
    return frozenset(family for family, tops in _FAMILIES.items() if not above.isdisjoint(tops))


def _without(place: str, text: str) -> str | None:
    """A text without a place or the adjective of it; None where it does not stand there."""
    for word in filter(None, (place, load_tables().adjectives.get(place))):
        left = re.sub(rf"\b{re.escape(word)} ", "", text)
        if left != text:
            return left
    return None
