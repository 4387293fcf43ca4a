"""Where sentences begin and end in the text of a section."""

from __future__ import annotations

import re

from kb.language.grammar.tokens import Span

_CANDIDATE = re.compile(r"[.!?;|\n]|(?<=[a-z]) (?=(?:The|There|No|Lungs|Heart) [a-z])")
_STOP = re.compile(r"[.!;]+[\"')\]]*(?=\s|$|\?)|(?<=\w)\?+(?=\s+[A-Z(]|\s*$)")
_NO_SPACE = re.compile(r"\.(?=[A-Z][a-z]|[A-Z]{2}|\d{1,2}\.\s*[A-Z])")
"""A full stop right before the next sentence: "clear.No effusion", "disease.2.Right opacity"."""
_NEW_LINE = re.compile(
    r"\n[ \t]*\n"  # a blank line
    r"|\n(?=[ \t]*(?:[-*•>]|\d{1,2}[.)])[ \t]+\S)"  # a new item of a list
    r"|\n(?=[ \t]*[A-Za-z][A-Za-z ,/()-]{2,40}:[ \t]*\S)"  # a new line of a template
    r"|\n(?=[ \t]*[\[(][ xX?][\])])"  # a box that is ticked or not
)
_ABBREVIATED = re.compile(r"(?:\b(?:dr|mr|mrs|ms|prof|no|approx|st|fig|vs|etc)|\b[A-Z])$", re.I)
_NUMBER_OF_ITEM = re.compile(r"\s*\(?\d{1,2}$")
_ITEM_IN_LINE = re.compile(r"(?<=[a-z])[ ]\d{1,2}$")
_LIST_MARK = re.compile(r"[\s\-*•>#]*(?:\(?\d{1,2}[.)](?!\d)\s*)?")
_WORD = re.compile(r"\w")


def split_sentences(text: str) -> list[Span]:
    """The sentences of a section as spans of `text`, without list numbers, bullets and outer blanks.

    Lines that are wrapped in the middle of a sentence do not end it; a blank line, a list item or a line of a
    template ("Heart: normal") does.
    """
    spans: list[Span] = []
    start = at = 0
    while candidate := _CANDIDATE.search(text, at):
        at = candidate.end()
        if (end_and_next := _break(text, start, candidate.start())) is not None:
            spans.append((start, end_and_next[0]))
            start = at = end_and_next[1]
    spans.append((start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, span))]


def _break(text: str, start: int, stop: int) -> tuple[int, int] | None:
    """Where the sentence that began at `start` ends and the next begins, if the mark at `stop` parts them."""
    if text[stop] == " ":  # "... granuloma The lungs are": the full stop was not said
        return stop, stop + 1
    if text[stop] == "|":  # a cell of a table, or the next of listed labels
        return stop, stop + 1
    if text[stop] == "\n":
        line = _NEW_LINE.match(text, stop)
        return (stop, line.end()) if line else None
    before = text[max(start, stop - 8) : stop]
    if (mark := _STOP.match(text, stop)) is None:
        word = before.rstrip()
        parts = word[-2:].isalpha() or word[-1:] in "])" or word != before  # "D.O.B" and "1.5" are no ends
        if (item := _ITEM_IN_LINE.search(before)) and text[stop + 1 : stop + 2].isupper():
            return stop - len(item.group()), stop + 1  # "1.No effusion 2.Cardiomegaly"
        mark = _NO_SPACE.match(text, stop) if parts and not _ABBREVIATED.search(word) else None
        return (mark.end(), mark.end()) if mark else None
    if text[stop] != ".":
        return mark.end(), mark.end()
    if _NUMBER_OF_ITEM.fullmatch(text, start, stop):
        return None  # "1. No effusion": the number of a list item
    if item := _ITEM_IN_LINE.search(before):
        return stop - len(item.group()), mark.end()  # "... normal 3. Lungs clear": a list in a line
    is_end = mark.end() == len(text) or not text[stop + 1 :].strip()
    if _ABBREVIATED.search(before) and not is_end and not before[-2:].isupper():
        return None  # "Dr. Smith", "J. Doe", but not "in the SVC. No ..."
    return mark.end(), mark.end()


def _trim(text: str, span: Span) -> Span | None:
    start, end = span
    match = _LIST_MARK.match(text, start, end)
    start = match.end() if match else start
    while end > start and (text[end - 1].isspace() or text[end - 2 : end] in ("..", " .")):
        end -= 1
    return (start, end) if _WORD.search(text, start, end) else None
