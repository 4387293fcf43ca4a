"""How a finding stands against earlier studies, by the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.language.grammar.tokens import Span
from schemas.terms import Temporality

_PARTLY = r"(?:partial(?:ly)?|partly|near(?:ly)?(?:[ -]complete(?:ly)?)?|almost|mostly|largely|incomplete(?:ly)?)"
_WORDS: tuple[tuple[Temporality, tuple[str, ...]], ...] = (
    ("decreased", (rf"{_PARTLY} (?:completely )?(?:clear|resol|improv)\w+",)),
    (
        "stable",
        (
            r"not (?:yet |completely |fully |significantly |substantially )?(?:resolved|cleared|changed)",
            r"(?:no|without) (?:\w+ ){0,2}(?:changes?|increase|decrease|worsening|improvement|progression|resolution)",
        ),
    ),
    (
        "resolved",
        (
            "resolved",
            "resolution",
            "no longer",
            "cleared",
            "(?:has been|have been|was|were) removed",
            "(?:interval )?removal of",
        ),
    ),
    (
        "increased",
        (
            r"increas\w+",
            r"worsen\w*",
            "worse",
            "progress(?:ed|ion|ive)",
            "enlarg(?:ing|ed since)",
            "larger",
            "more (?:prominent|extensive)",
        ),
    ),
    (
        "decreased",
        (
            r"decreas\w+",
            r"improv(?!ed aeration)\w+",
            "smaller",
            r"diminish\w+",
            "less (?:prominent|extensive)",
            r"regress\w+",
        ),
    ),
    ("new", ("new", "newly", "developed", "developing", "interval (?:development|placement|appearance)")),
    ("stable", ("stable", "unchanged", "similar", r"persist\w+", "again", r"redemonstrat\w+")),
    (
        "historical",
        (
            "history of",
            "h/o",
            "status post",
            "s/p",
            "(?<!since )(?<!to )(?<!from )(?<!with )(?<!the )(?:prior|previous)",
            "old",
            "healed",
            "remote",
            "ago",
            "in the past",
            "in childhood",
            "former",
        ),
    ),
)
"""What tells each, the strongest first: what "has resolved since the prior study" is resolved."""

_CUES = tuple((name, re.compile(rf"\b(?:{'|'.join(words)})\b", re.I)) for name, words in _WORDS)
_JOINT = re.compile(r",|;|\b(?:with|and|or|but|while|although)\b", re.I)


def temporalities(sentence: str, extents: Sequence[Span]) -> list[Temporality]:
    """How each statement of a sentence stands, by its own words, then those around it, then the whole sentence.

    Args:
        sentence: the sentence.
        extents: from where to where each statement stands in it, in their order.

    In "Stable cardiomegaly with new effusion" each has its own; in "cardiomegaly and effusion are unchanged" both
    have the one word.
    """
    of_all = _read(sentence)
    if of_all is None:
        return ["current"] * len(extents)
    return [_around(sentence, extents, at) or of_all for at in range(len(extents))]


def _around(sentence: str, extents: Sequence[Span], at: int) -> Temporality | None:
    start, end = extents[at]
    before = max((last for _, last in extents if last <= start), default=0)
    after = min((first for first, _ in extents if first >= end), default=len(sentence))
    joints = [match.end() for match in _JOINT.finditer(sentence, before, start)]
    return _read(sentence[joints[-1] if joints else before : end]) or _read(sentence[end:after])


def _read(text: str) -> Temporality | None:
    return next((temporality for temporality, cue in _CUES if cue.search(text)), None)
