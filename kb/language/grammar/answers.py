"""Forms: a thing and the answer beside it ("Effusion: no", "fracture? N", "edema (+)", "[x] cardiomegaly").

An answer stands alone: "Pleura: no effusion" is a label with a statement, and left to the grammar of clauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from kb.language.grammar.tokens import Span
from kb.language.grammar.wording import found_in
from schemas.terms import Assertion


class Part(NamedTuple):
    """A stretch of a sentence that is read by itself: the spans of its words, and its answer; None if it has none."""

    spans: tuple[Span, ...]
    answer: Assertion | None


_NO = (
    r"no|n|neg|negative|nil|none|absent|false|0|[-\u2212\u2013](?!\s*\w)"
    r"|denied|excluded|ruled out|not (?:present|seen|identified|detected"
    r"|visuali[sz]ed|evident|noted|found)"
    r"|none (?:seen|identified|present|detected|noted)"
)
_YES = r"confirmed|yes|y|pos|positive|present|true|1|\+"
_SUSPECT = re.compile(
    r"[:?=(\[\u2610-\u2612]|\s[-+\u2212]\s*(?:[,;.]|\Z)"
    r"|\s(?:[-\u2013\u2014]\s*)?(?:yes|no|nil|none|negative|positive|absent|present)\s*(?:[,;.]|\Z)",
    re.I,
)

_ANSWERED = re.compile(
    r"\s*[:?]\s*(?:(?P<no>" + _NO + r")|(?P<yes>" + _YES + r"))(?=\s*(?:[.,;](?!\d)|\Z|\s[A-Z][A-Za-z ]{2,30}[:?]))"
    r"|(?:\s*=\s*(?:(?P<zero>" + _NO + r")|(?P<one>" + _YES + r"))"
    r"|\s+[-\u2013\u2014]\s*(?:(?P<none>none|nil|no|absent|negative|not seen|not present)"
    r"|(?P<there>yes|present|positive))"
    r"|(?<=\w)\s+(?:(?P<said_no>no|nil)|(?P<said_yes>yes)))(?=\s*(?:[.,;](?!\d)|\Z))"
    r"|\?\s+(?P<graded>)(?=(?:trace|tiny|minimal|mild|small|moderate|large|severe)\b)",
    re.I,
)
_DENYING = ("no", "zero", "none", "said_no")
_WANT_A_THING = ("zero", "one", "there", "said_no", "said_yes")
"""Answers that are none where no finding stands before them ("T = 0", "the answer is no")."""
_BEFORE_LABEL = re.compile(r"[:?;()\[\]]")
_MARKED = re.compile(
    r"\s*(?<=\w)\s(?P<behind>[-+\u2212])(?=\s*(?:[,;.]|\Z))|\s*[(\[]\s*(?:(?P<no>"
    + _NO.replace(r"(?!\s*\w)", "")
    + r"|---?)|(?P<yes>"
    + _YES
    + r"|\+\+\+?)|(?P<perhaps>\?|\+/-))\s*[)\]]",
    re.I,
)
_BOX = re.compile(r"(?:\[\s*([xX\u2713\u2714?]?)\s*\]|\(\s*([xX\u2713\u2714?]?)\s*\)|([\u2610-\u2612]))")
_TICKED = frozenset("xX\u2713\u2714\u2611\u2612")
_FIRST_OF_REST = re.compile(r"[\s,.;]*")


def parts_of(sentence: str, begin: int = 0) -> list[Part]:
    """The parts of a sentence from the character `begin` on: a form's answers each by itself, other text as one."""
    whole = [Part(((begin, len(sentence)),), None)]
    if not _SUSPECT.search(sentence, begin):
        return whole
    return list(_boxes(sentence, begin)) or list(_marked(sentence, begin)) or list(_labelled(sentence, begin)) or whole


