"""Free report text cut into sections by its headings.

Only known headings count: a report is full of lines like "Heart: normal" that head nothing. A heading stands
at the beginning of a line with a colon after it ("Findings:"), alone on its line in capitals ("IMPRESSION"),
or in capitals with a colon after a sentence ("... normal. IMPRESSION: ...").
"""

from __future__ import annotations

import re

from ingest.report import Section

HEADINGS = {
    "findings": ("findings", "finding", "report", "description", "interpretation", "chest findings", "observations"),
    "impression": (
        "impression",
        "impressions",
        "imp",
        "conclusion",
        "conclusions",
        "opinion",
        "summary",
        "assessment",
        "diagnosis",
        "wet read",
    ),
    "findings and impression": ("findings and impression", "findings/impression", "findings / impression"),
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
        "symptoms",
    ),
    "comparison": ("comparison", "comparisons", "comparison exam", "comparison study", "prior studies"),
    "technique": ("technique", "procedure", "views", "number of views"),
    "examination": ("examination", "exam", "study", "type of examination", "exam type"),
    "recommendation": ("recommendation", "recommendations", "recommendation(s)", "advice"),
    "notification": ("notification", "notifications", "critical result", "communication"),
    "addendum": ("addendum",),
    "header": ("final report", "preliminary report", "final addendum"),
    "signature": ("signed by", "dictated by", "reported by", "approved by", "electronically signed by", "attending"),
}
"""The sections by name, and the headings that begin each."""

_NAMES = {heading: name for name, headings in HEADINGS.items() for heading in headings}


def _any(headings: list[str]) -> str:
    words = (r"[ \t]+".join(map(re.escape, heading.split())) for heading in sorted(headings, key=len, reverse=True))
    return "|".join(words)


_LOWER, _UPPER = _any(list(_NAMES)), _any([heading.upper() for heading in _NAMES])
_HEADING = re.compile(
    rf"(?:^[ \t]*(?P<line>(?i:{_LOWER}))[ \t]*:)"
    rf"|(?:^[ \t]*(?P<alone>{_UPPER})[ \t]*$)"
    rf"|(?:(?<=[.:;)])[ \t]+(?P<inline>{_UPPER})[ \t]*:)",
    re.MULTILINE,
)

_SHORT = frozenset(["indication", "comparison", "technique", "examination"])
"""Sections of a line or two: after a blank line, other text begins."""

_TEXT, _BLANK_LINE = re.compile(r"\S"), re.compile(r"\n[ \t]*\n")

BODY = "body"
"""The name of text under no heading."""


def split_sections(text: str) -> tuple[Section, ...]:
    """The sections of a report, in order; each text is an exact slice of `text`.

    Text before the first heading is the section "body". Where a name comes twice (an addendum), the second is
    "findings#2", so that a span always says which text it counts in.
    """
    cuts = [(0, 0, BODY)]
    for match in _HEADING.finditer(text):
        cuts += [*_resumed_body(text, cuts[-1], match.start()), (match.start(), match.end(), _name(match))]
    cuts += _resumed_body(text, cuts[-1], len(text))
    ends = [start for start, _, _ in cuts[1:]] + [len(text)]
    sections: list[Section] = []
    met: dict[str, int] = {}
    for (_, start, name), end in zip(cuts, ends, strict=True):
        if not text[start:end].strip():
            continue
        met[name] = met.get(name, 0) + 1
        sections.append(Section(name if met[name] == 1 else f"{name}#{met[name]}", text[start:end]))
    return tuple(sections)


def _resumed_body(text: str, cut: tuple[int, int, str], end: int) -> list[tuple[int, int, str]]:
    """The body that goes on under a short section: "REASON FOR EXAM: cough", a blank line, then what was seen."""
    _, start, name = cut
    if name not in _SHORT or not (first := _TEXT.search(text, start, end)):
        return []
    blank = _BLANK_LINE.search(text, first.end(), end)
    return [(blank.start(), blank.end(), BODY)] if blank and _TEXT.search(text, blank.end(), end) else []


def _name(match: re.Match[str]) -> str:
    heading = match["line"] or match["alone"] or match["inline"]
    name = _NAMES[re.sub(r"[ \t]+", " ", heading).lower()]
    # What follows a mere title ("FINAL REPORT") is under no heading yet.
    return {"header": BODY, "findings and impression": "findings"}.get(name, name)
