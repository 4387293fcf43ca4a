"""A patient forgotten: gone from every state that can be read and every byte, and nobody else touched."""

from __future__ import annotations

import csv
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import ingest
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.forgetting import forget
from kb.store.branches import create_branch
from kb.store.commits import CommitLog
from kb.store.safety.copying import copy_knowledge_base
from kb.store.storage import Storage
from kb.vocabulary.check import check
from tests.support.tables import fill

GONE = "patient-quagga-77"
OWN = "Velvet rim beside the right hilum, as it was told of no other patient."
TOLD = {
    "p-other-001": ("Small left pleural effusion. No pneumothorax.", "Left effusion."),
    GONE: (f"{OWN} No pneumothorax. Large right pleural effusion.", "Calcified granuloma."),
    "p-other-002": ("The heart is enlarged. No pneumothorax.", "Cardiomegaly."),
}


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    """Three patients with reports, images, labels and kept pixels; a tag, a draft and an act behind them."""
    base = KnowledgeBase.create(tmp_path / "ward.kb", by="tester")
    path = tmp_path / "reports.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["report_id", "study_id", "patient_id", "findings", "impression"])
        for patient, sections in TOLD.items():
            writer.writerow([f"report-of-{patient}", f"study-of-{patient}", patient, *sections])
    ingest.reports(base, [path], embed=False, workers=1, by="tester")
    images = [
        {
            "image_id": f"image-of-{p}",
            "study_id": f"study-of-{p}",
            "patient_id": p,
            "kind": "png",
            "content_hash": f"hash-{p}",
        }
        for p in TOLD
    ]
    labels = [{"image_id": f"image-of-{p}", "label": "Effusion", "value": 1, "source": "test"} for p in TOLD]
    fill(base, images=images, labels=labels)
    for p in TOLD:
        row = {"key": f"key-{p}", "content_hash": f"hash-{p}", "preprocessing": "t", "size": 8, "pixels": bytes(64)}
        base.storage.append("pixels", [row])
    base = KnowledgeBase.open(base.uri)
    base.tag("v1", by="tester")
    (concept,) = [row for row in base.vocabulary.list() if row["text"] == "cardiomegaly"]
    base.curate.accept(concept["concept_id"], by="tester")
    return KnowledgeBase.open(base.uri)


def patients_in(state: KnowledgeBase) -> set[str]:
    return set(state.dataset("reports").to_table(columns=["patient_id"])["patient_id"].to_pylist())


def bytes_with(folder: Path, words: str) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return [path.name for path in files if words.encode() in path.read_bytes()]


def test_no_row_and_no_byte_of_the_patient_is_left_and_the_others_stay(base: KnowledgeBase) -> None:
    folder = Path(base.uri)
    assert bytes_with(folder, GONE), "what is looked for is there before"
    told = forget(base, GONE, by="tester")
    assert (told.reports, told.images, told.proof.found) == (1, 1, ())
    for words in (GONE, OWN, f"hash-{GONE}"):
        assert bytes_with(folder, words) == []
    now = KnowledgeBase.open(base.uri)
    assert patients_in(now) == {"p-other-001", "p-other-002"}
    assert now.dataset("images").count_rows() == now.dataset("labels").count_rows() == 2
    assert now.storage.dataset("pixels").count_rows() == 2
    assert check(now) == []


@pytest.mark.soak
def test_concepts_that_only_they_had_go_and_shared_ones_stay(base: KnowledgeBase) -> None:
    forget(base, GONE, by="tester")
    texts = {row["text"] for row in KnowledgeBase.open(base.uri).dataset("concepts").to_table().to_pylist()}
    assert "large right pleural effusion" not in texts
    assert {"no pneumothorax", "cardiomegaly"} <= texts


def test_a_backup_holds_the_patient_until_it_is_pruned(base: KnowledgeBase, tmp_path: Path) -> None:
    copy = Storage(tmp_path / "copy.kb")
    copy_knowledge_base(base.storage, copy)
    forget(base, GONE, by="tester")
    copy_knowledge_base(Storage(base.uri), copy)
    assert bytes_with(Path(copy.uri), GONE)
    copy_knowledge_base(Storage(base.uri), copy, prune=True)
    for words in (GONE, OWN, f"hash-{GONE}"):
        assert bytes_with(Path(copy.uri), words) == []
    assert patients_in(KnowledgeBase.open(copy.uri).at("v1")) == {"p-other-001", "p-other-002"}


@pytest.mark.soak
def test_a_tag_keeps_its_name_on_a_cleaned_copy_and_older_commits_cannot_be_read(base: KnowledgeBase) -> None:
    first = base.log()[-2].commit_id
    forget(base, GONE, by="tester")
    now = KnowledgeBase.open(base.uri)
    assert patients_in(now.at("v1")) == {"p-other-001", "p-other-002"}
    with pytest.raises(UsageError, match="its data is gone"):
        now.at(first)


