"""Accuracy of the rules on annotated reports, by the measure of overlapping characters.

    python -m bench.accuracy

The sets of `tests/ingest/annotated` were written and annotated for this project, each by another hand, in styles that
the Open-i reports lack; a set's first reading, before the rules were looked at with it, is in bench/RESULTS.md. The
set of the shared folder is real: 64 Open-i reports.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Row, score_row
from ingest.extractors.rules import RulesExtractor
from ingest.mention import Mention
from ingest.report import Section
from kb.vocabulary.agreement import Agreement, compare_observations

WRITTEN = Path(__file__).resolve().parents[1] / "tests" / "ingest" / "annotated"
GOLD, REPORTS = Path("../shared/gold/openi_observations.jsonl"), Path("../shared/data/openi_reports.csv")
SECTIONS = ("findings", "impression")


@dataclass(frozen=True)
class Scores:
    """How mined observations meet annotated ones: F1 of the same span and assertion, and what follows of those met."""

    reports: int
    observations: int
    f1: float
    f1_close: float
    assertion: float
    uncertain: float
    laterality: float
    severity: float
    temporality: float | None


def annotated_sets() -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Every set by its name: reports with their sections and their observations."""
    for path in sorted(WRITTEN.glob("*.jsonl")):
        yield path.stem, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if GOLD.exists() and REPORTS.exists():
        with REPORTS.open(encoding="utf-8", newline="") as file:
            texts = {row["uid"]: row for row in csv.DictReader(file)}
        gold = [json.loads(line) for line in GOLD.read_text(encoding="utf-8").splitlines()]
        yield "Open-i (real)", [{**texts[one["uid"]], **one, "report_id": one["uid"]} for one in gold]


Mine = Callable[[Sequence[Section]], list[Mention]]


def score(reports: list[Mapping[str, Any]], mine: Mine | None = None) -> Scores:
    """Mine `reports` and compare; spans meet from an overlap of a half on, and of 0.8 for `f1_close`.

    Args:
        reports: with their sections and their annotated observations.
        mine: what mines the sections of one report; default: the rules.
    """
    said = [{**one, "report_id": report["report_id"]} for report in reports for one in report["observations"]]
    mined = list(_mined(reports, mine or RulesExtractor().mentions))
    half, close = (compare_observations(mined, said, overlap=overlap) for overlap in (0.5, 0.8))
    met = half.all.both
    return Scores(
        len(reports),
        len(said),
        _f1(half),
        _f1(close),
        half.same_assertion / met,
        half.by_assertion["uncertain"].f1 or 0.0,
        half.facets["laterality"] or 0.0,
        half.facets["severity"] or 0.0,
        half.facets["temporality"],
    )


def _f1(agreement: Agreement) -> float:
    total = 2 * agreement.all.both + agreement.all.only_a + agreement.all.only_b
    return 2 * agreement.same_assertion / total


def _mined(reports: list[Mapping[str, Any]], mine: Mine) -> Iterator[dict[str, Any]]:
    for report in reports:
        sections = [Section(name, report[name]) for name in SECTIONS if report.get(name)]
        for mention in mine(sections):
            yield {
                "report_id": report["report_id"],
                "section": mention.section,
                "spans": mention.spans,
                "text": mention.text,
                "assertion": mention.assertion,
                "laterality": mention.laterality,
                "severity": mention.severity.lower(),
                "temporality": mention.temporality,
            }


def run() -> list[Row]:
    """F1 on every set at hand."""
    rows = []
    for name, reports in annotated_sets():
        scores = score(reports)
        of = f"{scores.observations} observations in {scores.reports} reports"
        close = f"{scores.f1_close:.3f} at overlap 0.8"
        rows.append(score_row(f"observation F1, {name}", scores.f1, close, of))
    return rows


def main() -> None:
    """Print all scores of every set at hand."""
    names = ("reports", "observations", "F1", "F1 at 0.8", "assertion", "uncertain F1", "side", "size", "temporality")
    table = Table("set", *names, box=None)
    for name, reports in annotated_sets():
        scores = score(reports)
        values = [getattr(scores, field) for field in scores.__dataclass_fields__]
        table.add_row(name, *map(_shown, values))
    Console(width=120).print(table)


def _shown(value: float | None) -> str:
    """A score as it is printed; what a set is not annotated with has none."""
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
