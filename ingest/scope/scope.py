"""Whether a report is of a chest radiograph or a chest CT: the one place that decides.

What the source says of the examination beside the report comes first: its kind of picture, then the procedure, which
says more than a part of the body. Where they leave it open, the report's own title decides. The indication and the
findings never do: the ankle of a man with chest pain is no chest. A report that says nothing of itself is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest.report import Report, Section
from ingest.scope.words import CT, RADIOGRAPH, Wording, is_name, read_codes, read_words

SCOPES = ("chest", "all")
"""What may be asked for: chest radiographs and chest CT, or whatever there is."""

NEVER_BESIDE = frozenset(["PET", "nuclear medicine"])
"""Kinds of pictures that a CT taken along with them does not make a chest CT."""

TITLE_LENGTH = 120
ELSEWHERE = ("abdomen", "pelvis", "head", "neck", "arm", "leg")
"""Parts that a chest examination does not speak of by themselves; heart, ribs and spine are in its pictures."""


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
    return _by_title(report)


def _other_pictures(wording: Wording, taken: frozenset[str]) -> str | None:
    """The pictures that are not asked for, if there are no others or they are never beside others."""
    # "ANGIOGRAM CHEST" says how the contrast runs, where a column says that it is CT.
    other = wording.other - {"angiography"} if CT in wording.taken | taken else wording.other
    return ", ".join(sorted(other)) if other and (not wording.taken or other & NEVER_BESIDE) else None


def _of_region(why: str, wording: Wording) -> Verdict | None:
    if wording.chest:
        return Verdict(mixed=bool(wording.regions))
    return Verdict(why, ", ".join(wording.regions)) if wording.regions else None


def _by_title(report: Report) -> Verdict:
    """What the report's own title says, where its source leaves it open."""
    for title, how in _titles(report.sections):
        wording = read_words((title,))
        if other := _other_pictures(wording, frozenset()):
            return Verdict("title", other)
        # Of a technique an intervention is not told: "after insertion of a needle" may speak of the contrast.
        if wording.acts and not how and RADIOGRAPH not in wording.taken:
            return Verdict("title", "intervention")
        if verdict := _of_region("title", wording):
            return verdict
    if read_words(filter(is_name, report.exam.procedure)).unknown:
        return Verdict("procedure", "of no part of the body that is known")
    return Verdict()


def _titles(sections: Sequence[Section]) -> Iterator[tuple[str, bool]]:
    """What a report says that it is: the section of the examination, a title of its text, and how it was done."""
    by_name = {section.name: section.text for section in reversed(sections)}
    if "examination" in by_name:
        yield " ".join(by_name["examination"].split())[:TITLE_LENGTH], False
    texts = dict.fromkeys([section.text for section in sections[:1] if section.name == "findings"])
    texts |= dict.fromkeys([by_name.get("body", "")])
    whole = "".join(section.text for section in sections)
    yield from ((line, False) for text in texts if (line := _title_line(text, whole)))
    if "technique" in by_name:
        yield re.split(r"\.(?:\s|$)", " ".join(by_name["technique"].split()))[0][:TITLE_LENGTH], True


def _title_line(text: str, whole: str) -> str | None:
    """The first line of a text, if it is a title: it stands alone and has only words of the table.

    It names a kind of picture ("CT Abdomen and Pelvis"), or stands out in capitals and names what no chest examination
    would speak of first ("LEFT ANKLE"); "HEART" may head a line of findings.
    """
    line, _, rest = text.strip().partition("\n")
    line = line.strip()
    alone = bool(rest.strip()) or len(text) < len(whole)
    if not line or not alone or len(line) > TITLE_LENGTH or line.endswith("."):
        return None
    wording = read_words((line,))
    if wording.unknown:
        return None
    stands_out = line.isupper() and not whole.isupper() and bool({*ELSEWHERE} & {*wording.regions})
    return line if wording.taken or wording.other or stands_out else None
