"""What one statement says of a concept, written out plainly: the whole-batch code is held against it."""

from __future__ import annotations

from encoder.training.statements import DENIED, HOLDS, UNKNOWN, Meaning


def says_of(stated: Meaning, concept: Meaning) -> int:
    """What one sure statement says of a concept of the same finding."""
    if stated.present == concept.present:
        general, special = (concept, stated) if stated.present else (stated, concept)
        return HOLDS if is_wider(general, special) else UNKNOWN
    affirmed, denied = (stated, concept) if stated.present else (concept, stated)
    return DENIED if is_wider(denied, affirmed) else UNKNOWN


def is_wider(general: Meaning, special: Meaning) -> bool:
    """Whether all that is `special` is `general` too: the same finding, and no facet that `special` has not."""
    return (
        general.finding == special.finding
        and general.anatomy in (None, special.anatomy)
        and general.laterality in ("none", special.laterality)
        and general.severity in (None, special.severity)
        and general.descriptors <= special.descriptors
    )
