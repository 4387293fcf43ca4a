"""How a finding stands against earlier studies, by the words around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingest.grammar.temporal_words import tells, told_by, told_by_measure, without_findings
from kb.language.grammar.tokens import Span
from kb.language.grammar.wording import found_in
from kb.language.hints import Hints
from schemas.terms import Temporality

_JOINT = re.compile(r",|;|\b(?:with|but|while|although|and|or)\b", re.I)
_TOGETHER = re.compile(r"\s*(?:,?\s*(?:and|or)|/|&)\s+", re.I)
_SUBJECTS = re.compile(r"\s*(?:,?\s*(?:and|or)|/|&)\s+(?:the\s+|an?\s+)?", re.I)
"""What joins the subjects of one verb: "the tube and the line | have been removed"."""
_WITH = re.compile(r"\s*,?\s*with\s+(?:an? |the |some |associated |accompanying )*", re.I)
_OF_OLD = re.compile(
    r"(?P<list>\b(?:(?:past|previous)\s+(?:medical\s+|surgical\s+)?|(?:medical|social|family|surgical|psychiatric|smoking)\s+)history\b"
    r"|\b(?:medical|surgical)\s+problems\b|\b(?:PM|PS|F|Soc|Fam)Hx?\b|\ballergies\s*[:-]|^\s*allergies\b)"
    r"|(?<!day )(?<!days )(?<!week )(?<!weeks )(?<!hour )(?<!month )(?<!months )\bhistory\s+of\s+(?!present)",
    re.I,
)
"""What opens a list of what was: all that follows it in the sentence, unless another word is told of it."""
_PRESENTS = (
    r"who|which|present(?:s|ed|ing)?|came|comes|complain\w+|c/o|admitted|coming|now|but|currently|recent|shows?"
    r"|physical\s+exam\w*|review\s+of\s+systems|vital\s+signs|medications"
)
_ENDS = {
    True: re.compile(rf"\b(?:{_PRESENTS})\b", re.I),
    False: re.compile(rf"\b(?:{_PRESENTS}|denie[sd]|without|no)\b", re.I),
}
"""What ends that list: a heading's list goes on with what is denied ("social history: denies alcohol")."""
_HISTORY_BEHIND = re.compile(r"\s*history\b(?!\s+of)", re.I)
_HISTORY_AT_END = re.compile(r"\bhistory\s*\Z", re.I)
"""What tells it from behind: "coronary artery disease history"."""
_OPERATION = re.compile(r"\b(?:replacement|repair|bypass|graft\w*)\b", re.I)
_AFTER_IT = re.compile(r"\b(?:s/p|status\s+post|history\s+of|with|given|due\s+to|because\s+of)\b", re.I)
"""What begins what is told of something else ("fracture, status post fixation"): the fracture is not of old."""
_HINTS = Hints(_OF_OLD)
_VERB = re.compile(
    r"[\s,]*(?:[-\u2013\u2014:]\s*)?(?:all|both|each|is|are|was|were|has|have|had|remains?|appears?|seems?|persists?)\b",
    re.I,
)


def temporalities(sentence: str, extents: Sequence[Span], clauses: Sequence[Span] | None = None) -> list[Temporality]:
    """How each statement of a sentence stands: by its own words, by what is said of it, by what it shares.

    Args:
        sentence: the sentence.
        extents: from where to where each statement stands in it, in their order.
        clauses: from where to where the clause of each stands; the whole sentence where none are given.

    In "Stable cardiomegaly with new effusion" each has its own; in "cardiomegaly and effusion are unchanged" both
    have the one word, for a verb says it of both; in "stable scars with volume loss" the second is as the first is; in
    "new opacity, cardiomegaly" the word is the opacity's alone.
    """
    past = _OF_OLD.search(sentence) if _HINTS.possible(sentence) else None
    if past is None and "history" not in sentence.lower() and not tells(sentence):
        return ["current"] * len(extents)
    within = clauses or [(0, len(sentence))] * len(extents)
    until = _ENDS[past["list"] is not None].search(sentence, past.end()) if past else None
    of_old = (past.end(), until.start() if until else len(sentence)) if past else (0, 0)
    read = without_findings(sentence)
    found: list[Temporality | None] = []
    for at, (start, _) in enumerate(extents):
        told = _of_its_own(read, extents, at, within[at])
        if told in (None, "historical"):
            told = _said_of_all(read, extents, at, within) or told  # "old fractures are unchanged"
        if told is None and at and within[at] == within[at - 1]:
            told = _shared(read[extents[at - 1][1] : start], found[at - 1], read[slice(*extents[at])])
        found.append(told)
    return [
        told or ("historical" if of_old[0] < end and start < of_old[1] else "current")
        for told, (start, end) in zip(found, extents, strict=True)
    ]


def _shared(between: str, before: Temporality | None, said: str) -> Temporality | None:
    """What a statement has from the one before it, by what stands between them: "new effusion and pneumothorax".

    A device is there: it is not of old as the operation before it, nor is it as long there as what it stands with.
    """
    together = _TOGETHER.fullmatch(between) and not (before == "historical" and "," in between)
    if any(match.kind == "device" for match in found_in(said.lower())) and not _OPERATION.search(said):
        return before if together and before != "historical" else None
    if together or not between.strip():
        return before
    return before if before == "stable" and _WITH.fullmatch(between) else None


def _of_its_own(sentence: str, extents: Sequence[Span], at: int, within: Span) -> Temporality | None:
    start, end = extents[at]
    before = max((last for _, last in extents if within[0] <= last <= start), default=within[0])
    after = min((first for first, _ in extents if end <= first), default=within[1])
    joints = [match.end() for match in _JOINT.finditer(sentence, before, start)]
    told = told_by(sentence[joints[-1] if joints else before : end])
    behind = sentence[end : max(end, min(after, within[1]))]
    if _HISTORY_BEHIND.match(behind) or _HISTORY_AT_END.search(sentence[start:end]):
        return "historical"
    if after < within[1]:
        # What stands before the next statement is told of that one, unless a comma ends it.
        parts = _JOINT.split(behind)
        behind = parts[1] if len(parts) > 2 and not parts[0].strip() else parts[0]
    measured = told_by_measure(sentence[start:end] + behind)
    told = measured or told or told_by(_AFTER_IT.split(behind, maxsplit=1)[0])
    if told is None and joints and before == within[0] and _WITH.fullmatch(f" {sentence[joints[-1] - 4 : start]}"):
        opening = told_by(sentence[before:start])
        return opening if opening == "stable" else None  # "the silhouette is unchanged with mild cardiomegaly"
    return told


def _said_of_all(sentence: str, extents: Sequence[Span], at: int, within: Sequence[Span]) -> Temporality | None:
    """What a verb behind the last of coordinated subjects, or at the end of a clause, says of all of them."""
    group = at
    while (
        group + 1 < len(extents)
        and within[group + 1] == within[at]
        and _SUBJECTS.fullmatch(sentence[extents[group][1] : extents[group + 1][0]])
    ):
        group += 1
    last = max(end for (_, end), clause in zip(extents, within, strict=True) if clause == within[at])
    following = min((start for start, _ in extents if start >= extents[group][1]), default=within[at][1])
    for predicate in (sentence[extents[group][1] : following], sentence[last : within[at][1]]):
        if _VERB.match(predicate) and (told := told_by(_JOINT.split(predicate, maxsplit=1)[0])):
            return told
    return None
