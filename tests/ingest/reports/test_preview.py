"""`ingest preview`: what mining finds, shown in the reports' own text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.report import Reject
from ingest.reports.preview import preview

REPORTS = """id,findings,impression,indication
R1,"There is a small left pleural effusion. No pneumothorax.","Possible right lower lobe pneumonia.",cough
R2,"The heart and mediastinum are normal.",,pain
R3,,,
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "reports.csv").write_text(REPORTS)
    return tmp_path / "reports.csv"


def test_the_first_reports_with_what_is_mined_from_them(source: Path) -> None:
    first, second, third = preview([source], count=3)
    told = {row["text"]: row["assertion"] for row in first.to_dict()["observations"]}
    assert told == {
        "small left pleural effusion": "present",
        "pneumothorax": "absent",
        "right lower lobe pneumonia": "uncertain",
    }
    assert first.mined == ("findings", "impression")
    assert len(second.mentions) == 2
    assert isinstance(third.report, Reject)
    assert len(list(preview([source], count=1))) == 1
    assert [one.report.report_id for one in preview([source], ids=["R2"])] == ["R2"]


def test_observations_are_marked_in_place(cli: Callable, source: Path) -> None:
    shown = cli("ingest", "preview", source, "--list").stdout
    assert "There is a [+small left pleural effusion]. No [-pneumothorax]." in shown
    assert "Possible [?right lower lobe pneumonia]." in shown
    assert "rejected: " in shown
    assert "laterality" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("The [+heart")]
    assert re.sub(r"\[[+?-]|\]", "", line).strip() == "The heart and mediastinum are normal."


def test_as_data_and_what_goes_wrong(cli: Callable, cli_json: Callable, source: Path) -> None:
    told = cli_json("ingest", "preview", source, "--report", "R1")
    assert [row["concept"] for row in told[0]["observations"]][:2] == ["small left pleural effusion", "no pneumothorax"]
    lines = cli("ingest", "preview", source, "--format", "csv").stdout.splitlines()
    assert lines[1].startswith("R1,findings,small left pleural effusion,pleural effusion,present")
    assert "there is no report R9" in cli("ingest", "preview", source, "--report", "R9").stderr
    assert "nothing.csv" in cli("ingest", "preview", "nothing.csv", code=2).stderr


def test_why_takes_every_mined_sentence_apart(source: Path) -> None:
    (first,) = preview([source], count=1)
    whys = list(first.whys())
    assert [(section, read.sentence) for section, read in whys] == [
        ("findings", "There is a small left pleural effusion."),
        ("findings", "No pneumothorax."),
        ("impression", "Possible right lower lobe pneumonia."),
    ]
    assert [cue.effect for _, read in whys for clause in read.clauses for cue in clause.cues] == [
        "break",
        "deny",
        "doubt",
    ]
