"""Where sentences begin and end in the text of a section."""

from __future__ import annotations

import re

from kb.language.grammar.plain import plain_text
from kb.language.grammar.tokens import Span

_ANSWER = r"(?:yes|no|y|n|neg(?:ative)?|pos(?:itive)?|nil|none|absent|present)"
_GRADE = r"(?:trace|tiny|minimal|mild|small|moderate|large|severe)"
_CANDIDATE = re.compile(
    r"[.!?;|\n\u2022\u25aa\u25cf]|[ ](?=(?:The|There|No|Lungs|Heart|Please|Recommend(?:ed)?|Suggest|Consider|Follow"
    r"|Clinical|Correlat(?:e|ion)|Further|Repeat|Advise) [a-z])(?<=[a-z] )"
)
"""Where a sentence may end: the fewer ways a letter has to begin one, the faster most letters are passed by."""
_CANDIDATE_OR_ITEM = re.compile(
    rf"{_CANDIDATE.pattern}|(?=(?<![\w(])(?:\(?(?:[a-h1-9]|i{{1,3}}|iv|v)\)|#[1-9]:?|[1-9]-(?=\s))\s?[A-Za-z])"
)
_MAY_HAVE_ITEMS = re.compile(r"[)#]|\d-\s")
_STOP = re.compile(
    rf"[.!;]+[\"')\]]*(?=\s|$|\?)|(?<=\w)\?+(?=\s+[A-Z(]|\s*$)"
    rf"(?!\s+(?:{_ANSWER}\b\s*(?:[.,;]|$)|{_GRADE}\b))",
    re.IGNORECASE,
)
_NO_SPACE = re.compile(r"\.(?=[A-Z][a-z]|[A-Z]{2}|\d{1,2}\.\s*[A-Z])")
"""A full stop right before the next sentence: "clear.No effusion", "disease.2.Right opacity"."""
_NEW_LINE = re.compile(
    r"\n[ \t]*\n"  # a blank line
    r"|\n(?=[ \t]*(?:[-*\u2022\u2013>]|\d{1,2}[.)]|\(?[a-h]\))[ \t]*[^\W\d_])"  # a new item of a list
    r"|\n(?=[ \t]*[A-Za-z][A-Za-z ,/()-]{2,40}:[ \t]*\S)"  # a new line of a template
    r"|\n(?=[ \t]*(?:[\[(][ xX?]?[\])]|[\u2610-\u2612]))"  # a box that is ticked or not
)
_GOES_ON = re.compile(
    r"(?:[,(/-]|\b(?:a|an|the|and|or|nor|but|of|in|on|at|to|for|from|with|without|within|by|as|is|are|was|were|be|been"
    r"|has|have|had|no|not|may|might|could|can|which|that|than|this|these|its|small|mild|moderate|large|left|right"
    r"|upper|lower|middle|there|evidence|due|possible|likely|probable|above|below|into|over))\s*$",
    re.I,
)
"""The end of a line whose sentence goes on in the next."""
_FOLLOWS_ON = re.compile(
    r"\s*(?:and|or|nor|of|in|on|at|to|for|with|within|which|that|by|is|are|was|were|has|have|than)\b"
)
_BEGINS_ANEW = re.compile(r"\s*(?:The|There|No|A|An|This|These)\b")
_CAPITAL_WORD = re.compile(r"\s*[A-Z][a-z]")
_WRAPPED_AT = 44
"""The shortest width at which text is taken to be wrapped."""
_ABBREVIATED = re.compile(
    r"(?:\b(?:dr|mr|mrs|ms|prof|(?<![:?] )no|approx|st|fig|vs|etc|lt|rt|bilat)|(?<![:?] )(?<!['\u2019])\b[A-Z])$", re.I
)
_NUMBER_OF_ITEM = re.compile(r"\s*\(?\d{1,2}$")
_ITEM_IN_LINE = re.compile(r"(?<=[a-z])[ ]\d{1,2}$")
_LIST_MARK = re.compile(
    r"[\s\-*\u2022\u25aa\u25cf\u2013>#]*(?:\(?\d{1,2}(?:[.)](?!\d)|-(?=\s)|\s(?=[A-Z]))\s*|\(?(?:[a-h]|i{1,3}|iv|v)\)\s*|\d:\s+)?"
)
_ITEM_MARK = re.compile(r"(?P<sign>[(#]?)(?P<number>i{1,3}|iv|v|[a-h1-9])(?P<close>[)-]?)")
_ROMAN = ("", "i", "ii", "iii", "iv", "v")
_LONGEST_ITEM = 2_000
_WORD = re.compile(r"\w")

