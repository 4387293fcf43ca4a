"""How good a mined vocabulary is: wordings that meet, pairs that stay apart, and concepts as a person reads them.

    python -m bench.vocabulary [--draw 200]

The groups and pairs of wordings (`tests/ingest/extractors/wordings.tsv`, `apart.tsv`) were written without a look at
the tables. The concepts of `bench/vocabulary_reading.tsv` were drawn at random from those of the Open-i reports and
judged by another reader against their evidence; `--draw` prints new ones to be read, with their words.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Row
from ingest.extractors.rules import RulesExtractor
from ingest.mention import Mention
from ingest.report import Section

REPORTS = Path("../shared/data/openi_reports.csv")
WORDINGS = Path(__file__).resolve().parents[1] / "tests" / "ingest" / "extractors"
READING = Path(__file__).with_name("vocabulary_reading.tsv")
SEED = 20261130


@dataclass(frozen=True, slots=True)
class Mined:
    """The mentions of each concept of some reports, by the concept's text; `aside` are no well-formed observations."""

    concepts: Mapping[str, list[Mention]]
    aside: Mapping[str, list[Mention]]


def concepts_of(text: str) -> frozenset[str]:
    """The texts of the concepts that a wording states."""
    said = text.strip().rstrip(".") + "."
    return frozenset(mention.facets.text for mention in RulesExtractor().mentions([Section("findings", said)]))


def groups() -> Iterator[tuple[str, list[str]]]:
    """The groups of wordings, each of one observation, by name."""
    for line in (WORDINGS / "wordings.tsv").read_text(encoding="utf-8").splitlines():
        name, wordings = line.split("\t")
        yield name, wordings.split(" | ")


def pairs() -> Iterator[tuple[str, str]]:
    """The pairs of wordings that are two observations."""
    for line in (WORDINGS / "apart.tsv").read_text(encoding="utf-8").splitlines():
        one, other = line.split("\t")
        yield one, other


def mined() -> Mined:
    """What the rules mine from the Open-i reports."""
    extractor = RulesExtractor()
    kept: dict[str, list[Mention]] = defaultdict(list)
    aside: dict[str, list[Mention]] = defaultdict(list)
    with REPORTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for mention in extractor.mentions([Section(name, row[name]) for name in ("findings", "impression")]):
                (kept if mention.facets.well_formed else aside)[mention.facets.text].append(mention)
    return Mined(kept, aside)


def reading() -> Counter[str]:
    """How many of the concepts that were read got each verdict."""
    with READING.open(encoding="utf-8", newline="") as file:
        return Counter(row["verdict"] for row in csv.DictReader(file, delimiter="\t"))


def run() -> list[Row]:
    """The shares, as rows of the results."""
    met = [len({concepts_of(one) for one in wordings}) == 1 for _, wordings in groups()]
    apart = [concepts_of(one) != concepts_of(other) for one, other in pairs()]
    rows = [
        Row(
            f"vocabulary: {what}",
            f"{sum(held)} of {len(held)}",
            "",
            "written blind",
            number=sum(held),
            better="higher",
        )
        for what, held in (
            ("groups of wordings that are one concept", met),
            ("pairs of wordings that stay apart", apart),
        )
    ]
    verdicts = reading()
    read = sum(verdicts.values())
    well = 100 * verdicts.pop("well") / read
    others = ", ".join(f"{count / read:.1%} {verdict}" for verdict, count in verdicts.most_common())
    what, by = f"vocabulary: {read} concepts drawn at random and read", "another reader's judgement"
    rows.append(Row(what, f"{well:.1f}% well, {others}", "", by, number=well, better="higher"))
    if REPORTS.exists():
        found = mined()
        mentions, left = (sum(map(len, one.values())) for one in (found.concepts, found.aside))
        what = f"{len(found.concepts):,} concepts, {len(found.aside):,} put aside"
        formed, share = "vocabulary: Open-i mentions of well-formed concepts", 100 * mentions / (mentions + left)
        value = f"{share:.1f}% of {mentions + left:,} mentions"
        rows.append(Row(formed, value, what, "1,904 reports", number=share, better="higher"))
    return rows


def main() -> None:
    """Print the rows, or concepts drawn to be read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", type=int, default=0, help="how many concepts to draw")
    drawn = parser.parse_args().draw
    if not drawn:
        for row in run():
            print(f"{row.what}: {row.value} {row.spread} ({row.against})")
        return
    found = mined().concepts
    for text in random.Random(SEED).sample(sorted(found), drawn):
        print(text, len(found[text]), " // ".join(mention.text for mention in found[text][:2]), sep="\t")


if __name__ == "__main__":
    main()
