"""Negation and historical temporality on the NegEx sentences: general clinical text, far from chest radiographs.

    python -m bench.negex ../shared/data/negex_sentences.tsv [--show]

Each sentence has one marked condition. It counts as negated where a mined mention that shares a word with it is absent,
and as historical where such a mention is; where nothing was mined over it, as affirmed and recent. Many marked
conditions hold a denial of their own ("extremities are without edema", affirmed): these are denied by nothing else.
"""

from __future__ import annotations

import argparse
import csv
import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.measure import Row, score_row
from bench.mesh_agreement import f1
from ingest.extractors.llm.alignment import align
from ingest.extractors.rules import RulesExtractor
from ingest.report import Section

_DENIAL = re.compile(r"\b(?:no|not|without|normal|negative)\b", re.I)

SENTENCES = Path("../shared/data/negex_sentences.tsv")


@dataclass(frozen=True)
class Judged:
    """One marked condition: what the annotators said of it, and what was mined."""

    sentence: str
    concept: str
    negated: bool
    historical: bool
    found: bool
    mined_negated: bool
    mined_historical: bool


def read(path: Path) -> list[Judged]:
    """Every sentence of the table, mined."""
    extractor = RulesExtractor()
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    judged = []
    for row in rows:
        sentence, concept = row["sentence"], row["concept"]
        spans = align([concept.upper()], sentence) or ((0, len(sentence)),)  # four concepts go on in the next sentence
        start, end = spans[0]
        mentions = [
            mention
            for mention in extractor.mentions([Section("findings", sentence)])
            if any(first < end and start < last for first, last in mention.spans)
        ]
        judged.append(
            Judged(
                sentence,
                concept,
                row["negation"] == "Negated",
                row["temporality"] == "Historical",
                bool(mentions),
                any(mention.assertion == "absent" for mention in mentions) and not _DENIAL.search(concept),
                any(mention.temporality == "historical" for mention in mentions),
            )
        )
    return judged


def counts(pairs: list[tuple[bool, bool]]) -> tuple[int, int, int]:
    """True positives, false positives and false negatives of (said, mined) pairs."""
    return (
        sum(said and mined for said, mined in pairs),
        sum(mined and not said for said, mined in pairs),
        sum(said and not mined for said, mined in pairs),
    )


def run() -> list[Row]:
    """F1 of negation and of historical temporality, where the sentences are at hand."""
    if not SENTENCES.exists():
        return [Row("NegEx sentences", "-", "", f"needs {SENTENCES}")]
    judged = read(SENTENCES)
    negation = f1(*counts([(one.negated, one.mined_negated) for one in judged]))
    historical = f1(*counts([(one.historical, one.mined_historical) for one in judged]))
    of = f"{len(judged):,} sentences of the NegEx test set"
    return [score_row("negation F1", negation, "", of), score_row("historical F1", historical, "", of)]


def main() -> None:
    """Print the figures, and with --show the sentences that differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", type=Path, nargs="?", default=SENTENCES)
    parser.add_argument("--show", action="store_true", help="print the sentences whose negation differs")
    asked = parser.parse_args()
    judged = read(asked.sentences)
    console = Console(width=140, highlight=False)
    for name, pairs in (
        ("negated", [(one.negated, one.mined_negated) for one in judged]),
        ("historical", [(one.historical, one.mined_historical) for one in judged]),
    ):
        tp, fp, fn = counts(pairs)
        told = f"precision {tp / max(tp + fp, 1):.3f}, recall {tp / max(tp + fn, 1):.3f}, F1 {f1(tp, fp, fn):.3f}"
        console.print(f"{name:12} {tp + fn:4} of {len(judged):,}: {told}")
    console.print(f"nothing mined over the condition: {sum(not one.found for one in judged)}")
    for one in judged if asked.show else ():
        if one.negated != one.mined_negated:
            kind = "negated, mined as affirmed" if one.negated else "affirmed, mined as negated"
            console.print(
                f"{kind} ({'found' if one.found else 'not found'}) [{one.concept}] {one.sentence}", markup=False
            )


if __name__ == "__main__":
    main()
