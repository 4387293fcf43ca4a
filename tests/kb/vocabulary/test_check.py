"""The rules that a sound knowledge base keeps, and going back to an earlier state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ingest.reports.ingest import ingest_reports
from kb.images.patient_split import split_of
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder
from kb.vocabulary.check import RULES, check, fix
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts, concept
from tests.support.copies import copy_of
from tests.support.reports import REPORTS, state, write_csv


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("made")
    kb = KnowledgeBase.create(folder / "sound.kb", by="tester")
    ingest_reports(kb, [write_csv(folder / "r.csv", REPORTS)], embedder=lambda: load_embedder(str(tiny_model)))
    return kb


@pytest.fixture
def sound(made: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    return copy_of(made, tmp_path)


def damage(kb: KnowledgeBase, **fields: Any) -> None:
    """Write a concept that no act of curation would."""
    schema = kb.dataset("concepts").schema
    row = {**concept("sclerosis of the wombat"), **fields}
    batch = pa.RecordBatch.from_pylist([{name: row.get(name) for name in schema.names}], schema=schema)
    kb.publish("damage", lambda publication: (publication.write("concepts", [batch]) or {}, None))


def broken(kb: KnowledgeBase) -> set[str]:
    return {problem.rule for problem in check(kb)}


@pytest.mark.soak
def test_what_was_ingested_and_curated_keeps_every_rule(sound: KnowledgeBase) -> None:
    rows = sound.vocabulary.list(assertion="present", limit=2)
    sound.curate.accept(rows[0]["concept_id"])
    sound.curate.retire(rows[1]["concept_id"], rows[0]["concept_id"])
    assert check(sound) == []


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"replaced_by": "C0000000000000000", "status": "retired"}, "dangling-replacement"),
        (
            {"replaced_by": concept("sclerosis of the wombat")["concept_id"], "status": "retired"},
            "circular-replacement",
        ),
        ({"status": "splendid"}, "illegal-status"),
        ({"text": ""}, "illegal-field"),
        ({"text": " \t"}, "illegal-field"),
        ({"finding": ""}, "illegal-field"),
        ({"assertion": "maybe"}, "illegal-field"),
        ({"assertion": "uncertain"}, "illegal-field"),
        ({"laterality": "sideways"}, "illegal-field"),
        ({"normal_form": "x"}, "illegal-field"),
        ({"embedder": "E000000000000"}, "foreign-embedding"),
        ({}, "missing-embedding"),
        ({"synonyms": ["Cardiomegaly"]}, "shared-synonym"),
        ({"text": "no sclerosis of the wombat"}, "contradicted-facet"),
        ({"laterality": "left", "text": "right sclerosis"}, "contradicted-facet"),
    ],
)
def test_a_broken_rule_is_named(sound: KnowledgeBase, fields: dict[str, Any], rule: str) -> None:
    damage(sound, **fields)
    assert rule in broken(sound)


def test_a_replaced_concept_that_is_still_used_is_named(sound: KnowledgeBase) -> None:
    damage(sound, replaced_by=concept("cardiomegaly")["concept_id"])
    assert "replaced-but-used" in broken(sound)


@pytest.mark.parametrize(
    ("table", "rule"), [("reports", "evidence-without-report"), ("concepts", "evidence-without-concept")]
)
def test_evidence_needs_its_report_and_its_concept(sound: KnowledgeBase, table: str, rule: str) -> None:
    sound.publish("damage", lambda publication: (publication.delete(table, "true") or {}, None))
    assert rule in broken(sound)


def put(kb: KnowledgeBase, table: str, **fields: Any) -> None:
    schema = kb.dataset(table).schema
    blank = {name: "" for name in schema.names if not schema.field(name).nullable}
    row = {**blank, **({"width": 1, "height": 1, "attributes": []} if table == "images" else {}), **fields}
    batch = pa.RecordBatch.from_pylist([row], schema=schema)
    kb.publish("put", lambda publication: (publication.write(table, [batch]) or {}, None))


TRAINED, TESTED = (next(f"p{n}" for n in range(99) if split_of(f"p{n}") == split) for split in ("train", "test"))


class TestPatients:
    def problems(self, kb: KnowledgeBase) -> list[str]:
        return [problem.detail for problem in check(kb) if problem.rule == "patient-in-two-splits"]

    @pytest.mark.soak
    def test_an_image_of_two_patients_in_two_splits(self, cli, kb: KnowledgeBase) -> None:
        put(kb, "images", image_id="i1", patient_id=TRAINED)
        put(kb, "labels", image_id="i1", patient_id=TRAINED, label="E", source="mine.csv")
        assert self.problems(kb) == []
        put(kb, "labels", image_id="i1", patient_id=TESTED, label="E", source="theirs.csv")
        (problem,) = self.problems(kb)
        assert problem.startswith("image i1 is of the patients")
        assert f"{TRAINED} (images) and {TESTED} (theirs.csv)" in problem or f"{TESTED} (theirs.csv) and" in problem
        assert "patient-in-two-splits" in cli("check", "--kb", kb.uri, code=1).stdout

    @pytest.mark.soak
    def test_an_image_whose_study_is_of_two_patients(self, kb: KnowledgeBase) -> None:
        put(kb, "images", image_id="i1", study_id="s1")
        put(kb, "reports", report_id="r1", study_id="s1", patient_id=TRAINED, sections=[])
        assert self.problems(kb) == []
        put(kb, "labels", study_id="s1", patient_id=TESTED, label="E", source="l.csv")
        assert self.problems(kb)[0].startswith("nobody says whose image i1 is: its study s1 is of the patients")

    @pytest.mark.soak
    def test_images_of_one_patient_that_name_two_splits(self, kb: KnowledgeBase) -> None:
        put(kb, "images", image_id="i1", study_id="s1", attributes=[{"name": "Split", "value": "train"}])
        put(kb, "images", image_id="i2", study_id="s2")
        put(kb, "attributes", image_id="i2", name="split", value="test", source="l.csv")
        assert self.problems(kb) == []
        put(kb, "labels", study_id="s1", patient_id="p", label="E", source="l.csv")
        put(kb, "labels", image_id="i2", patient_id="p", label="E", source="l.csv")
        (problem,) = self.problems(kb)
        assert (
            problem == "patient p lies in two splits, train and test (image i1 and image i2): name one for all images"
        )

    @pytest.mark.soak
    def test_a_split_of_no_known_name(self, kb: KnowledgeBase) -> None:
        put(kb, "images", image_id="i1", patient_id="p", attributes=[{"name": "split", "value": "holdout"}])
        assert self.problems(kb) == ["the split 'holdout' of p: one of train, validation, test, external was expected"]


def test_every_rule_was_broken_above() -> None:
    assert {rule.name for rule in RULES} == {
        "dangling-replacement",
        "circular-replacement",
        "illegal-status",
        "illegal-field",
        "replaced-but-used",
        "foreign-embedding",
        "evidence-without-report",
        "evidence-without-concept",
        "patient-in-two-splits",
        "contradicted-facet",
        "missing-embedding",
        "shared-synonym",
    }


def test_a_foreign_vector_is_taken_away_and_nothing_else(sound: KnowledgeBase) -> None:
    damage(sound, embedder="E000000000000")
    commit = fix(sound)
    assert commit is not None
    assert commit.summary == {"mended": 1}
    assert broken(sound) == {"missing-embedding"}
    assert fix(sound) is None


@pytest.mark.soak
def test_the_command_exits_1_on_errors_and_0_on_warnings(cli, kb: KnowledgeBase) -> None:
    add_concepts(kb, ["cardiomegaly"])
    assert "every rule is kept" in cli("check", "--kb", kb.uri).stderr
    damage(kb, synonyms=["cardiomegaly"])
    assert "shared-synonym" in cli("check", "--kb", kb.uri).stdout
    damage(kb, concept_id="C1", status="splendid")
    assert "illegal-status" in cli("check", "--kb", kb.uri, code=1).stdout


@pytest.mark.soak
@pytest.mark.parametrize(
    ("fields", "told"), [({"text": ""}, "its text is empty"), ({"assertion": "maybe"}, "assertion 'maybe'")]
)
def test_a_concept_that_cannot_be_is_an_error(cli, kb: KnowledgeBase, fields: dict[str, Any], told: str) -> None:
    damage(kb, **fields)
    (problem, *_) = check(kb)
    assert (problem.severity, problem.detail) == ("error", told)
    assert "illegal-field" in cli("check", "--kb", kb.uri, code=1).stdout


class TestRestore:
    def test_an_earlier_state_comes_back_as_a_new_commit(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        ingest_reports(kb, [write_csv(tmp_path / "a.csv", REPORTS[:1])])
        kb.tag("first")
        before = state(kb)
        ingest_reports(kb, [write_csv(tmp_path / "b.csv", REPORTS[1:])])
        kb.restore("first", by="ada", why="wrong site")
        assert state(KnowledgeBase.open(kb.uri)) == before
        assert [commit.operation for commit in kb.log()][:2] == ["restore", "ingest reports"]
        assert kb.at("HEAD~1").status().reports == 3

    def test_work_goes_on_from_there(self, kb: KnowledgeBase, tmp_path: Path, tiny_model: Path) -> None:
        ingest_reports(kb, [write_csv(tmp_path / "a.csv", REPORTS[:1])])
        kb.tag("first")
        embed_concepts(kb, load_embedder(str(tiny_model)))
        kb.restore("first")
        ingest_reports(kb, [write_csv(tmp_path / "b.csv", REPORTS)])
        assert kb.status().reports == 3
        assert kb.status().not_embedded == len(kb.vocabulary)

    def test_the_newest_state_needs_no_restoring(self, kb: KnowledgeBase) -> None:
        assert kb.restore("HEAD") is None

    def test_the_command_line_restores(self, cli, cli_json, kb: KnowledgeBase) -> None:
        add_concepts(kb, ["cardiomegaly"])
        cli("restore", "HEAD~1", "--kb", kb.uri, "--dry-run")
        assert cli_json("status", "--kb", kb.uri)["concepts"] == 1
        cli("restore", "HEAD~1", "--kb", kb.uri, "--why", "a mistake")
        assert cli_json("status", "--kb", kb.uri)["concepts"] == 0