def _boxes(sentence: str, begin: int) -> Iterator[Part]:
    boxes = [box for box in _BOX.finditer(sentence, begin) if _stands_alone(sentence, box)]
    if not boxes:
        return
    before = sentence[begin : boxes[0].start()].strip(" :-")
    behind = bool(before) and not sentence[boxes[-1].end() :].strip(" .")
    edges = [begin, *(box.end() for box in boxes)] if behind else [*(box.start() for box in boxes), len(sentence)]
    if before and not behind:
        yield Part(((begin, boxes[0].start()),), None)
    for at, box in enumerate(boxes):
        sign = next((group for group in box.groups() if group), "")
        answer: Assertion = "uncertain" if sign == "?" else "present" if sign in _TICKED and sign else "absent"
        first, last = (edges[at], box.start()) if behind else (box.end(), edges[at + 1])
        if sentence[first:last].strip(" .,;"):
            yield Part(((first, last),), answer)


def _stands_alone(sentence: str, box: re.Match[str]) -> bool:
    """Whether a box is one: "(x)" within a word or behind a measure ("3 (x) 4") is none."""
    before = sentence[box.start() - 1 : box.start()]
    return (not before or before.isspace() or before in ",;:") and not sentence[: box.start()].rstrip()[-1:].isdigit()


def _marked(sentence: str, begin: int) -> Iterator[Part]:
    """ "Effusion (+) right, edema (-)": the sign behind a thing tells; what follows up to a comma describes it."""
    marks = [mark for mark in _MARKED.finditer(sentence, begin) if sentence[begin : mark.start()].strip()]
    at = begin
    for mark, following in zip_longest(marks, marks[1:]):
        answer: Assertion = "present"
        if mark["no"] or mark["behind"] in ("-", "\u2212"):
            answer = "absent"
        elif mark["perhaps"]:
            answer = "uncertain"
        end = following.start() if following else len(sentence)
        stop = next((i for i in range(mark.end(), end) if sentence[i] in ",;."), mark.end() if following else end)
        yield Part(((at, mark.start()), (mark.end(), stop)), answer)
        at = stop
    if marks and sentence[at:].strip(" .,;"):
        yield Part(((at, len(sentence)),), None)


def _labelled(sentence: str, begin: int) -> Iterator[Part]:
    at = begin
    answers = [(found, _label(sentence, at, found.start())) for found in _ANSWERED.finditer(sentence, begin)]
    answers = [(found, label) for found, label in answers if _is_label(sentence[slice(*label)], found)]
    for (found, label), following in zip_longest(answers, answers[1:]):
        if sentence[at : label[0]].strip(" .,;"):
            yield Part(((at, label[0]),), None)
        end = following[1][0] if following else len(sentence)
        rest = _FIRST_OF_REST.match(sentence, found.end())
        first = rest.end() if rest else found.end()
        if found.lastgroup in _DENYING:
            yield Part((label,), "absent")
            if first < end:
                yield Part(((first, end),), None)
        else:
            yield Part((label, (first, end)) if first < end else (label,), "present")
        at = end


def _is_label(label: str, found: re.Match[str]) -> bool:
    """Whether what stands before an answer can be answered: words, or a thing where the sign alone tells no form."""
    if found.lastgroup in _WANT_A_THING:
        return bool(found_in(label.strip().lower())) and not _SAID.search(label)
    return re.search(r"[^\W\d_]", label) is not None


_SAID = re.compile(r"\b(?:no|not|is|are|was|were|has|have|may|there)\b", re.I)


def _label(sentence: str, begin: int, end: int) -> Span:
    """The label before an answer: from the sign before it on, or after its last comma, if a thing stands there."""
    start = max((mark.end() for mark in _BEFORE_LABEL.finditer(sentence, begin, end)), default=begin)
    comma = sentence.rfind(",", start, end)
    return (comma + 1 if comma >= 0 and found_in(sentence[comma + 1 : end].lower()) else start), end
