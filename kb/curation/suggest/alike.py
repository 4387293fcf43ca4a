"""Two concepts of one assertion and side, held against each other: how likely they are one, by which rule, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from kb.curation.suggest.living import Living, Row
from kb.language.same_words import LIKE, MISSPELT, Comparison, compare, heads_of, likeness

Rule = Literal[
    "the same words", "the same words but for spelling", "the same severity", "words for each other", "alike"
]
RULES: tuple[Rule, ...] = get_args(Rule)
"""The rules by which duplicates are found, the surest first."""

STRONG = 0.9
"""The score from which a pair is suggested: what has it says the same, if in other words."""

SURE = MISSPELT
"""The score from which a pair may be taken unseen: it says the same words."""

OTHER_SEVERITY = 0.94
"""The most that a pair has whose severities say the same in two words ("mild", "minimal")."""


@dataclass(frozen=True, slots=True)
class Alike:
    """How likely two concepts are one (0 to 1), by which rule, and what tells them apart in words."""

    score: float
    rule: Rule
    reason: str

    @property
    def sure(self) -> bool:
        """Whether they may be taken for one unseen."""
        return self.score >= SURE


def alike(living: Living, first: int, second: int, cosine: float = 0.0) -> Alike | None:
    """Two rows of a block held against each other; None where their severities say two things."""
    if not living.may_be_one(first, second):
        return None
    rows = (living.rows[first], living.rows[second])
    found = compare(living.wordings[first], living.wordings[second])
    score = likeness(found, cosine)
    if score < LIKE:
        return Alike(score, "alike", _apart(found, rows))
    if rows[0]["severity"] != rows[1]["severity"]:
        rule: Rule = "the same severity" if found.same else "words for each other"
        return Alike(min(OTHER_SEVERITY, score - 0.01), rule, _apart(found, rows))
    if found.same:
        misspelt = bool(found.misspelt)
        rule = "the same words but for spelling" if misspelt else "the same words"
        return Alike(score, rule, rule)
    return Alike(score, "words for each other", _apart(found, rows))


def _apart(found: Comparison, rows: Sequence[Row]) -> str:
    """What only the one and only the other says, in their own words."""
    sides = [_words(stems, row["text"]) for stems, row in zip((found.only_first, found.only_second), rows, strict=True)]
    if rows[0]["severity"] != rows[1]["severity"]:
        sides = [", ".join(filter(None, (row["severity"], side))) for row, side in zip(rows, sides, strict=True)]
    what = "the same" if found.same or found.alike else "alike"
    return f"{what} but for {' / '.join(side or '-' for side in sides)}"


def _words(stems: frozenset[str], text: str) -> str:
    """The words of a text that some stems are of; a stem that stands for several words, as it is."""
    words = {stem: word for word in reversed(text.split()) for stem in heads_of(word)}
    return ", ".join(dict.fromkeys(words.get(stem, stem) for stem in sorted(stems)))
