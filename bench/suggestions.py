"""Suggested duplicates of a knowledge base, held against pairs that somebody labelled without seeing them.

    python -m bench.suggestions PAIRS --kb KB     columns a, b, same (1 or 0), with tabs between: texts of concepts

Precision and recall are of the suggestions at their default, by rule; pairs that are suggested and not labelled are
printed, so that they can be read too. Pairs of real reports stay out of the project.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Held:
    """What is suggested against what was labelled: pairs of texts, with the rule that suggests them."""

    suggested: dict[frozenset[str], str]
    labels: dict[frozenset[str], bool]

    @property
    def precision(self) -> float | None:
        """The share of the labelled pairs that are suggested that are one; None where none is suggested."""
        told = [self.labels[pair] for pair in self.suggested if pair in self.labels]
        return sum(told) / len(told) if told else None

    @property
    def recall(self) -> float | None:
        """The share of the pairs that are one that are suggested; None where none is one."""
        same = [pair for pair, label in self.labels.items() if label]
        return sum(pair in self.suggested for pair in same) / len(same) if same else None

    @property
    def unread(self) -> list[frozenset[str]]:
        """What is suggested and was not labelled."""
        return [pair for pair in self.suggested if pair not in self.labels]


def held_against(kb: Any, pairs: Path) -> Held:
    """The suggested duplicates of a knowledge base beside a file of labelled pairs."""
    with pairs.open(encoding="utf-8", newline="") as file:
        labels = {frozenset((r["a"], r["b"])): r["same"] == "1" for r in csv.DictReader(file, delimiter="\t")}
    return Held({frozenset((s.text, str(s.other_text))): s.rule for s in kb.suggest("duplicates").items}, labels)


def main() -> None:
    """Print precision, recall, the suggestions by rule, and those that nobody labelled."""
    from kb.knowledge_base import KnowledgeBase

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--kb", required=True)
    given = parser.parse_args()
    held = held_against(KnowledgeBase.open(given.kb), given.pairs)
    for pair in held.unread:
        print(f"not labelled: {' | '.join(sorted(pair))} ({held.suggested[pair]})")
    for rule, count in Counter(held.suggested.values()).most_common():
        print(f"{count} by {rule}")
    print(f"precision {held.precision}, recall {held.recall} of {sum(held.labels.values())} pairs that are one")


if __name__ == "__main__":
    main()
