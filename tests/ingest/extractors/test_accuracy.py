"""The floor under the rules: reports written and annotated for this project, in many styles, and real ones."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.extractors.rules import RulesExtractor
from ingest.report import Section
from kb.vocabulary.agreement import Agreement, compare_observations
from tests.support.paths import ANNOTATED, SHARED


def mined(report_id: str, texts: dict[str, Any]) -> list[dict[str, Any]]:
    """The observations of one report, as the scorers read them."""
    sections = [Section(name, texts[name]) for name in ("findings", "impression") if texts.get(name)]
    return [
        {
            "report_id": report_id,
            "section": m.section,
            "spans": m.spans,
            "text": m.text,
            "assertion": m.assertion,
            "laterality": m.laterality,
            "severity": m.severity.lower(),
            "temporality": m.temporality,
        }
        for m in RulesExtractor().mentions(sections)
    ]


def agreement(name: str) -> Agreement:
    """How the rules meet one annotated set."""
    lines = (ANNOTATED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    reports = [json.loads(line) for line in lines]
    said = [{**one, "report_id": report["report_id"]} for report in reports for one in report["observations"]]
    found = [one for report in reports for one in mined(report["report_id"], report)]
    return compare_observations(found, said)


@pytest.mark.parametrize(
    ("name", "floor", "uncertain", "side"),
    [
        ("typical", 0.96, 0.9, 0.98),
        ("styles", 0.94, 0.9, 0.98),
        ("hospitals", 0.91, 0.9, 0.98),
        ("held_out", 0.92, 0.8, 0.98),
        ("foreign", 0.94, 0.9, 0.98),
        ("foreign_blind", 0.9, 0.8, 0.98),
        ("foreign_blind_2", 0.9, 0.8, 0.95),
    ],
)
def test_the_annotated_sets_are_met(name: str, floor: float, uncertain: float, side: float) -> None:
    met = agreement(name)
    f1 = 2 * met.same_assertion / (2 * met.all.both + met.all.only_a + met.all.only_b)
    assert f1 >= floor
    assert met.same_assertion / met.all.both >= 0.98
    assert (met.by_assertion["uncertain"].f1 or 0) >= uncertain
    assert (met.facets["laterality"] or 0) >= side
    assert (met.facets["severity"] or 0) >= 0.97
    assert (met.facets["temporality"] or 0) >= 0.95


def test_the_annotations_stand_where_they_say() -> None:
    for path in ANNOTATED.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            report = json.loads(line)
            for one in report["observations"]:
                text = report[one["section"]]
                assert [text[start:end] for start, end in one["spans"]] == one["quote"], (path.stem, one)


@pytest.mark.soak
def test_the_annotated_open_i_reports(openi_csv: Path, tmp_path: Path) -> None:
    predicted = tmp_path / "predicted.jsonl"
    with openi_csv.open(encoding="utf-8") as source, predicted.open("w", encoding="utf-8") as file:
        for row in csv.DictReader(source):
            file.writelines(json.dumps(one) + "\n" for one in mined(row["uid"], row))
    gold = SHARED / "gold"
    command = [sys.executable, gold / "score_observations.py", gold / "openi_observations.jsonl", predicted, "--json"]
    score = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert score["observation"]["f1"] >= 0.95
    assert score["assertion_accuracy"] >= 0.98
    assert score["observation_uncertain"]["f1"] >= 0.75
