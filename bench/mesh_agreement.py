"""How well affirmed findings of reports meet a human coder's MeSH terms, report by report, on the Open-i reports.

    python -m bench.mesh_agreement ../shared/data/openi_reports.csv [--show fracture]

A finding counts as affirmed where a report mentions it as present or as probable, and not as resolved: the coders left
out what is only possible, and kept what is old (a healed fracture). Their terms are joined to findings by the table
below; what a term implies is counted too (a calcified granuloma is a granuloma). Reports that nobody coded ("No
Indexing") are left out.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Row, score_row
from ingest.mention import Mention
from ingest.report import Report
from ingest.reports.options import IngestOptions
from ingest.reports.preview import preview
from kb.language.wider_terms import wider_findings

REPORTS = Path("../shared/data/openi_reports.csv")

FINDINGS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    name: (frozenset(terms), frozenset(one for finding in findings for one in wider_findings().below(finding)))
    for name, terms, findings in (
        ("atelectasis", {"Pulmonary Atelectasis"}, {"atelectasis"}),
        ("cardiomegaly", {"Cardiomegaly"}, {"cardiomegaly"}),
        ("effusion", {"Pleural Effusion"}, {"pleural effusion"}),
        ("pneumonia", {"Pneumonia"}, {"pneumonia"}),
        ("pneumothorax", {"Pneumothorax", "Hydropneumothorax"}, {"pneumothorax"}),
        ("consolidation", {"Consolidation"}, {"consolidation"}),
        ("edema", {"Pulmonary Edema"}, {"pulmonary edema"}),
        ("fracture", {"Fractures, Bone"}, {"fracture"}),
        ("emphysema", {"Emphysema", "Pulmonary Emphysema", "Bullous Emphysema"}, {"emphysema"}),
        (
            "granuloma",
            {"Granuloma", "Calcified Granuloma", "Granulomatous Disease", "Sarcoidosis"},
            {"granulomatous disease"},
        ),
        ("scoliosis", {"Scoliosis"}, {"scoliosis"}),
        (
            "hernia",
            {"Hernia, Hiatal", "Hernia, Diaphragmatic", "Hernia"},
            {"hernia"},
        ),
        ("nodule", {"Nodule"}, {"nodule"}),
    )
}
"""Each finding with the coder's terms and the lexicon's findings that it is: those named, and all under them."""


@dataclass(frozen=True)
class Coded:
    """One report: what a human coded, and what was mined."""

    report: Report
    coded: frozenset[str]
    mined: frozenset[str]


def read(path: Path) -> list[Coded]:
    """The coded reports of an Open-i table, mined."""
    with path.open(encoding="utf-8", newline="") as file:
        terms = {row["uid"]: coded_findings(row["mesh_major"]) for row in csv.DictReader(file)}
    found = []
    for one in preview([path], IngestOptions(), count=1 << 40):
        if not isinstance(one.report, Report):
            continue
        coded = terms[one.report.report_id]
        if coded is None:
            continue
        said = {mention.facets.finding for mention in one.mentions if affirmed(mention)}
        mined = frozenset(name for name, (_, findings) in FINDINGS.items() if said & findings)
        found.append(Coded(one.report, coded, mined))
    return found


def affirmed(mention: Mention) -> bool:
    """Whether a mention says that its finding is there."""
    return (mention.assertion == "present" or mention.certainty == "probable") and mention.temporality != "resolved"


def coded_findings(cell: str) -> frozenset[str] | None:
    """The findings that a cell of MeSH terms names; None where nobody coded."""
    terms = {part.split("/")[0].strip() for part in cell.split("|")}
    if terms & {"No Indexing"}:
        return None
    return frozenset(name for name, (names, _) in FINDINGS.items() if terms & names)


def scores(found: list[Coded]) -> dict[str, tuple[int, int, int]]:
    """True positives, false positives and false negatives of each finding, and of all together."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*FINDINGS, "all")}
    for one in found:
        for name in FINDINGS:
            told = (name in one.coded, name in one.mined)
            if kind := {(True, True): "tp", (False, True): "fp", (True, False): "fn"}.get(told):
                counts[name][kind] += 1
                counts["all"][kind] += 1
    return {name: (count["tp"], count["fp"], count["fn"]) for name, count in counts.items()}


def totals(found: Iterable[tuple[frozenset[str], frozenset[str]]]) -> tuple[int, int, int]:
    """True positives, false positives and false negatives over (coded, mined) findings of reports."""
    pairs = list(found)
    return (
        sum(len(coded & mined) for coded, mined in pairs),
        sum(len(mined - coded) for coded, mined in pairs),
        sum(len(coded - mined) for coded, mined in pairs),
    )


def f1(tp: int, fp: int, fn: int) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


def run() -> list[Row]:
    """The micro F1, where the reports are at hand."""
    if not REPORTS.exists():
        return [Row("agreement with human MeSH coding", "-", "", f"needs {REPORTS}")]
    found = read(REPORTS)
    told = scores(found)
    what = f"report-level micro F1 against MeSH coding, {len(found):,} reports"
    return [score_row(what, f1(*told["all"]), "", "1")]


def main() -> None:
    """Print the table, and the reports that differ on one finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path, nargs="?", default=REPORTS)
    parser.add_argument("--show", choices=[*FINDINGS], help="print the reports that differ on this finding")
    asked = parser.parse_args()
    found = read(asked.reports)
    table = Table("finding", "positives", "precision", "recall", "F1", box=None)
    for name, (tp, fp, fn) in scores(found).items():
        precision, recall = tp / max(tp + fp, 1), tp / max(tp + fn, 1)
        table.add_row(name, str(tp + fn), f"{precision:.3f}", f"{recall:.3f}", f"{f1(tp, fp, fn):.3f}")
    console = Console(width=120)
    console.print(table)
    for one in found if asked.show else ():
        if (asked.show in one.coded) != (asked.show in one.mined):
            kind = "coded, not mined" if asked.show in one.coded else "mined, not coded"
            mined = [section for section in one.report.sections if section.name in ("findings", "impression")]
            text = " ".join(section.text for section in mined)
            console.print(f"\n{one.report.report_id} {kind}: {text}", highlight=False, markup=False)


if __name__ == "__main__":
    main()
