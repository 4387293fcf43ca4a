"""The report of a phantom study: what is true of it in varied wording, and a record of what was said.

Reports are as reports are: now and then one hedges, or leaves a finding out; many normal ones are word for word alike.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ingest.demo import phrases
from ingest.demo.study import Planted, Study

STYLES = {"harbor": "prose", "hill": "template", "valley": "terse"}
"""How the sites write: in prose, in a numbered list, or in lines of capitals."""

STANDARD = 0.44
"""The share of normal studies that get the standard report: about 12% of all reports."""

LEFT_OUT = 0.13
"""The share of studies with something small to say that leave one of it out: about 8% of all reports."""

HEDGED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportText:
    """One made-up report as the columns of a table."""

    report_id: str
    study_id: str
    patient_id: str
    site: str
    indication: str
    findings: str
    impression: str


@dataclass(frozen=True, slots=True)
class Said:
    """One statement of a report: of which finding or device, how it is meant, and on which side."""

    finding: str
    assertion: Literal["present", "absent", "uncertain"]
    side: str = ""


@dataclass(frozen=True, slots=True)
class PhantomReport:
    """A report, what it says, and the finding or device that it leaves out."""

    report: ReportText
    said: tuple[Said, ...]
    left_out: str = ""


def write_report(study: Study) -> PhantomReport:
    """The report of a study: the same study always has the same."""
    draw = random.Random(f"report {study.seed} {study.number}")
    left_out = _left_out(draw, study)
    found = study.without(left_out).planted
    style = STYLES[study.site]
    if not study.planted and draw.random() < STANDARD:
        findings, impression, style = phrases.STANDARD_FINDINGS, phrases.STANDARD_IMPRESSION, "prose"
        said = [Said("pleural effusion", "absent"), Said("pneumothorax", "absent")]
    else:
        findings, said = _findings(draw, study, found)
        impression, summed_up = _impression(draw, said)
        said += summed_up
    report = ReportText(
        report_id=f"PR{study.number:07d}",
        study_id=study.study_id,
        patient_id=study.patient_id,
        site=study.site,
        indication=draw.choice(phrases.INDICATIONS),
        findings=_written(findings, style),
        impression=_written(impression, style),
    )
    return PhantomReport(report, tuple(said), left_out)


def _left_out(draw: random.Random, study: Study) -> str:
    """The finding or device that goes unmentioned, if any; what is large is always told."""
    minor = [one.name for one in study.planted if one.size != "large"]
    return draw.choice(minor) if minor and draw.random() < LEFT_OUT else ""


def _findings(draw: random.Random, study: Study, told: Sequence[Planted]) -> tuple[list[str], list[Said]]:
    there = {one.name for one in study.planted}
    organs = draw.sample(list(phrases.NORMAL), k=2)
    sentences = [
        draw.choice(phrases.NORMAL[organ].wordings) for organ in organs if not there & phrases.NORMAL[organ].unless
    ]
    said: list[Said] = []
    for group in _grouped(told):
        sentence, statement = _affirmed(draw, group)
        sentences.append(sentence)
        said.append(statement)
    sentence, denied = _denied(draw, there)
    sentences.append(sentence)
    draw.shuffle(sentences)
    return sentences, [*said, *denied]


def _grouped(told: Sequence[Planted]) -> list[list[Planted]]:
    """What is told in one sentence: two effusions of one size are one bilateral finding."""
    groups: list[list[Planted]] = []
    for one in told:
        if groups and (groups[-1][0].name, groups[-1][0].size) == (one.name, one.size):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _affirmed(draw: random.Random, group: Sequence[Planted]) -> tuple[str, Said]:
    one = group[0]
    side = "bilateral" if len(group) > 1 else one.side or ""
    if one.name in ("chest tube", "pacemaker"):
        wordings = phrases.TUBES if one.name == "chest tube" else phrases.PACEMAKERS
        return draw.choice(wordings).format(side=side), Said(one.name, "present", side)
    named = _named(draw, one, side)
    if named.startswith("the heart is"):
        return named, Said(one.name, "present")
    if one.size != "large" and draw.random() < HEDGED:
        return draw.choice(phrases.UNSURE).format(named), Said(one.name, "uncertain", side)
    sentence = draw.choice(phrases.SEVERAL if len(group) > 1 else phrases.ONE).format(named)
    means = phrases.MEANS.get(one.name)
    meant = f", {draw.choice(phrases.HEDGES)} {draw.choice(means)}" if means and draw.random() < 0.3 else ""
    return sentence + (meant or draw.choice(phrases.COMPARISONS)), Said(one.name, "present", side)


def _named(draw: random.Random, one: Planted, side: str) -> str:
    """A finding with its size, side and place."""
    if one.name == "cardiomegaly":
        return draw.choice(phrases.HEARTS).format(grade=draw.choice(phrases.GRADES[one.size]))
    if one.zone:
        millimetres = round(9 + 9 * one.extent)
        name = draw.choice(phrases.OPACITIES if one.name == "opacity" else phrases.NODULES)
        name = name.format(mm=millimetres, cm=millimetres / 10)
        return draw.choice(phrases.PLACED).format(name=name, side=side, place=draw.choice(phrases.PLACES[one.zone]))
    name = draw.choice(phrases.EFFUSIONS if one.name == "pleural effusion" else phrases.PNEUMOTHORACES)
    size = draw.choice(phrases.SIZE_WORDS[one.size])
    if side == "bilateral":
        return f"{size} bilateral {name}s"
    return draw.choice(phrases.SIDED).format(size=size, side=side, name=name)


def _denied(draw: random.Random, there: set[str]) -> tuple[str, list[Said]]:
    """A denial of two or three things that are not there; effusion and pneumothorax come up most."""
    absent = [name for name in phrases.DENIED_AS if name not in there]
    weighed = sorted(absent, key=lambda name: draw.random() * (0.5 if name.startswith("p") else 1))
    named = [(draw.choice(phrases.DENIED_AS[name]), name) for name in weighed[: draw.choice((1, 2, 2))]]
    others = [name for name, unless in phrases.ALSO_DENIED.items() if not there & unless]
    listed = [wording for wording, _ in named] + draw.sample(others, k=draw.choice((0, 1, 1)) if named else 1)
    draw.shuffle(listed)
    joined = f"{', '.join(listed[:-1])} or {listed[-1]}" if len(listed) > 1 else listed[0]
    forms = [form for form in phrases.DENIALS if not form.startswith("The lungs")]
    return draw.choice(forms).format(joined), [Said(name, "absent") for _, name in named]


def _impression(draw: random.Random, said: Sequence[Said]) -> tuple[list[str], list[Said]]:
    """The findings once more, as sure as they were but without size; a normal summary if there is none."""
    found = [one for one in said if one.assertion != "absent" and one.finding in phrases.DENIED_AS][:3]
    if not found:
        return [draw.choice(phrases.SUMMARIES)], []
    sentences = []
    for one in found:
        named = f"{one.side} {one.finding}{'s' if one.side == 'bilateral' else ''}".strip()
        sentences.append(f"possible {named}" if one.assertion == "uncertain" else named)
    return [*sentences, *(["no other acute abnormality"] if draw.random() < 0.3 else [])], found


def _written(sentences: list[str], style: str) -> str:
    """The sentences in a style: prose, one capital line each, or a numbered list."""
    if style == "terse":
        return "\n".join(f"{sentence.upper()}." for sentence in sentences)
    capital = [sentence[0].upper() + sentence[1:] for sentence in sentences]
    if style == "template":
        return "\n".join(f"{number}. {sentence}." for number, sentence in enumerate(capital, start=1))
    return " ".join(f"{sentence}." for sentence in capital)
