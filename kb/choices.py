"""Words out of a closed set: a wrong one is refused with the allowed ones, and the nearest."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from kb.errors import UsageError


def check_choice(what: str, word: str | None, allowed: Collection[str]) -> None:
    """Refuse a word that is none of the allowed ones; None is nothing that was chosen.

    Args:
        what: what the word is of, for the message: "assertion".
        word: what was given.
        allowed: the closed set.

    Raises:
        UsageError: the word is none of them.
    """
    if word is None or word in allowed:
        return
    raise UsageError(f"there is no {what} '{word}'{meant(word, allowed)}: choose one of {', '.join(allowed)}")


def meant(word: str, known: Collection[str]) -> str:
    """What a word that nobody knows was meant to be, in brackets; "" where none of the known ones is near."""
    near = get_close_matches(str(word).lower(), known, n=1, cutoff=0.5)
    return f" (did you mean '{near[0]}'?)" if near else ""
