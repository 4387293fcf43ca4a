"""How a finding stands against earlier studies, where its clause says so."""

from __future__ import annotations

import re

from schemas.terms import Temporality

_CUES: tuple[tuple[Temporality, re.Pattern[str]], ...] = tuple(
    (temporality, re.compile(rf"\b(?:{words})\b", re.I))  # type: ignore[misc]
    for temporality, words in (
        ("resolved", r"resolved|resolution|no longer|cleared|(?:has|have) been removed|interval removal"),
        (
            "increased",
            r"increas\w+|worsen\w*|worse|progress(?:ed|ion|ive)|enlarging|larger|more (?:prominent|extensive)",
        ),
        ("decreased", r"decreas\w+|improv\w+|smaller|diminish\w+|less (?:prominent|extensive)|regress\w+"),
        ("new", r"new|newly|developed|developing|interval (?:development|placement)"),
        (
            "stable",
            r"stable|unchanged|similar|persist\w+|again|no (?:significant )?(?:interval )?change|redemonstrat\w+",
        ),
        ("historical", r"history of|status post|s/p|prior|previous(?:ly)?|old|healed|remote"),
    )
)


def read_temporality(sentence: str) -> Temporality:
    """The first that applies of: resolved, increased, decreased, new, stable, historical; otherwise current."""
    return next((temporality for temporality, cue in _CUES if cue.search(sentence)), "current")
