"""Free report text cut into sections by its headings.

Only known headings count: a report is full of lines like "Heart: normal" that head nothing. A heading stands
- at the beginning of a line with a colon after it ("Findings:"; "History and findings:" is findings);
- alone on its line, beginning with a capital ("IMPRESSION", "Impression");
- in capitals with a colon after a sentence or a word in small letters ("... normal. IMPRESSION: ..."), as in
  exports that lost their line ends; and beginning with a capital, with a colon, where the text has such a heading at
  its beginning or after a full stop ("Indication: cough. Findings: Clear lungs.").

A heading misspelt by one letter counts where it has a colon, begins a line and is no other word ("FINDINS:").

So does a title of the views in capitals, alone on its line or with a colon: the findings of many reports have
no other heading than "PA AND LATERAL VIEWS OF THE CHEST:", and would pass for the comparison above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ingest.report import Section
from kb.language.grammar.plain import plain_text
from kb.language.lexicon import load_lexicon
from kb.language.spelling import one_slip_from

HEADINGS = {
    "findings": (
        "findings",
        "finding",
        "report",
        "description",
        "interpretation",
        "chest findings",
        "observations",
        "radiographic findings",
        "results",
    ),
    "impression": (
        "impression",
        "impressions",
        "impression and plan",
        "impression and recommendations",
        "imp",
        "conclusion",
        "conclusions",
        "opinion",
        "summary",
        "assessment",
        "diagnosis",
        "wet read",
    ),
    "indication": (
        "indication",
        "indications",
        "history",
        "clinical history",
        "clinical information",
        "clinical indication",
        "clinical data",
        "clinical details",
        "medical condition",
        "reason for exam",
        "reason for examination",
        "reason for study",
        "reason for this examination",
        "reason for the exam",
        "reason for the examination",
        "reason for the study",
        "clinical statement",
        "clinical question",
        "symptoms",
    ),
    "comparison": (
        "comparison",
        "comparisons",
        "comparison exam",
        "comparison study",
        "comparison studies",
        "prior studies",
    ),
    "technique": ("technique", "procedure", "views", "number of views"),
    "examination": ("examination", "exam", "study", "type of examination", "exam type"),
    "recommendation": ("recommendation", "recommendations", "recommendation(s)", "advice"),
    "notification": ("notification", "notifications", "critical result", "communication"),
    "addendum": ("addendum", "final addendum"),
    "body": ("final report", "preliminary report", "radiology report"),
    "signature": ("signed by", "dictated by", "reported by", "approved by", "electronically signed by", "attending"),
}
"""The sections by name, and the headings that begin each."""

_NAMES = {heading: name for name, headings in HEADINGS.items() for heading in headings}

BODY = "body"
"""The name of text under no heading, or under a mere title ("FINAL REPORT")."""

_OBSERVED = ("findings", "impression", "addendum", BODY)


def _any(headings: Iterable[str]) -> str:
    words = (r"[ \t]+".join(map(re.escape, heading.split())) for heading in sorted(headings, key=len, reverse=True))
    return "|".join(words)


_JOINT = r"[ \t]*(?:/|&|\band\b|\bAND\b)[ \t]*"
_LOWER, _UPPER = rf"(?i:{_any(_NAMES)})", rf"(?:{_any(heading.upper() for heading in _NAMES)})"
_REMARK = r"(?:[ \t]*\([^()\r\n]{0,40}\))?"
_START, _END = r"(?:\A|(?<=[\r\n]))[ \t]*", r"[ \t]*(?=[\r\n]|\Z)"
_VIEW = (
    r"(?:AP|PA|CHEST|CXR|PORTABLE|BEDSIDE|SUPINE|UPRIGHT|ERECT|SEMI|FRONTAL|LATERAL|DECUBITUS|LEFT|RIGHT|SINGLE|ONE"
    r"|TWO|THREE|VIEWS?|RADIOGRAPHS?|X-?RAYS?|FILMS?|EXAMINATION|STUDY|OF|THE|AND|WITH|AT|ON|DATED|HOURS|[AP]\.?M\.?"
    r"|[\d_:/.\[\]*]+)"
)
_HEADING = re.compile(
    rf"{_START}(?:\*\*|\#+[ \t]+)?(?=[A-Za-z])(?P<line>{_LOWER}(?:{_JOINT}{_LOWER})?){_REMARK}(?:\*\*)?"
    rf"(?:[ \t]*(?P<colon>:)(?:\*\*)?|{_END})"
    rf"|(?:(?<=[.:;)!?,_a-z0-9])\s+|(?<=[ \t][ \t]))(?=[A-Z]{{3}})(?P<inline>{_UPPER}(?:{_JOINT}{_UPPER})?){_REMARK}"
    rf"[ \t]*:"
    rf"|{_START}(?P<title>(?=[A-Z0-9]){_VIEW}(?:[ \t,;()&-]+{_VIEW})*[ \t)]*)(?::|{_END})"
)
_CAPITAL_INLINE = re.compile(
    rf"(?:(?<=[.;!?])\s+|(?<=[^\s.:;,])[ \t]+)(?=[A-Z][a-z])(?P<heading>{_LOWER}(?:{_JOINT}{_LOWER})?)[ \t]*:(?=\s*\S)"
)
_OPENS_SENTENCE = re.compile(r"(?:\A|[.;!?\r\n])\s*\Z")
_MISSPELT = re.compile(rf"{_START}(?P<word>[A-Za-z]{{6,16}})[ \t]*:")
_IMAGE = re.compile(r"CHEST|CXR|RADIOGRAPH|VIEW|RAY|FILM")

_SHORT = frozenset(["indication", "comparison", "technique", "examination"])
"""Sections of a line or two: after a blank line, other text begins."""

_TEXT, _BLANK_LINE = re.compile(r"\S"), re.compile(r"\n[ \t]*\r?\n")


class SectionSpan(NamedTuple):
    """Where a section stands: its heading is `text[heading:start]`, its text `text[start:end]`."""

    name: str
    heading: int
    start: int
    end: int


def split_sections(text: str) -> tuple[Section, ...]:
    """The sections of a report, in order; each text is an exact slice of `text`, and none is blank.

    Text under no heading is the section "body". Where a name comes twice (an addendum), the second is
    "findings#2", so that a span always says which text it counts in.
    """
    spans = [span for span in section_spans(text) if text[span.start : span.end].strip()]
    names = number_repeats([span.name for span in spans])
    return tuple(Section(name, text[span.start : span.end]) for name, span in zip(names, spans, strict=True))


def section_spans(text: str) -> list[SectionSpan]:
    """Every section, blank ones too: headings and texts cover `text` from end to end."""
    cuts = [(BODY, 0, 0)]
    for heading in _headings(text):
        cuts += [*_resumed_body(text, cuts[-1], heading[1]), heading]
    cuts += _resumed_body(text, cuts[-1], len(text))
    ends = [heading for _, heading, _ in cuts[1:]] + [len(text)]
    return [SectionSpan(*cut, end) for cut, end in zip(cuts, ends, strict=True)]


def _resumed_body(text: str, cut: tuple[str, int, int], end: int) -> list[tuple[str, int, int]]:
    """The body that goes on under a short section: "REASON FOR EXAM: cough", a blank line, then what was seen."""
    name, _, start = cut
    if name not in _SHORT or not (first := _TEXT.search(text, start, end)):
        return []
    blank = _BLANK_LINE.search(text, first.end(), end)
    return [(BODY, blank.start(), blank.end())] if blank and _TEXT.search(text, blank.end(), end) else []


def number_repeats(names: Sequence[str]) -> list[str]:
    """The names with a number at each that came before: "findings", "findings#2"."""
    met: dict[str, int] = {}
    numbered = []
    for name in names:
        met[name] = met.get(name, 0) + 1
        numbered.append(name if met[name] == 1 else f"{name}#{met[name]}")
    return numbered


def section_name(heading: str) -> str:
    """The name of the section under `heading`; of two joined, the one that tells what the image shows."""
    plain = " ".join(heading.lower().split())
    if plain in _NAMES:
        return _NAMES[plain]
    for joint in re.finditer(_JOINT, plain):
        names = [_NAMES.get(part) for part in (plain[: joint.start()], plain[joint.end() :])]
        if None not in names:
            return next((name for name in names if name in _OBSERVED), names[0]) or plain
    return plain


def _headings(text: str) -> Iterator[tuple[str, int, int]]:
    """Each heading's section, where it begins and where it ends."""
    plain = plain_text(text)
    found = [*_said_headings(plain), *_inline_headings(plain), *_misspelt_headings(plain)]
    end = 0
    for name, begin, last in sorted(found, key=lambda one: (one[1], -one[2])):
        if begin >= end:
            yield name, begin, last
            end = last


