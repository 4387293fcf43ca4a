"""Giving storage back: what goes, and what never does."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ingest.reports.ingest import ingest_reports
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from kb.vectors.embedding import load_embedder
from kb.vocabulary.check import check
from kb.vocabulary.embed_concepts import embed_concepts
from schemas.tables import TABLES
from tests.support.concepts import add_concepts, many_texts
from tests.support.copies import copy_of
from tests.support.paths import ROOT
from tests.support.reports import REPORTS, state, write_csv, write_made_reports
from tests.support.s3_server import S3Server


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> KnowledgeBase:
    """A knowledge base with a tagged ingest and twenty acts of curation after it."""
    folder = tmp_path_factory.mktemp("made")
    kb = KnowledgeBase.create(folder / "worked.kb", by="tester")
    kb.keep(newest=100)
    ingest_reports(kb, [write_csv(folder / "r.csv", REPORTS)], embedder=lambda: load_embedder(str(tiny_model)))
    kb.tag("release")
    for text in many_texts(20):
        kb.curate.add(text)
    return kb


@pytest.fixture
def worked(made: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    return copy_of(made, tmp_path)


def test_every_commit_that_is_kept_stays_as_it_was(worked: KnowledgeBase) -> None:
    before = {commit.commit_id: state(worked.at(commit.commit_id)) for commit in worked.log()}
    result = worked.gc()
    assert (result.dropped, result.kept) == (0, len(before))
    assert {commit_id: state(worked.at(commit_id)) for commit_id in before} == before


def test_what_a_dead_writer_left_goes(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["pneumothorax"])
    for _ in range(5):
        kb.storage.dataset("concepts").delete("text = 'nothing'")
    result = kb.gc()
    assert result.versions_removed >= 4
    assert len(KnowledgeBase.open(kb.uri).vocabulary) == 1


def test_kept_and_tagged_commits_stay_and_the_others_go(worked: KnowledgeBase) -> None:
    newest, release, middle = state(worked), state(worked.at("release")), worked.at("HEAD~5").commit.commit_id
    worked.gc(keep=2)
    assert state(KnowledgeBase.open(worked.uri)) == newest
    assert state(worked.at("release")) == release
    with pytest.raises(UsageError, match="dropped by a clean-up"):
        worked.at(middle)
    assert len(worked.log()) == 23


def test_work_goes_on_afterwards(worked: KnowledgeBase, tiny_model: Path) -> None:
    worked.gc(keep=1)
    worked.curate.add("hiatal hernia")
    embed_concepts(worked, load_embedder(str(tiny_model)))
    assert worked.status().not_embedded == 0
    assert [hit.text for hit in worked.search("hiatal hernia", k=1, words_only=True)] == ["hiatal hernia"]


def test_a_dry_run_touches_nothing_and_tells_what_would_be_given_back(worked: KnowledgeBase) -> None:
    commits = len(worked.log())
    before = worked.storage.size_bytes()
    told = worked.gc(keep=1, dry_run=True)
    assert (told.dropped, worked.storage.size_bytes()) == (commits - 2, before)
    assert len(KnowledgeBase.open(worked.uri).log()) == commits
    assert len(worked.commits.readable(worked.log())) == commits
    worked.publish("gc", lambda publication: ({"gathered": publication.compact("concepts", 1)}, None))
    told, done = worked.gc(keep=1, dry_run=True), worked.gc(keep=1)
    assert done.bytes_removed == pytest.approx(told.bytes_removed, rel=0.05)


def test_the_newest_commit_has_to_stay(kb: KnowledgeBase) -> None:
    with pytest.raises(ClearKbError, match="at least the newest"):
        kb.gc(keep=0)


@pytest.mark.soak
def test_two_hundred_acts_cost_at_most_half_of_a_fresh_vocabulary(tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "long.kb")
    ingest_reports(kb, [write_made_reports(tmp_path, 2_000)], embedder=load_embedder)
    fresh = kb.storage.size_bytes()
    for row in kb.vocabulary.list(limit=200):
        kb.curate.accept(row["concept_id"])
    kb.gc(keep=1)
    after = kb.storage.size_bytes()
    assert fresh is not None
    assert after is not None
    assert after <= 1.5 * fresh


@pytest.mark.soak
def test_the_log_says_which_commits_can_still_be_read(cli, cli_json, worked: KnowledgeBase) -> None:
    dropped = cli_json("gc", "--keep", "1", "--kb", worked.uri)["dropped"]
    log = cli_json("log", "--kb", worked.uri)
    assert [commit["readable"] for commit in log].count(False) == dropped > 0
    assert f"{dropped} of these are history whose data was dropped" in cli("log", "--kb", worked.uri).stderr
    assert cli_json("gc", "--kb", worked.uri)["kept"] == len(log) - dropped


def test_the_command_line_cleans(cli, cli_json, worked: KnowledgeBase) -> None:
    assert cli_json("gc", "--kb", worked.uri, "--keep", "3", "--dry-run")["dropped"] > 10
    assert "kept 4 commits" in cli("gc", "--kb", worked.uri, "--keep", "3").stderr
    assert "dropped by" in cli("status", "--kb", worked.uri, "--at", "HEAD~9", code=2).stderr


DYING = """
import os, sys
from kb.knowledge_base import KnowledgeBase
from lance.dataset import LanceDataset

