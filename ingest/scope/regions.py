"""Of an examination of chest and more, what is said under headings of the other parts: set aside, not mined.

"CT chest, abdomen and pelvis" has its liver under "ABDOMEN:" or "LIVER:". The text from such a heading to the next
one of the chest becomes a section of its own, named after the part. What stands under no heading of a part, as most
impressions do, stays where it is and is mined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ingest.report import Report, Section
from ingest.scope.scope import ELSEWHERE
from ingest.scope.words import read_words
from ingest.sources.sections import number_repeats

_OBSERVED = ("findings", "impression", "addendum", "body")
_HEADING = re.compile(
    r"(?:^|(?<=[.;)])[ \t]+)[ \t]*(?P<capitals>[A-Z][A-Z /,&()-]{2,50}):"
    r"|^[ \t]*(?:[*#-]+[ \t]*|\d+[.)][ \t]*)?(?P<mixed>[A-Z][A-Za-z /,&()-]{2,50}):"
    r"|^[ \t]*(?P<alone>[A-Z][A-Z /,&()-]{2,50})[ \t]*\r?$",
    re.MULTILINE,
)


def set_other_parts_aside(report: Report) -> Report:
    """The report with the text under headings of other parts in sections named after these."""
    cut = [piece for section in report.sections for piece in _pieces(section)]
    if [piece.name for piece in cut] == [_base(section) for section in report.sections]:
        return report
    names = number_repeats([piece.name for piece in cut])
    named = (Section(name, piece.text) for name, piece in zip(names, cut, strict=True))
    return replace(report, sections=tuple(named))


def _base(section: Section) -> str:
    return section.name.split("#")[0]


def _pieces(section: Section) -> Iterator[Section]:
    """The section cut where it goes on to another part of the body; together the pieces are its text."""
    name, text = _base(section), section.text
    if name not in _OBSERVED:
        yield Section(name, text)
        return
    start, part = 0, name
    for heading in _HEADING.finditer(text):
        named = next(group for group in ("capitals", "mixed", "alone") if heading[group])
        wording = read_words((heading[named],))
        others = [region for region in wording.regions if region in ELSEWHERE]
        if wording.chest or (wording.regions and not others):
            under = name
        elif others:
            under = others[0]
        else:
            continue
        if under != part:
            yield from _piece(part, text[start : heading.start(named)])
            start, part = heading.start(named), under
    yield from _piece(part, text[start:])


def _piece(name: str, text: str) -> Iterator[Section]:
    if text.strip():
        yield Section(name, text)
