"""A vocabulary mined from reports that we write, in which some concepts stand twice or more, in other words."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

import ingest
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query

WORDINGS = (
    ("widened", "wide", "broadened"),
    ("flattened", "flat"),
    ("irregular", "uneven"),
    ("enlarged", "big"),
    ("elevated", "raised"),
    ("paracardiac", "juxtacardiac"),
    ("cutaneous", "skin"),
    ("lytic", "lucent"),
    ("mammary", "breast"),
)
"""Words that say the same of a finding, and that the mining keeps apart."""

FINDINGS = ("nodule", "mass", "opacity", "consolidation", "scar", "granuloma", "pleural thickening", "lesion", "bulla")
SIDES = ("left ", "right ", "bilateral ", "")
MOST_MENTIONS = 4
NEGATIVE = ("No pneumothorax.", "The heart is of normal size.", "No pleural effusion.")


@dataclass(frozen=True)
class Planted:
    """The vocabulary, and by the text of each concept that was planted which one it means."""

    base: KnowledgeBase
    meant: dict[str, int]


def planted(folder: Path, duplicates: int, seed: int = 0) -> Planted:
    """A vocabulary with so many duplicates beside the concepts that they are of; embedded by the bundled model."""
    dice = random.Random(seed)
    cases = [(words, side, finding) for words in WORDINGS for side in SIDES for finding in FINDINGS]
    dice.shuffle(cases)
    texts: list[str] = []
    meant: dict[str, int] = {}
    left = duplicates
    for number, (words, side, finding) in enumerate(cases):
        kept = words[: 1 + min(len(words) - 1, left)]
        left -= len(kept) - 1
        told = [f"{word} {side}{finding}" for word in kept]
        texts += told
        meant |= {read_query(text).text: number for text in told}
        if not left:
            break
    else:
        raise ValueError(f"{left} of {duplicates} duplicates are too many for these wordings")
    path = folder / "reports.csv"
    _write(path, texts, dice)
    base = KnowledgeBase.create(folder / "planted.kb", by="bench")
    ingest.reports(base, [path], by="bench", workers=1)
    aside = base.vocabulary.list(status="aside")
    base.curate.accept(*(row["concept_id"] for row in aside), by="bench", why="planted: a word that nobody knows")
    return Planted(KnowledgeBase.open(base.uri), meant)


def _write(path: Path, texts: list[str], dice: random.Random) -> None:
    """Reports of two statements each, in which every text stands once at least."""
    told = [text for text in texts for _ in range(dice.randint(1, MOST_MENTIONS))]
    dice.shuffle(told)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "findings", "impression"])
        for number, at in enumerate(range(0, len(told), 2)):
            statements = [f"There is {_article(text)}{text}." for text in told[at : at + 2]]
            writer.writerow([f"r{number:04}", " ".join([*statements, dice.choice(NEGATIVE)]), "As above."])


def _article(text: str) -> str:
    return "an " if text[0] in "aeiou" else "a "