@pytest.mark.soak
def test_a_draft_is_made_anew_and_can_still_be_merged(base: KnowledgeBase, cli) -> None:
    cli("branch", "create", "draft", "--kb", base.uri)
    (concept,) = [row for row in base.vocabulary.list() if row["text"] == "no pneumothorax"]
    cli("vocab", "note", concept["concept_id"], "of the draft", "--branch", "draft", "--kb", base.uri)
    forget(KnowledgeBase.open(base.uri), GONE, by="tester")
    now = KnowledgeBase.open(base.uri)
    assert patients_in(now.at("draft")) == {"p-other-001", "p-other-002"}
    cli("branch", "merge", "draft", "--kb", base.uri)
    assert KnowledgeBase.open(base.uri).vocabulary.get(concept["concept_id"]).note == "of the draft"


class Cut(BaseException):
    """The process was ended."""


@pytest.fixture
def drafted(base: KnowledgeBase) -> tuple[KnowledgeBase, str]:
    """The same with a draft on which a concept has a note, and that concept."""
    create_branch(base, "draft", by="tester")
    (concept,) = [row for row in base.vocabulary.list() if row["text"] == "no pneumothorax"]
    base.at("draft").curate.set_note(concept["concept_id"], "of the draft", by="tester")
    return KnowledgeBase.open(base.uri), concept["concept_id"]


