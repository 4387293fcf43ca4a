"""Synthetic chest X-ray reports: many sites, many wordings, no patient.

A study is drawn first (which findings, on which side, how large, denied or hedged), then written in the style of
its site. The phrases are in `synthetic_phrases.py`; the same seed always gives the same reports.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.demo.synthetic_phrases import (
    COMPARISONS,
    DENIALS,
    DENIED,
    DEVICES,
    FINDINGS,
    HEDGES,
    INDICATIONS,
    NORMAL,
    SIDES,
    SIZES,
    SUMMARIES,
    ZONES,
    FindingPhrases,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticReport:
    """One made-up report; `site` is the style it is written in."""

    report_id: str
    study_id: str
    patient_id: str
    site: str
    indication: str
    findings: str
    impression: str


SITES = ("prose", "terse", "template")


def synthetic_reports(count: int, seed: int = 0) -> Iterator[SyntheticReport]:
    """`count` reports of about a third as many patients; a site's patients stay at that site."""
    draw = random.Random(seed)
    for number in range(count):
        patient = draw.randrange(max(1, count // 3))
        yield _report(draw, number, patient, SITES[patient % len(SITES)])


def write_synthetic_csv(path: Path, count: int, seed: int = 0) -> None:
    """Write `count` reports as a CSV file, one row each."""
    names = list(SyntheticReport.__dataclass_fields__)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for report in synthetic_reports(count, seed):
            writer.writerow([getattr(report, name) for name in names])


def _report(draw: random.Random, number: int, patient: int, site: str) -> SyntheticReport:
    seen = draw.sample(FINDINGS, k=draw.choices((0, 1, 2, 3), (4, 4, 2, 1))[0])
    statements = [_affirmed(draw, finding) for finding in seen]
    names = {finding.name for finding in seen}
    denied = [name for name in draw.sample(DENIED, k=3) if name not in names]
    normal = [_normal(draw, organ) for organ in draw.sample(list(NORMAL), k=2) if not names & NORMAL[organ].unless]
    device = [draw.choice(DEVICES)] if draw.random() < 0.2 else []
    sentences = [*normal, *statements, *device, _denied(draw, denied)]
    draw.shuffle(sentences)
    return SyntheticReport(
        report_id=f"SYN{number:07d}",
        study_id=f"ST{number:07d}",
        patient_id=f"PT{patient:06d}",
        site=site,
        indication=draw.choice(INDICATIONS),
        findings=written(sentences, site),
        impression=written(_impression(draw, seen), site),
    )


def _affirmed(draw: random.Random, finding: FindingPhrases) -> str:
    name = draw.choice(finding.wordings)
    if finding.sized and draw.random() < 0.6:
        name = f"{draw.choice(SIZES)} {name}"
    if finding.sided and draw.random() < 0.8:
        side, zone = draw.choice(SIDES), draw.choice(ZONES)
        name = f"{name} in the {side} {zone}" if finding.placed and draw.random() < 0.5 else _with_side(name, side)
    verb = draw.choice(("There is {}", "{}", "{} is seen", "{} is noted", "{} is present"))
    hedge = f", {draw.choice(HEDGES)} {draw.choice(finding.means)}" if finding.means and draw.random() < 0.35 else ""
    return verb.format(name) + (hedge or draw.choice(COMPARISONS))


def _with_side(name: str, side: str) -> str:
    first, _, rest = name.partition(" ")
    return f"{first} {side} {rest}" if first in SIZES else f"{side} {name}"


def _denied(draw: random.Random, names: list[str]) -> str:
    listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else "".join(names or ["acute abnormality"])
    return draw.choice(DENIALS).format(listed)


def _normal(draw: random.Random, organ: str) -> str:
    return draw.choice(NORMAL[organ].wordings)


def _impression(draw: random.Random, seen: list[FindingPhrases]) -> list[str]:
    if not seen:
        return [draw.choice(SUMMARIES)]
    entries = [draw.choice(finding.wordings) for finding in seen[:2]]
    return entries if draw.random() < 0.7 else [*entries, "no other acute abnormality"]


def written(sentences: list[str], site: str) -> str:
    """The sentences in the style of a site: prose, one capital line each, or a numbered list."""
    if site == "terse":
        return "\n".join(f"{sentence.upper()}." for sentence in sentences)
    capital = [sentence[0].upper() + sentence[1:] for sentence in sentences]
    if site == "template":
        return "\n".join(f"{number}. {sentence}." for number, sentence in enumerate(capital, start=1))
    return " ".join(f"{sentence}." for sentence in capital)