LONGEST_SENTENCE = 8_000
"""Letters of a sentence: what is longer is none, and is read in pieces, for the grammar takes long over it."""


def split_sentences(text: str) -> list[Span]:
    """The sentences of a section as spans of `text`, without list numbers, bullets and outer blanks.

    A line that is wrapped in the middle of a sentence does not end it: it is as full as the text is wide, or its last
    word wants another. Any other line end does, as a blank line, a list item or a line of a template ("Heart: normal").
    """
    text = plain_text(text)
    width = max(map(len, text.split("\n"))) if "\n" in text else 0
    candidates = _CANDIDATE_OR_ITEM if _MAY_HAVE_ITEMS.search(text) else _CANDIDATE
    spans: list[Span] = []
    start = at = 0
    while candidate := candidates.search(text, at):
        at = max(candidate.end(), at + 1)
        if (end_and_next := _break(text, start, candidate.start(), width)) is not None:
            spans.append((start, end_and_next[0]))
            start = end_and_next[1]
            at = max(start, at)
    spans.append((start, len(text)))
    pieces = (
        (at, min(at + LONGEST_SENTENCE, end)) for start, end in spans for at in range(start, end, LONGEST_SENTENCE)
    )
    return [trimmed for span in pieces if (trimmed := _trim(text, span))]


def _break(text: str, start: int, stop: int, width: int) -> tuple[int, int] | None:
    """Where the sentence that began at `start` ends and the next begins, if the mark at `stop` parts them."""
    if stop == len(text):
        return None
    if text[stop] == " ":  # "... granuloma The lungs are": the full stop was not said
        return stop, stop + 1
    if text[stop] in "|\u2022\u25aa\u25cf":  # a cell of a table, or the next of listed labels
        return stop, stop + 1
    if text[stop] in "(#abcdefghiv123456789":
        return (stop, stop) if _is_item(text, start, stop) else None
    if text[stop] == "\n":
        line = _NEW_LINE.match(text, stop)
        return (stop, line.end()) if line else None if _is_wrapped(text, stop, width) else (stop, stop + 1)
    if text[stop] == ";" and text[stop + 1 : stop + 2].isalpha():
        return stop, stop + 1
    return _full_stop(text, start, stop)


def _full_stop(text: str, start: int, stop: int) -> tuple[int, int] | None:
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


def _is_item(text: str, start: int, stop: int) -> bool:
    """Whether the mark of a list item stands at `stop`, without a blank behind it or after other text ("2)No edema").

    One that numbers nothing ("3 (a) lesion") is none: the item before it must be there, or it is the first of all.
    """
    mark = _ITEM_MARK.match(text, stop)
    if mark is None or not text[start:stop].strip():
        return False
    number, close = mark["number"], mark["close"]
    before = _ROMAN[_ROMAN.index(number) - 1] if number in _ROMAN else chr(ord(number) - 1)
    sign = "#" if mark["sign"] == "#" else r"\(?"
    earlier = text[max(0, stop - _LONGEST_ITEM) : stop]
    return bool(before) and re.search(rf"(?:^|\s){sign}{re.escape(before + close)}", earlier) is not None


def _is_wrapped(text: str, stop: int, width: int) -> bool:
    """Whether the line that ends at `stop` was only too long to go on."""
    first = text.rfind("\n", 0, stop) + 1
    line = text[first:stop].rstrip()
    following = text[stop + 1 :].lstrip(" \t")
    if _BEGINS_ANEW.match(following):
        return False
    if _GOES_ON.search(line) or _FOLLOWS_ON.match(following):
        return True
    if width < _WRAPPED_AT or _CAPITAL_WORD.match(following):
        return False
    word = following.split(maxsplit=1)[0] if following.strip() else ""
    return len(line) + 1 + len(word) > width


def _trim(text: str, span: Span) -> Span | None:
    start, end = span
    match = _LIST_MARK.match(text, start, end)
    start = match.end() if match else start
    while end > start and (text[end - 1].isspace() or text[end - 2 : end] in ("..", " .")):
        end -= 1
    return (start, end) if _WORD.search(text, start, end) else None
