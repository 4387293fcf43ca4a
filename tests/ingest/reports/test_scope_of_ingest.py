"""Of an export of all modalities only chest radiographs and chest CT come in, and what is left out is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ingest
from ingest.reports.options import IngestResult
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.exports import hl7_message, hl7_report
from tests.support.files import write

RIS = (
    "Accession Number;Patient ID;Modality;Procedure;Body Part;Report Text;Age\n"
    "A1;P1;CR;XR CHEST 2V;CHEST;FINDINGS: Small left pleural effusion.;61\n"
    "A2;P2;CT;CT ABDOMEN PELVIS;ABDOMEN;FINDINGS: Liver cyst.;70\n"
    "A3;P3;CT;CT CHEST ABDOMEN PELVIS;CHEST;FINDINGS: LUNGS: Nodule. LIVER: Hepatic steatosis.;\n"
    "A4;P4;US;US ABDOMEN;ABDOMEN;FINDINGS: Gallstones.;50\n"
    "A5;P5;CR;XR ANKLE LEFT;ANKLE;INDICATION: chest pain. FINDINGS: Fracture of the malleolus.;33\n"
    "A6;P6;DX;PORTABLE CXR;;FINDINGS: Cardiomegaly.;48\n"
)


@pytest.fixture
def ris(tmp_path: Path) -> Path:
    return write(tmp_path / "ris.csv", RIS)


def taken(kb: KnowledgeBase, path: Path, **options: Any) -> IngestResult:
    return ingest.reports(kb, [path], embed=False, workers=1, **options)


def findings(kb: KnowledgeBase) -> set[str]:
    return {row["text"] for row in kb.dataset("concepts").to_table(columns=["text"]).to_pylist()}


def reasons(result: IngestResult) -> dict[tuple[str, str], int]:
    return {(one.why, one.what): one.count for one in result.left_out}


def test_what_is_no_chest_is_left_out_by_reason_and_never_mined(kb: KnowledgeBase, ris: Path) -> None:
    result = taken(kb, ris)
    assert (result.read, result.new, result.rejected) == (6, 3, 0)
    assert reasons(result) == {
        ("procedure", "abdomen, pelvis"): 1,
        ("modality", "ultrasound"): 1,
        ("procedure", "leg"): 1,
    }
    assert {row["report_id"] for row in kb.dataset("reports").to_table().to_pylist()} == {"A1", "A3", "A6"}
    assert {"cardiomegaly", "nodule", "small left pleural effusion"} <= findings(kb)
    assert not any("cyst" in one or "steatosis" in one or "fracture" in one for one in findings(kb))
    assert kb.commit.summary["left_out"] == 3
    assert result.unused_columns == ("Age",)


def test_the_other_parts_of_a_mixed_examination_are_kept_unmined(kb: KnowledgeBase, ris: Path) -> None:
    taken(kb, ris)
    [report] = kb.dataset("reports").to_table(filter="report_id = 'A3'").to_pylist()
    assert [(section["name"], section["mined"]) for section in report["sections"]] == [
        ("findings", True),
        ("abdomen", False),
    ]


def test_all_takes_whatever_there_is(kb: KnowledgeBase, ris: Path) -> None:
    result = taken(kb, ris, scope="all")
    assert (result.new, result.left_out) == (6, ())
    assert any("cyst" in one for one in findings(kb))


def test_a_condition_over_the_columns_counts_what_it_leaves_and_what_is_open(kb: KnowledgeBase, ris: Path) -> None:
    result = taken(kb, ris, scope="all", where="Age >= 50 AND Modality IN ('CR', 'CT', 'US')")
    said = "Age >= 50 AND Modality IN ('CR', 'CT', 'US')"
    assert result.new == 3
    assert reasons(result) == {
        ("not asked for", said): 2,
        ("not asked for", f"{said}: open, for a cell is blank or no number"): 1,
    }


def test_a_dry_run_tells_the_same(kb: KnowledgeBase, ris: Path) -> None:
    dry = taken(kb, ris, dry_run=True)
    assert (dry.new, dry.commit) == (3, None)
    assert dry.left_out == taken(kb, ris).left_out
    assert dry.to_dict()["left_out"][0]["count"] == 1


def test_a_stored_report_that_is_withdrawn_is_told(kb: KnowledgeBase, tmp_path: Path) -> None:
    first = hl7_message(*hl7_report("A1", "OBX|1|TX|&GDT||Large mass.||||||F"))
    withdrawn = hl7_message(*hl7_report("A1", "OBX|1|TX|&GDT||Large mass.||||||F", status="X"), time="20260201")
    taken(kb, write(tmp_path / "monday.hl7", first))
    result = taken(kb, write(tmp_path / "tuesday.hl7", withdrawn))
    assert reasons(result) == {("status", "cancelled, but stored by an earlier ingest"): 1}


def test_a_corrected_report_takes_the_place_of_the_stored_one(kb: KnowledgeBase, tmp_path: Path) -> None:
    for name, text, status in (("monday", "Large mass.", "P"), ("tuesday", "No mass.", "C")):
        message = hl7_message(*hl7_report("A1", f"OBX|1|TX|&GDT||{text}||||||{status}", status=status))
        result = taken(kb, write(tmp_path / f"{name}.hl7", message))
    assert (result.new, result.changed) == (0, 1)
    assert [row["assertion"] for row in kb.dataset("observations").to_table().to_pylist()] == ["absent"]


def test_what_is_wrong_with_a_condition_is_told_before_any_work(kb: KnowledgeBase, ris: Path) -> None:
    with pytest.raises(UsageError, match=r"the condition asks about 'modalty': .* has no such column, but Modality"):
        taken(kb, ris, where="modalty = 'CT'")
    with pytest.raises(UsageError, match="cannot be read"):
        taken(kb, ris, where="modality is CT")
    with pytest.raises(UsageError, match=r"has no columns \(its format is text\)"):
        taken(kb, write(ris.parent / "r.txt", "FINDINGS: x"), where="a = 1")


def test_a_preview_passes_over_what_is_left_out_unless_it_is_named(ris: Path) -> None:
    assert [one.report.report_id for one in ingest.preview([ris], count=9)] == ["A1", "A3", "A6"]
    [shown] = ingest.preview([ris], ids=["A4"])
    assert shown.to_dict()["what"] == "ultrasound"
    assert len(list(ingest.preview([ris], count=9, scope="all", where="Age < 50"))) == 2


def test_the_command_says_what_was_left_out(cli: Callable[..., subprocess.CompletedProcess[str]], ris: Path) -> None:
    shown = cli("ingest", "reports", ris, "--no-embed").stdout
    assert "left out      3 (--scope all takes every examination)" in shown
    assert "1  procedure: leg, first row 5 (line 6)" in shown


def test_a_command_that_takes_nothing_fails_and_says_why(
    cli: Callable[..., subprocess.CompletedProcess[str]], ris: Path
) -> None:
    only_ultrasound = ["ingest", "reports", ris, "--where", "Modality = 'US'", "--no-embed", "--format", "json"]
    nothing = cli(*only_ultrasound, code=1)
    assert "nothing was taken" in nothing.stderr
    assert {one["why"] for one in json.loads(nothing.stdout)["left_out"]} == {"not asked for", "modality"}