left = int(sys.argv[2])
clean = LanceDataset.cleanup_old_versions

def dies(*arguments, **options):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return clean(*arguments, **options)

LanceDataset.cleanup_old_versions = dies
KnowledgeBase.open(sys.argv[1]).gc(keep=2)
"""


def marks(kb: KnowledgeBase) -> list[str]:
    tables = [kb.storage.dataset(name) for name in kb.commit.pins]
    return [name for table in tables for name in table.tags.list() if name.startswith("clear-kb-gc-")]


class TestAfterOneThatDied:
    @pytest.mark.parametrize("after", [0, 1, 4])
    def test_it_works_and_gives_back_what_the_dead_one_left(
        self, worked: KnowledgeBase, cli_json: Any, after: int
    ) -> None:
        before = state(worked), state(worked.at("release"))
        died = subprocess.run([sys.executable, "-c", DYING, worked.uri, str(after)], cwd=ROOT)
        assert died.returncode == 9
        for text in many_texts(3, "mass"):
            worked.curate.add(text)
        result = cli_json("gc", "--keep", "1", "--kb", worked.uri)
        assert result["kept"] == 2
        assert len(worked.storage.versions("concepts")) <= 3
        now = KnowledgeBase.open(worked.uri)
        assert len(now.vocabulary) == len(before[0]["concepts"]) + 3
        assert state(now.at("release")) == before[1]

    def test_marks_of_earlier_versions_of_the_program_are_taken_up_too(self, worked: KnowledgeBase) -> None:
        for commit in worked.log()[:5]:
            worked.storage.dataset("concepts").tags.create(
                f"clear-kb-gc-{commit.pins['concepts']}", commit.pins["concepts"]
            )
        worked.gc(keep=1)
        assert marks(worked) == []

    def test_a_tag_of_a_person_that_looks_like_a_mark_stays(
        self, worked: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as allowed:
            allowed.setattr("kb.store.commits.check_name", lambda name, kind: None)
            worked.at("HEAD~3").tag("clear-kb-gc-1")
        named = state(worked.at("clear-kb-gc-1"))
        worked.gc(keep=1)
        assert state(KnowledgeBase.open(worked.uri, "clear-kb-gc-1")) == named
        assert "clear-kb-gc-1" in marks(worked)

    @pytest.mark.soak
    def test_in_an_object_store_the_marks_of_one_at_work_are_left_alone_for_a_day(
        self, s3: S3Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kb = KnowledgeBase.create(f"s3://{s3.bucket}/marked.kb", s3.storage_options)
        kb.storage.dataset("concepts").tags.create("clear-kb-gc-other-1", 1)
        monkeypatch.setattr("kb.store.gc.TABLES", [table for table in TABLES if table.name == "concepts"])
        kb.gc(keep=1)
        assert marks(kb) == ["clear-kb-gc-other-1"]
        monkeypatch.setattr("kb.store.gc.YOUNG", timedelta(0))
        kb.gc(keep=1)
        assert marks(kb) == []


class TestInAnObjectStore:
    """Nobody can see who reads or writes there: what is young stays."""

    @pytest.mark.soak
    def test_what_is_younger_than_a_day_stays_and_the_rest_goes(
        self, s3: S3Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kb = KnowledgeBase.create(f"s3://{s3.bucket}/young.kb", s3.storage_options)
        kb.tag("begun")
        for text in many_texts(3):
            add_concepts(kb, [text])
        middle = kb.log()[1]
        told = kb.gc(keep=1, dry_run=True)
        assert (told.dropped, told.bytes_removed) == (0, None)
        assert kb.gc(keep=1).dropped == 0
        monkeypatch.setattr("kb.store.sweeping.YOUNG", timedelta(0))
        assert kb.gc(keep=1).dropped == 2
        assert not kb.commits.readable([middle])
        assert KnowledgeBase.open(kb.uri, "begun", storage_options=s3.storage_options).vocabulary.list() == []
        assert len(KnowledgeBase.open(kb.uri, storage_options=s3.storage_options).vocabulary) == 3

    def test_a_publication_that_a_clean_up_may_have_met_is_not_committed(
        self, s3: S3Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kb = KnowledgeBase.create(f"s3://{s3.bucket}/slow.kb", s3.storage_options)
        monkeypatch.setattr("kb.store.publication.LONGEST_S", 0)
        with pytest.raises(ClearKbError, match="nothing was committed"):
            add_concepts(kb, ["nodule"])
        assert len(KnowledgeBase.open(kb.uri, storage_options=s3.storage_options).log()) == 1


def age(files: list[Path], days: float) -> None:
    for path in files:
        os.utime(path, (time.time() - days * 86_400,) * 2)


def data(kb: KnowledgeBase, *tables: str) -> list[Path]:
    return [path for table in tables for path in Path(kb.storage.location(table)).glob("data/*")]


class TestStagedFiles:
    """Files that no version names yet, or that one without a commit names."""

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        return write_csv(tmp_path / "r.csv", REPORTS)

    @pytest.fixture
    def interrupt(
        self, kb: KnowledgeBase, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[str], list[Path]]:
        """Ingests up to a step that fails; what was staged by then, made old."""

        def fail(*_: Any, **__: Any) -> Any:
            raise ClearKbError("the power went")

        def run(step: str) -> list[Path]:
            before = set(data(kb, "reports", "observations"))
            with monkeypatch.context() as failing:
                module, _, name = step.partition(":")
                owner, _, attribute = name.rpartition(".")
                failing.setattr(pkgutil.resolve_name(f"{module}:{owner}"), attribute, fail)
                with pytest.raises(ClearKbError, match="the power went"):
                    ingest_reports(kb, [source])
            staged = [path for path in data(kb, "reports", "observations") if path not in before]
            age(staged, 8)
            return staged

        return run

    @pytest.mark.parametrize(
        "step",
        [
            pytest.param("ingest.reports.ingest:publish_ingest", id="before it was published"),
            pytest.param("ingest.reports.publishing:_write_concepts", id="while it was published"),
            pytest.param("kb.store.commits:CommitLog.append", id="before its commit was written"),
        ],
    )
    def test_those_of_an_interrupted_ingest_stay_however_old(
        self, kb: KnowledgeBase, source: Path, interrupt: Any, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        staged = interrupt(step)
        assert len(staged) == 2
        for text in ("nodule", "mass"):
            add_concepts(kb, [text])
            kb.gc(keep=1)
            assert all(path.exists() for path in staged)
            age(staged, 8)
        monkeypatch.setattr(import_module("ingest.reports.mining").Miner, "mine", lambda *_: pytest.fail("mined again"))
        assert ingest_reports(kb, [source]).new == 3
        after = KnowledgeBase.open(kb.uri)
        assert after.dataset("reports").count_rows() == 3
        assert check(after) == []

    def test_those_of_an_ingest_under_way_stay_too(
        self, kb: KnowledgeBase, source: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ingest.reports.publishing import publish_ingest

        def cleaned_first(*arguments: Any, **options: Any) -> Any:
            age(data(kb, "reports", "observations"), 8)
            cli("gc", "--kb", kb.uri)
            return publish_ingest(*arguments, **options)

        monkeypatch.setattr(import_module("ingest.reports.ingest"), "publish_ingest", cleaned_first)
        assert ingest_reports(kb, [source]).new == 3
        assert check(KnowledgeBase.open(kb.uri)) == []

    def test_what_no_journal_names_goes_after_a_week(self, kb: KnowledgeBase, interrupt: Any) -> None:
        staged = interrupt("ingest.reports.ingest:publish_ingest")
        for journal in Path(kb.uri, "_staging").iterdir():
            journal.unlink()
        kb.gc()
        assert not any(path.exists() for path in staged)

    def test_a_journal_that_cannot_be_read_stops_it_before_anything_goes(
        self, kb: KnowledgeBase, interrupt: Any, cli: Any
    ) -> None:
        staged = interrupt("ingest.reports.ingest:publish_ingest")
        (journal,) = Path(kb.uri, "_staging").glob("*.sqlite")
        journal.write_bytes(b"no database" * 1_000)
        told = cli("gc", "--kb", kb.uri, code=1).stderr
        assert told.count("\n") == 1
        assert str(journal) in told
        assert all(path.exists() for path in staged)

    @pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["gone", "emptied"])
    def test_one_that_is_lost_fails_the_publication_and_the_next_run_makes_it_anew(
        self, kb: KnowledgeBase, source: Path, lose: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ingest.reports.publishing import publish_ingest

        def lost_first(*arguments: Any, **options: Any) -> Any:
            for staged in data(kb, "observations"):
                lose(staged)
            return publish_ingest(*arguments, **options)

        add_concepts(kb, ["nodule"])
        before = state(kb)
        with monkeypatch.context() as losing:
            losing.setattr(import_module("ingest.reports.ingest"), "publish_ingest", lost_first)
            with pytest.raises(ClearKbError, match="nothing was committed; run the same command again") as told:
                ingest_reports(kb, [source])
            full = import_module("shutil").disk_usage(kb.uri)._replace(free=4_096)
            losing.setattr(import_module("kb.store.publication"), "disk_usage", lambda _: full)
            with pytest.raises(ClearKbError, match="no room left on the disk"):
                ingest_reports(kb, [source])
        assert "\n" not in str(told.value)
        after = KnowledgeBase.open(kb.uri)
        assert (state(after), after.log()) == (before, kb.log())
        assert check(after) == []
        assert ingest_reports(after, [source]).new == 3
        assert check(KnowledgeBase.open(kb.uri)) == []

    @pytest.mark.soak
    def test_one_that_is_lost_in_an_object_store_fails_the_publication_too(self, s3: S3Server) -> None:
        kb = KnowledgeBase.create(f"s3://{s3.bucket}/lost.kb", s3.storage_options)
        add_concepts(kb, ["nodule"])

        def loses(publication: Publication) -> tuple[dict[str, Any], None]:
            (staged,) = publication.stage("concepts", publication.dataset("concepts").to_batches())
            fragment = json.loads(staged)
            fragment["files"][0]["path"] = "elsewhere.lance"
            publication.append("concepts", [json.dumps(fragment)])
            return {}, None

        with pytest.raises(ClearKbError, match="nothing was committed"):
            kb.publish("loses", loses)
        assert len(KnowledgeBase.open(kb.uri, storage_options=s3.storage_options).log()) == 2
