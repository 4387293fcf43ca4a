"""What the reports of an image's own study say of what it seems to show: agrees, contradicts, silent, or unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kb.language.wider_terms import wider_findings
from kb.vocabulary.study_statements import Statement

Verdict = Literal["agrees", "contradicts", "silent", "unsure"]

PAST = ("historical", "resolved")
"""What is told of the past says nothing of this image."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the study's own reports say of one finding, beside what the image seems to show.

    Attributes:
        verdict: agrees or contradicts; silent where no report speaks of the finding; unsure where a report hedges or
            says both, or the image shows neither clearly.
        why: the same in words; "" where there is nothing to add.
        statements: the mentions that it rests on.
    """

    verdict: Verdict
    why: str = ""
    statements: tuple[Statement, ...] = ()


def agreement(finding: str, shown: bool | None, side: str | None, statements: Sequence[Statement]) -> Agreement:
    """What a study's reports say of a finding.

    Args:
        finding: which. A report that affirms a narrower one affirms it; one that denies a wider one denies it.
        shown: whether the image shows it more than the mean image; None where it cannot be told.
        side: the side that the image shows it on; None where none stands out.
        statements: of the study's reports.
    """
    now = [one for one in statements if one.temporality not in PAST]
    there, denied, hedged = _sorted(finding, now)
    denied = [one for one in denied if not there or _is_of_the_same(one, finding, there)]
    told = (*there, *hedged, *denied)
    if not told:
        return Agreement("silent")
    if there and denied:
        return Agreement("unsure", "the report affirms and denies it", told)
    if hedged and not there and not denied:
        return Agreement("unsure", "the report is not sure", told)
    if shown is None:
        said = "has it" if there else "denies it"
        return Agreement("unsure", f"the report {said}, the image shows it neither more nor less", told)
    if shown != bool(there):
        said = "the report has it, the image does not show it" if there else "the report denies it"
        return Agreement("contradicts", said, told)
    sides = {one.laterality for one in there} - {"none"}
    if there and side in ("left", "right") and sides and sides.isdisjoint((side, "bilateral")):
        return Agreement("contradicts", f"the report says {' and '.join(sorted(sides))}", told)
    return Agreement("agrees", "", told)


def _is_of_the_same(denial: Statement, finding: str, there: Sequence[Statement]) -> bool:
    """Whether a denial is of what is affirmed: neither of something wider ("no acute abnormality") nor of a side."""
    sides = {one.laterality for one in there}
    elsewhere = denial.laterality != "none" and sides.isdisjoint((denial.laterality, "bilateral", "none"))
    return denial.finding == finding and not elsewhere


def _sorted(finding: str, statements: Sequence[Statement]) -> tuple[list[Statement], list[Statement], list[Statement]]:
    """The statements that affirm a finding, that deny it, and that hedge."""
    wider = wider_findings()
    same_or_narrower, same_or_wider = wider.below(finding), wider.above(finding)
    there, denied, hedged = [], [], []
    for one in statements:
        if one.assertion == "uncertain" and one.finding in same_or_narrower:
            hedged.append(one)
        elif one.assertion == "present" and not one.denied and one.finding in same_or_narrower:
            there.append(one)
        elif (one.assertion == "absent" or one.denied) and one.finding in same_or_wider and not _is_of_the_rest(one):
            denied.append(one)
    return there, denied, hedged


def _is_of_the_rest(denial: Statement) -> bool:
    """Whether a denial is of all but what the report tells elsewhere: "no other acute abnormality"."""
    return denial.text.casefold().split()[:1] == ["other"]
