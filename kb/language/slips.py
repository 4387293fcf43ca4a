"""Words of a query that no table knows, as the words they are most likely slips of.

A word that is known stays, and so does one whose ending says that it is another disease: "haemothorax" is no slip of
"pneumothorax", nor "pericarditis" of "pericardial". So no finding becomes another one.
"""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.distance import OSA

SHORTEST = 5
"""Letters that a word has at least that may be a slip."""

LONG = 9
"""Letters from which a word may have two slips."""

_ENDINGS = (
    "itis", "osis", "oma", "ectomy", "ostomy", "otomy", "plasty", "desis", "cele", "emia", "uria", "thorax", "pathy",
    "megaly", "ectasis", "graphy", "scopy", "genic", "plegia", "rrhea", "algia", "trophy", "lysis", "pnea", "ial", "ic",
)  # fmt: skip
"""Endings that say what kind of thing a medical word names."""


def meant_by(word: str, known: Iterable[str]) -> frozenset[str]:
    """The words of `known` that a word may be a slip of: those at the fewest slips, of its beginning and ending."""
    if len(word) < SHORTEST or not word.isalpha():
        return frozenset()
    allowed = 2 if len(word) >= LONG else 1
    nearest: set[str] = set()
    for other in known:
        if other[:1] != word[:1] or abs(len(other) - len(word)) > allowed or len(other) < SHORTEST:
            continue
        distance = OSA.distance(word, other, score_cutoff=allowed)
        if distance > allowed or not _same_kind(word, other):
            continue
        nearest = {other} if distance < allowed else nearest | {other}
        allowed = min(allowed, distance)
    return frozenset(nearest)


def _same_kind(word: str, other: str) -> bool:
    """Whether two words do not end in two endings that tell apart."""
    endings = {next((ending for ending in _ENDINGS if one.endswith(ending)), None) for one in (word, other)} - {None}
    return len(endings) < 2
