"""Whether a report is of a chest radiograph or a chest CT: the one place that decides.

What the source says of the examination beside the report comes first: its kind of picture, then the procedure, which
says more than a part of the body. Where they leave it open, the report's own title decides. The indication and the
findings never do: the ankle of a man with chest pain is no chest. A report that says nothing of itself is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from ingest.report import Report, Section
from ingest.scope.words import CT, RADIOGRAPH, Wording, read_codes, read_words

SCOPES = ("chest", "all")
"""What may be asked for: chest radiographs and chest CT, or whatever there is."""

NEVER_BESIDE = frozenset(["PET", "nuclear medicine"])
"""Kinds of pictures that a CT taken along with them does not make a chest CT."""

TITLE_LENGTH = 120
_TITLED = ("examination", "technique")
_OBSERVED = ("findings", "impression", "body")
_COMPARES = re.compile(r"(?i)\s*(?:compar|in comparison|as compared|prior|previous|since|history|indication|reason)")


class Verdict(NamedTuple):
    """Whether a report is taken (`why` None), else why not; `mixed` where other parts of the body were taken along."""

    why: str | None = None
    what: str = ""
    mixed: bool = False


def judge_exam(report: Report) -> Verdict:
    """Whether a report is of a chest radiograph or a chest CT."""
    codes, procedure = read_codes(report.exam.modality), read_words(report.exam.procedure)
    if other := _other_pictures(codes, frozenset()):
        return Verdict("modality", other)
    if other := _other_pictures(procedure, codes.taken):
        return Verdict("procedure", other)
    if procedure.acts and RADIOGRAPH not in codes.taken | procedure.taken:
        return Verdict("procedure", "intervention")
    for why, wording in (("procedure", procedure), ("body part", read_words(report.exam.body_part))):
        if verdict := _of_region(why, wording):
            return verdict
    return _by_title(report, procedure)


def _other_pictures(wording: Wording, taken: frozenset[str]) -> str | None:
    """The pictures that are not asked for, if there are no others or they are never beside others."""
    # "ANGIOGRAM CHEST" says how the contrast runs, where a column says that it is CT.
    other = wording.other - {"angiography"} if CT in wording.taken | taken else wording.other
    return ", ".join(sorted(other)) if other and (not wording.taken or other & NEVER_BESIDE) else None


def _of_region(why: str, wording: Wording) -> Verdict | None:
    if wording.chest:
        return Verdict(mixed=bool(wording.regions))
    return Verdict(why, ", ".join(wording.regions)) if wording.regions else None


def _by_title(report: Report, procedure: Wording) -> Verdict:
    """What the report's own title says, where its source leaves it open."""
    for title in _titles(report.sections):
        wording = read_words((title,))
        if other := _other_pictures(wording, frozenset()):
            return Verdict("title", other)
        if verdict := _of_region("title", wording):
            return verdict
    if procedure.unknown:
        return Verdict("procedure", "of no part of the body that is known")
    return Verdict()


def _titles(sections: Iterable[Section]) -> list[str]:
    """What a report says that it is: the section of the examination, else its first line, else the technique."""
    named = {name: next((s for s in sections if s.name == name), None) for name in _TITLED}
    first = next(iter(sections), None)
    titles = []
    if examination := named["examination"]:
        titles.append(" ".join(examination.text.split())[:TITLE_LENGTH])
    if first is not None and first.name in _OBSERVED and (line := _title_line(first.text)):
        titles.append(line)
    if technique := named["technique"]:
        titles.append(re.split(r"\.(?:\s|$)", " ".join(technique.text.split()))[0][:TITLE_LENGTH])
    return titles


def _title_line(text: str) -> str | None:
    """The first line of a text, if it is a title: it stands alone, is no sentence and names a kind of picture."""
    line, _, rest = text.strip().partition("\n")
    line = line.strip()
    if not line or not rest.strip() or len(line) > TITLE_LENGTH or line.endswith(".") or _COMPARES.match(line):
        return None
    wording = read_words((line,))
    return line if wording.taken or wording.other or line.isupper() else None