def test_wherever_it_was_cut_off_it_ends_with_every_tag_and_every_act_on_a_draft(
    drafted: tuple[KnowledgeBase, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, concept_id = drafted
    append, move = CommitLog.append, CommitLog.move_tag
    cuts = 0
    for left in range(1, 20, 2):
        copy = tmp_path / f"cut-{left}.kb"
        shutil.copytree(base.uri, copy)
        steps = iter(range(left))

        def cut_off(do: Any, steps: Iterator[int] = steps) -> Any:
            def step(*args: Any) -> Any:
                done = do(*args)
                if next(steps, None) is None:
                    raise Cut
                return done

            return step

        with monkeypatch.context() as patched:
            patched.setattr(CommitLog, "append", cut_off(append))
            patched.setattr(CommitLog, "move_tag", cut_off(move))
            try:
                forget(KnowledgeBase.open(copy), GONE, by="tester")
            except Cut:
                cuts += 1
            else:
                break
        forget(KnowledgeBase.open(copy), GONE, by="tester")
        now = KnowledgeBase.open(copy)
        assert patients_in(now) == patients_in(now.at("v1")) == patients_in(now.at("draft")) == set(TOLD) - {GONE}
        assert now.at("draft").vocabulary.get(concept_id).note == "of the draft"
        assert set(now.commits.branches()) == {"main", "draft"}
        shutil.rmtree(copy)
    assert cuts > 3


def test_what_is_done_on_a_draft_meanwhile_is_not_lost(drafted: tuple[KnowledgeBase, str]) -> None:
    base, concept_id = drafted
    others = [row["concept_id"] for row in base.vocabulary.list() if row["concept_id"] != concept_id]
    noted: list[str] = []
    over = threading.Event()

    def act() -> None:
        for other in others:
            if over.is_set():
                return
            with suppress(UsageError, ClearKbError):  # a concept that only the patient had may be gone
                KnowledgeBase.open(base.uri).at("draft").curate.set_note(other, "meanwhile", by="ada")
                noted.append(other)

    curator = threading.Thread(target=act)
    curator.start()
    forget(KnowledgeBase.open(base.uri), GONE, by="tester")
    over.set()
    curator.join()
    draft = KnowledgeBase.open(base.uri).at("draft")
    assert noted
    notes = {row["concept_id"]: row["note"] for row in draft.dataset("concepts").to_table().to_pylist()}
    assert all(notes.get(one, "meanwhile") == "meanwhile" for one in noted)
    assert notes[concept_id] == "of the draft"


@pytest.mark.soak
def test_a_dry_run_tells_the_same_and_touches_nothing(base: KnowledgeBase, cli_json) -> None:
    told: Any = cli_json("forget", "--patient", GONE, "--dry-run", "--kb", base.uri)
    assert (told["reports"], told["rows"]["observations"]) == (1, 5)
    assert patients_in(KnowledgeBase.open(base.uri)) == set(TOLD)


@pytest.mark.soak
def test_the_command_asks_to_be_told_that_it_is_meant(base: KnowledgeBase, cli) -> None:
    assert "say --yes" in cli("forget", "--patient", GONE, "--kb", base.uri, code=2).stderr
    done = cli("forget", "--patient", GONE, "--yes", "--kb", base.uri).stdout
    assert "nothing found" in done and "not reached" in done
    assert "nothing of a patient" in cli("forget", "--patient", GONE, "--yes", "--kb", base.uri, code=2).stderr


def test_forgetting_that_was_killed_is_said_and_goes_on(base: KnowledgeBase, cli) -> None:
    mark = Path(base.uri) / "_staging" / "forgetting.json"
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(json.dumps({"patient": GONE}), encoding="utf-8")
    assert "forgetting a patient was interrupted" in cli("status", "--kb", base.uri).stderr
    forget(KnowledgeBase.open(base.uri), GONE, by="tester")
    assert not mark.exists()


@pytest.fixture
def tangled(base: KnowledgeBase, tmp_path: Path, cli) -> KnowledgeBase:
    """The same, and the id stands in a longer one, rejects, a source's path, a note, a reason, an export and debris."""
    folder = tmp_path / f"from-{GONE}"
    folder.mkdir()
    path = folder / "more.csv"
    rows = [
        f"r-771,{GONE}1,No pneumothorax.",
        f"{GONE}_r9,{GONE},",
        f"{GONE}1_r2,{GONE}1,",
        "r-5,p-other-003,Small left pleural effusion.",
    ]
    path.write_text("\n".join(["report_id,patient_id,findings", *rows]), encoding="utf-8")
    ingest.reports(base, [path], embed=False, workers=1, by="tester")
    (concept,) = [row for row in base.vocabulary.list() if row["text"] == "no pneumothorax"]
    base.curate.set_note(concept["concept_id"], f"as in {GONE}", by="tester", why=f"told of {GONE}")
    query = f"SELECT * FROM reports WHERE patient_id = '{GONE}'"
    cli("audit", "sql", query, "-o", f"{GONE}.csv", "--kb", base.uri)
    debris = Path(base.uri) / "_damaged" / "once" / "reports.lance"
    debris.mkdir(parents=True)
    (debris / "data.lance").write_text(OWN, encoding="utf-8")
    return KnowledgeBase.open(base.uri)


@pytest.mark.soak
def test_an_id_that_stands_in_what_is_of_others_stops_nothing_and_is_told_before(
    tangled: KnowledgeBase, cli, cli_json
) -> None:
    told: Any = cli_json("forget", "--patient", GONE, "--dry-run", "--kb", tangled.uri)
    places = {line.split(":")[0] for line in told["left_to_you"]}
    assert {"concepts.note", "commits.reason", "reports.source"} <= places
    assert not {place for place in places if place.startswith(("exports.", "reports.patient"))}
    assert (told["put_aside"], told["rows"]["rejects"]) == (1, 1)
    done = cli("forget", "--patient", GONE, "--yes", "--kb", tangled.uri).stdout
    assert "left to you" in done and "nothing found" in done
    now = KnowledgeBase.open(tangled.uri)
    assert patients_in(now) == {"p-other-001", "p-other-002", "p-other-003", f"{GONE}1"}
    assert now.dataset("rejects").to_table()["report_id"].to_pylist() == [f"{GONE}1_r2"]
    (export,) = cli_json("log", "--exports", "--kb", tangled.uri)
    assert GONE not in json.dumps(export) and "SELECT * FROM reports" in export["filters"]["query"]
    assert not (Path(tangled.uri) / "_damaged").exists()
    assert not (Path(tangled.uri) / "_staging" / "forgetting.json").exists()


@pytest.mark.soak
def test_bytes_that_no_table_leads_to_are_named_and_hinder_nobody_else(base: KnowledgeBase) -> None:
    stray = Path(base.uri) / "stray.txt"
    stray.write_text(f"{GONE} was here", encoding="utf-8")
    with pytest.raises(ClearKbError, match=r"no row of the patient is left, and yet stray\.txt holds"):
        forget(base, GONE, by="tester")
    assert not (Path(base.uri) / "_staging" / "forgetting.json").exists()


def test_no_id_and_a_reason_that_names_the_patient_are_refused(kb: KnowledgeBase, cli) -> None:
    assert "a patient's id was expected" in cli("forget", "--patient", " ", "--yes", "--kb", kb.uri, code=2).stderr
    told = cli("forget", "--patient", GONE, "--why", f"{GONE} asked", "--yes", "--kb", kb.uri, code=2).stderr
    assert "the reason names the patient" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [("[", "is damaged"), ("[1]", "names no patient"), ('{"patient": "somebody-else"}', "has to be finished first")],
)
def test_the_mark_of_another_patient_or_of_nobody_is_named_with_a_way_out(
    kb: KnowledgeBase, cli, content: str, said: str
) -> None:
    mark = Path(kb.uri) / "_staging" / "forgetting.json"
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(content, encoding="utf-8")
    cli("status", "--kb", kb.uri)
    told = cli("forget", "--patient", GONE, "--yes", "--kb", kb.uri, code=1).stderr
    assert said in told and "forgetting.json" in told and "not foreseen" not in told
