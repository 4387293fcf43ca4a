"""What is given away, and that whoever takes data out is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb.knowledge_base import KnowledgeBase
from tests.support.mined import concept_id, mined_in
from tests.support.reports import write_csv

COMMON = [("No pneumothorax.", "Velvet rim.")] * 5
RARE = [("Left pleural effusion.", "")]


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return mined_in(tmp_path, [*COMMON, *RARE])


def exported(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class TestSharing:
    @pytest.mark.soak
    def test_a_concept_that_few_patients_have_is_held_back_and_counted(
        self, base: KnowledgeBase, tmp_path, cli
    ) -> None:
        told = cli("vocab", "export", "out.jsonl", "--share", "--kb", base.uri).stderr
        assert [row["text"] for row in exported(tmp_path / "out.jsonl")] == ["no pneumothorax"]
        assert "held back 1 concepts seen in fewer than 5 patients" in told

    @pytest.mark.soak
    def test_the_least_number_of_patients_can_be_told(self, base: KnowledgeBase, tmp_path, cli) -> None:
        cli("vocab", "export", "out.jsonl", "--share", "--least-patients", 1, "--kb", base.uri)
        texts = {row["text"] for row in exported(tmp_path / "out.jsonl")}
        assert texts == {"no pneumothorax", "left pleural effusion"}, "what stands aside is in no shared file"

    def test_notes_sources_and_names_of_curators_stay_here(self, base: KnowledgeBase, tmp_path, cli) -> None:
        base.curate.set_note(concept_id("no pneumothorax"), "as Dr. Quaggaword said", by="ada")
        cli("vocab", "export", "out.jsonl", "--share", "--kb", base.uri)
        (row,) = exported(tmp_path / "out.jsonl")
        assert (row["note"], row["source"]) == (None, "shared")
        assert "Quaggaword" not in (tmp_path / "out.jsonl").read_text(encoding="utf-8")

    def test_reports_without_a_patient_count_one_by_one(self, tmp_path: Path, kb: KnowledgeBase, cli) -> None:
        rows = [{"uid": f"r{at}", "findings": "No pneumothorax.", "impression": ""} for at in range(4)]
        cli("ingest", "reports", write_csv(tmp_path / "reports.csv", rows), "--kb", kb.uri, "--no-embed")
        told = cli("vocab", "export", "out.jsonl", "--share", "--kb", kb.uri).stderr
        assert "wrote 0 concepts" in told and "held back 1 " in told


class TestLogOfExports:
    @pytest.mark.soak
    def test_each_export_is_noted_with_who_what_how_much_and_where_to(
        self, base: KnowledgeBase, tmp_path: Path, cli, cli_json
    ) -> None:
        cli("vocab", "export", "out.csv", "--kb", base.uri, environment={"CLEAR_KB_AUTHOR": "ada"})
        cli("observations", "export", "-o", "-", "--kb", base.uri)
        cli("audit", "sql", "SELECT 1 AS one", "-o", "rows.csv", "--kb", base.uri)
        cli("audit", "export", "audit.duckdb", "--kb", base.uri)
        noted = cli_json("log", "--exports", "--kb", base.uri)
        assert [one["what"] for one in noted] == ["audit export", "audit sql", "observations export", "vocab export"]
        first = noted[-1]
        assert (first["by"], first["rows"], first["commit"]) == ("ada", 2, base.commit.commit_id)
        assert first["target"] == str(tmp_path / "out.csv")
        assert noted[1]["filters"] == {"query": "SELECT 1 AS one"}

    @pytest.mark.soak
    def test_restoring_an_earlier_state_takes_no_entry_back(self, base: KnowledgeBase, cli, cli_json) -> None:
        cli("vocab", "export", "out.csv", "--kb", base.uri)
        cli("restore", "HEAD~1", "--kb", base.uri)
        assert len(cli_json("log", "--exports", "--kb", base.uri)) == 1

    @pytest.mark.soak
    def test_what_only_looks_is_not_noted(self, base: KnowledgeBase, cli, cli_json) -> None:
        cli("vocab", "list", "--kb", base.uri)
        assert cli_json("log", "--exports", "--kb", base.uri) == []
