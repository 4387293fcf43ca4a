"""How a finding stands against earlier studies, by the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.language.grammar.tokens import Span
from kb.language.hints import Hints
from schemas.terms import Temporality

_PARTLY = r"(?:partial(?:ly)?|partly|near(?:ly)?(?:[ -]complete(?:ly)?)?|almost|mostly|largely|incomplete(?:ly)?)"
_WORDS: tuple[tuple[Temporality, tuple[str, ...]], ...] = (
    (
        "decreased",
        (
            rf"{_PARTLY} (?:completely )?(?:clear|resol|improv)\w+",
            r"(?:improv|decreas|diminish)\w+ (?:but|although|and|yet) (?:has |have |is |are )?not \w+(?: \w+)?",
        ),
    ),
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
            "(?<!high )(?<!high-)(?<!spatial )resolution",
            "gone",
            "(?:is|are|has been|have been|was|were) (?:now )?(?:out|pulled|explanted|discontinued|replaced|exchanged)",
            "(?:has been|have been|was|were) taken out",
            "disappeared",
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
            "gr(?:own|ew|owing)",
            "expanded since",
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
            "(?<!day )(?<!days )(?<!week )(?<!weeks )(?<!hour )(?<!month )(?<!months )history of (?!present)",
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

_Cues = Sequence[tuple[Temporality, re.Pattern[str]]]
_CUES: _Cues = tuple((name, re.compile(rf"\b(?:{'|'.join(words)})\b", re.I)) for name, words in _WORDS)
_JOINT = re.compile(r",|;|\b(?:with|but|while|although|and|or)\b", re.I)
_TOGETHER = re.compile(r"\s*(?:,?\s*(?:and|or)|/|&)\s+", re.I)
_PAST = re.compile(
    r"\b(?:(?:past|previous) (?:medical |surgical )?|medical |social |family |surgical |psychiatric |smoking )history\b"
    r"|\b(?<!day )(?<!days )(?<!week )(?<!weeks )(?<!hour )(?<!month )(?<!months )history of (?!present)"
    r"|^(?:allergies|PMH|PSH)\b",
    re.I,
)
"""What opens a list of what was: all that follows it in the sentence, unless another word is told of it."""
_PRESENTS = re.compile(
    r"\b(?:who|which|present(?:s|ed|ing)|came|complain\w+|admitted|coming|now|but|currently)\b", re.I
)
"""What ends that list."""
_HINTS = Hints(*(cue for _, cue in _CUES), _PAST)
_AFTER_IT = re.compile(r"\b(?:s/p|status post|history of|with)\b", re.I)
"""What begins what is told of something else ("fracture, status post fixation"): the fracture is not of old."""
_VERB = re.compile(r"[\s,]*(?:is|are|was|were|has|have|had|remains?|appears?|seems?|persists?)\b", re.I)


def temporalities(sentence: str, extents: Sequence[Span], clauses: Sequence[Span] | None = None) -> list[Temporality]:
    """How each statement of a sentence stands: by its own words, by what is said of it, by what it shares.

    Args:
        sentence: the sentence.
        extents: from where to where each statement stands in it, in their order.
        clauses: from where to where the clause of each stands; the whole sentence where none are given.

    In "Stable cardiomegaly with new effusion" each has its own; in "cardiomegaly and effusion are unchanged" both
    have the one word, for a verb says it of both; in "new opacity, cardiomegaly" the word is the opacity's alone.
    """
    possible = _HINTS.possible(sentence)
    cues = [cue for at, cue in enumerate(_CUES) if possible >> at & 1]
    past = _PAST.search(sentence) if possible >> len(_CUES) else None
    if not (past or any(cue.search(sentence) for _, cue in cues)):
        return ["current"] * len(extents)
    within = clauses or [(0, len(sentence))] * len(extents)
    found: list[Temporality | None] = []
    for at, (start, _) in enumerate(extents):
        told = _of_its_own(sentence, extents, at, within[at], cues) or _said_of_all(
            sentence, extents, at, within, cues
        )
        if told is None and at and within[at] == within[at - 1]:
            between = sentence[extents[at - 1][1] : start]
            shared = _TOGETHER.fullmatch(between) and not (found[at - 1] == "historical" and "," in between)
            told = found[at - 1] if shared else None  # "new effusion and pneumothorax"
        found.append(told)
    until = _PRESENTS.search(sentence, past.end()) if past else None
    of_old = (past.end(), until.start() if until else len(sentence)) if past else (0, 0)
    return [
        told or ("historical" if of_old[0] < end and start < of_old[1] else "current")
        for told, (start, end) in zip(found, extents, strict=True)
    ]


def _of_its_own(sentence: str, extents: Sequence[Span], at: int, within: Span, cues: _Cues) -> Temporality | None:
    start, end = extents[at]
    before = max((last for _, last in extents if within[0] <= last <= start), default=within[0])
    after = min((first for first, _ in extents if end <= first), default=within[1])
    joints = [match.end() for match in _JOINT.finditer(sentence, before, start)]
    told = _read(sentence[joints[-1] if joints else before : end], cues)
    behind = sentence[end : max(end, min(after, within[1]))]
    if after < within[1]:
        behind = _JOINT.split(behind, maxsplit=1)[0]  # what stands before the next statement is told of that one
    return told or _read(_AFTER_IT.split(behind, maxsplit=1)[0], cues)


def _said_of_all(sentence: str, extents: Sequence[Span], at: int, within: Sequence[Span], cues: _Cues) -> Temporality | None:
    """What a verb at the end of a clause says of all its subjects."""
    last = max(end for (_, end), clause in zip(extents, within, strict=True) if clause == within[at])
    predicate = sentence[last : within[at][1]]
    return _read(predicate, cues) if _VERB.match(predicate) else None


def _read(text: str, cues: _Cues) -> Temporality | None:
    return next((temporality for temporality, cue in cues if cue.search(text)), None)