def _inline_headings(text: str) -> Iterator[tuple[str, int, int]]:
    """Headings in title case within a line, of a text that writes its headings so."""
    matches = list(_CAPITAL_INLINE.finditer(text))
    if not matches:
        return
    starts_so = re.match(rf"\s*(?:{_LOWER})[ \t]*:", text) is not None
    for match in matches:
        after_stop = _OPENS_SENTENCE.search(text, 0, match.start("heading")) is not None
        name = section_name(match["heading"])
        if (after_stop or starts_so) and (name in _WITHIN_A_LINE):
            yield name, match.start("heading"), match.end()


_WITHIN_A_LINE = frozenset(
    ["findings", "impression", "indication", "comparison", "technique", "examination", "recommendation", "addendum"]
)


def _misspelt_headings(text: str) -> Iterator[tuple[str, int, int]]:
    """Headings that lack a letter, have one too many, another one, or two exchanged."""
    for match in _MISSPELT.finditer(text):
        word = match["word"].lower()
        if word not in _NAMES and not load_lexicon().find(word) and load_lexicon().anatomy.exactly([word]) is None:
            meant = {_NAMES[near] for near in one_slip_from(word) if near in _NAMES and len(near) > 6}
            if len(meant) == 1:
                yield meant.pop(), match.start(), match.end()


def _said_headings(text: str) -> Iterator[tuple[str, int, int]]:
    """Headings at the beginning of a line, alone on it, or in capitals."""
    name, end = BODY, 0
    for match in _HEADING.finditer(text):
        heading = match["line"] or match["inline"]
        if heading is None:
            # Below "EXAMINATION:" a title is what the section says.
            if not _is_title(match["title"]) or (name != BODY and not text[end : match.start("title")].strip()):
                continue
            name = "findings"
        elif match["line"] and not match["colon"] and not heading[0].isupper():
            continue
        else:
            name = section_name(heading)
        begin, end = match.start("inline") if match["inline"] else match.start(), match.end()
        yield name, begin, end


def _is_title(text: str) -> bool:
    return text.isupper() and _IMAGE.search(text) is not None
