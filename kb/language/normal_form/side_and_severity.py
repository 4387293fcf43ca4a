"""Which side words tell, and how severe or large they say a finding is."""

from __future__ import annotations

from collections.abc import Sequence

from kb.language.lexicon import Hit, load_lexicon
from schemas.terms import Laterality

_SIDES_TOLD_BY_PLACES = {"bibasilar", "bibasal", "biapical"}


def side_of(words: Sequence[str]) -> tuple[Laterality, list[str]]:
    """The side that the words tell, and the words without it ("bibasilar" stays: it is a place too)."""
    sides = load_lexicon().sides
    names = {sides[word] for word in words if word in sides}
    if not names:
        return "none", list(words)
    kept = [word for word in words if word not in sides or word in _SIDES_TOLD_BY_PLACES]
    side = "bilateral" if len(names) > 1 else names.pop()
    return side, kept  # type: ignore[return-value]


def severity_of(words: Sequence[str]) -> tuple[str, int, int] | None:
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


def severity_apart(words: list[str]) -> tuple[str | None, list[str]]:
    """The severity, and the words without it; one that is part of a finding's name ("large heart") stays in it.

    "Borderline heart size" is a name too, but how much it says is kept: borderline cardiomegaly.
    """
    found = severity_of(words)
    if found is None:
        return None, words
    severity, first, last = found
    severities = load_lexicon().severities
    for hit in (*load_lexicon().findings.among(words), *load_lexicon().anatomy.among(words)):
        if any(word in severities for word in words[hit.first : hit.last]):
            return (severity if severity == "borderline" else None), words
    return severity, words[:first] + words[last:]


def chambers_in(words: Sequence[str]) -> list[Hit]:
    """The places whose name holds a side: the chambers of the heart tell none."""
    if "left" not in words and "right" not in words:
        return []
    return [hit for hit in load_lexicon().anatomy.among(words) if hit.label.startswith(("left ", "right "))]
