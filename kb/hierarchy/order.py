"""The order on meanings: what stands under what, and what a statement of one concept says of another.

`stands_under` is the one definition; it asks what a concept is about, and only concepts of one assertion compare. What
follows from a statement is derived from it, and turns with the assertion: "left effusion" says "effusion", and
"no effusion" says "no left effusion".
"""

from __future__ import annotations

from dataclasses import replace

from kb.hierarchy.meaning import Meaning
from kb.language.wider_terms import wider_places


def stands_under(special: Meaning, general: Meaning) -> bool:
    """Whether `general` is wider than `special`, or they mean the same: all that it needs, the other says.

    A partial order: a meaning stands under itself, two that stand under each other are one, and what stands under a
    third by way of a second stands under it.
    """
    return general.needs <= special.says and sides_hold(special, general)


def sides_hold(special: Meaning, general: Meaning) -> bool:
    """Whether sides and places, each found, are found together.

    "Right upper and left lower lobe opacity" is on both sides and at two places; it is no left upper lobe opacity.
    """
    if not special.scattered or general.laterality == "none":
        return True
    above = wider_places().above
    if general.scattered:
        return all(any(wider in above(place) for wider in general.places) for place in special.places)
    everywhere = {wider for home in special.homes for wider in above(home)}
    return all(wider in everywhere or all(wider in above(p) for p in special.places) for wider in general.places)


def entails(stated: Meaning, asked: Meaning) -> bool:
    """Whether what is stated says that `asked` holds, both of one assertion."""
    if stated.present:
        return stands_under(stated, asked)
    return stands_under(asked, stated) and not narrows_to_both(asked, stated)


def contradicts(stated: Meaning, asked: Meaning) -> bool:
    """Whether what is stated says that `asked` does not hold: one of them is there, and the other denies it."""
    if stated.assertion == asked.assertion:
        return False
    there, denied = (stated, asked) if stated.present else (asked, stated)
    return stands_under(there, replace(denied, assertion=there.assertion))


def narrows_to_both(special: Meaning, general: Meaning) -> bool:
    """Whether a denial of one side would have to say a denial of both, which it does not.

    "No bilateral effusion" is written for "on neither side": "no left effusion" is not enough for it.
    """
    return special.laterality == "bilateral" and general.laterality in ("left", "right")
