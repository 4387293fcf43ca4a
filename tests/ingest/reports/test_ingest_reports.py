"""The main job: what an ingest adds, what it leaves alone, and what it does when it is cut off."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ingest.reports.ingest import ingest_reports
from ingest.reports.options import IngestOptions
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, EmbeddingError, load_embedder
from kb.vocabulary.check import check
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts
from tests.support.examples import drawn_from
from tests.support.reports import REPORTS, state, write_csv, write_made_reports
from tests.support.s3_server import S3Server


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "reports.csv", REPORTS)


class TestWhatItAdds:
    def test_reports_observations_and_concepts_in_one_commit(self, kb: KnowledgeBase, source: Path) -> None:
        result = ingest_reports(kb, [source], by="ada", why="first site")
        assert (result.read, result.new, result.rejected) == (3, 3, 0)
        newest = kb.log()[0]
        assert (newest.operation, newest.author, newest.reason) == (
            "ingest reports",
            "ada",
            "first site",
        )
        assert len(kb.log()) == 2
        texts = kb.dataset("concepts").to_table(columns=["text"])["text"].to_pylist()
        assert {"small left pleural effusion", "no pneumothorax", "cardiomegaly", "no pleural effusion"} <= {*texts}
        assert kb.status().observations["absent"] == 3

    def test_a_mention_leads_back_to_its_sentence(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source])
        (hit,) = kb.search("small left effusion", k=1, words_only=True)
        (mention,) = kb.vocabulary.evidence(hit.concept_id)
        assert mention.report_id == "a"
        assert mention.sentence == "Small left pleural effusion."
        assert [mention.sentence[start:end] for start, end in mention.spans] == ["Small left pleural effusion"]

    def test_counts_derive_from_the_mentions(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source])
        (hit,) = kb.search("no pneumothorax", k=1, words_only=True)
        counts = kb.vocabulary.counts([hit.concept_id])[hit.concept_id]
        assert (counts.mentions, counts.reports) == (2, 2)

    def test_new_concepts_are_embedded(self, kb: KnowledgeBase, source: Path, tiny_model: Path) -> None:
        result = ingest_reports(kb, [source], embedder=lambda: load_embedder(str(tiny_model)))
        assert result.embedded == result.new_concepts == len(kb.vocabulary)
        assert kb.status().not_embedded == 0

    def test_without_an_embedder_they_wait(self, kb: KnowledgeBase, source: Path, tiny_model: Path) -> None:
        ingest_reports(kb, [source])
        assert kb.status().not_embedded == len(kb.vocabulary)
        embed_concepts(kb, load_embedder(str(tiny_model)))
        assert kb.status().not_embedded == 0

    def test_only_the_sections_asked_for_are_mined_and_all_are_kept(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        source = write_csv(tmp_path / "r.csv", REPORTS[:1])
        ingest_reports(kb, [source], IngestOptions(sections=("impression",)))
        assert {row["section"] for row in kb.dataset("observations").to_table().to_pylist()} == {"impression"}
        (report,) = kb.dataset("reports").to_table().to_pylist()
        assert {(s["name"], s["mined"]) for s in report["sections"]} == {
            ("findings", False),
            ("impression", True),
        }

    def test_report_texts_can_stay_out(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source], IngestOptions(store_text=False))
        rows = kb.dataset("reports").to_table().to_pylist()
        assert all(section["text"] is None for row in rows for section in row["sections"])
        (hit,) = kb.search("cardiomegaly", k=1, words_only=True)
        evidence = kb.vocabulary.evidence(hit.concept_id)
        assert {mention.sentence for mention in evidence} == {None}
        assert {mention.text for mention in evidence} == {"cardiomegaly"}, "of its words those of its concept stay"

    @pytest.mark.soak
    def test_several_processes_mine_the_same(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_module("ingest.reports.mining"), "INLINE_CHUNKS", 2)
        source = write_made_reports(tmp_path, 4_000)
        one, two = (KnowledgeBase.create(tmp_path / f"{n}.kb") for n in ("one", "two"))
        ingest_reports(one, [source], IngestOptions(workers=1))
        ingest_reports(two, [source], IngestOptions(workers=2))
        assert state(one) == state(two)

    def test_an_object_store_takes_it_too(self, s3: S3Server, source: Path, tiny_model: Path) -> None:
        kb = KnowledgeBase.create(f"s3://{s3.bucket}/ingest.kb", s3.storage_options)
        ingest_reports(kb, [source], embedder=lambda: load_embedder(str(tiny_model)))
        assert kb.status().reports == 3
        assert ingest_reports(kb, [source]).commit is None


class TestIdempotence:
    def test_the_same_file_twice_adds_nothing(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source])
        before = state(kb)
        result = ingest_reports(kb, [source])
        assert (result.new, result.changed, result.unchanged, result.commit) == (0, 0, 3, None)
        assert (state(kb), len(kb.log())) == (before, 2)

    def test_nothing_new_never_asks_for_the_embedder(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source])

        def unreachable() -> Embedder:
            raise AssertionError("the embedder was loaded for nothing")

        assert ingest_reports(kb, [source], embedder=unreachable).commit is None

    def test_a_changed_report_replaces_its_own_observations(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        ingest_reports(kb, [write_csv(tmp_path / "v1.csv", REPORTS)])
        changed = [{**REPORTS[0], "findings": "Right pneumothorax."}, *REPORTS[1:]]
        result = ingest_reports(kb, [write_csv(tmp_path / "v2.csv", changed)])
        assert (result.new, result.changed, result.unchanged) == (0, 1, 2)
        rows = kb.dataset("observations").to_table(filter="report_id = 'a' AND section = 'findings'").to_pylist()
        assert [row["text"] for row in rows] == ["Right pneumothorax"]
        assert kb.dataset("reports").count_rows() == 3

    def test_a_concept_without_evidence_left_stays(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        ingest_reports(kb, [write_csv(tmp_path / "v1.csv", REPORTS)])
        (hit,) = kb.search("small left effusion", k=1, words_only=True)
        ingest_reports(kb, [write_csv(tmp_path / "v2.csv", [{**REPORTS[0], "findings": "Normal."}])])
        assert kb.vocabulary.get(hit.concept_id).text == hit.text
        assert hit.concept_id not in kb.vocabulary.counts()

    def test_a_curators_status_is_left_alone(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        add_concepts(kb, ["no pneumothorax"], status="rejected")
        ingest_reports(kb, [write_csv(tmp_path / "r.csv", REPORTS)])
        (concept_id,) = (row["concept_id"] for row in kb.vocabulary.list(status="rejected"))
        assert kb.vocabulary.get(concept_id).status == "rejected"
        assert kb.vocabulary.counts([concept_id])[concept_id].mentions == 2

    def test_other_settings_mine_again_only_when_asked(self, kb: KnowledgeBase, source: Path) -> None:
        ingest_reports(kb, [source])
        other = IngestOptions(sections=("findings",))
        kept = ingest_reports(kb, [source], other)
        assert (kept.other_extractor, kept.changed, kept.commit) == (3, 0, None)
        mined = ingest_reports(kb, [source], IngestOptions(sections=("findings",), remine=True))
        assert (mined.changed, mined.commit is None) == (3, False)
        assert {row["section"] for row in kb.dataset("observations").to_table().to_pylist()} == {"findings"}

    def test_an_embedder_that_is_not_the_vocabularys_is_refused(
        self, kb: KnowledgeBase, source: Path, tiny_model: Path, embedder: Embedder
    ) -> None:
        add_concepts(kb, ["nodule"])
        embed_concepts(kb, load_embedder(str(tiny_model)))
        with pytest.raises(UsageError, match="name no embedder"):
            ingest_reports(kb, [source], embedder=lambda: embedder)
        assert kb.status().reports == 0


class TestRejects:
    def test_what_cannot_be_taken_is_kept_with_its_reason(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = [
            *REPORTS,
            {"uid": "", "findings": "No id.", "impression": ""},
            {"uid": "d", "findings": "", "impression": ""},
        ]
        result = ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)])
        assert (result.new, result.rejected) == (3, 2)
        rejects = kb.rejects()
        assert [(reject["report_id"], reject["source"]) for reject in rejects] == [
            (None, str(tmp_path / "r.csv")),
            ("d", str(tmp_path / "r.csv")),
        ]
        assert all(reject["reason"] and reject["position"] for reject in rejects)

    def test_one_id_with_two_texts_keeps_the_first_and_names_it(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        rows = [*REPORTS, {**REPORTS[0], "findings": "Something else."}]
        result = ingest_reports(kb, [write_csv(tmp_path / "r.csv", rows)])
        assert (result.new, result.rejected) == (3, 1)
        assert "met with another text" in kb.rejects()[0]["reason"]
        assert kb.dataset("reports").count_rows("report_id = 'a'") == 1

    def test_one_report_twice_is_taken_once_and_counted(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        result = ingest_reports(kb, [write_csv(tmp_path / "r.csv", [*REPORTS, REPORTS[0]])])
        assert (result.new, result.repeated, result.rejected) == (3, 1, 0)

    def test_the_same_rejects_again_are_not_doubled(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        source = write_csv(tmp_path / "r.csv", [*REPORTS, {"uid": "", "findings": "No id.", "impression": ""}])
        ingest_reports(kb, [source])
        assert ingest_reports(kb, [source]).commit is None
        assert len(kb.rejects()) == 1

    def test_a_mended_file_clears_its_rejects(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        source = write_csv(tmp_path / "r.csv", [*REPORTS, {"uid": "", "findings": "No id.", "impression": ""}])
        ingest_reports(kb, [source])
        write_csv(source, [*REPORTS, {"uid": "d", "findings": "Now with an id.", "impression": ""}])
        ingest_reports(kb, [source])
        assert kb.rejects() == []


def test_two_ingests_at_once_lose_nothing_and_double_nothing(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = [{"uid": str(n), "findings": f"A {n} mm nodule. No effusion.", "impression": ""} for n in range(600)]
    other = [{**row, "impression": "Cardiomegaly."} for row in rows[300:]]
    files = [write_csv(tmp_path / "a.csv", rows[:400]), write_csv(tmp_path / "b.csv", other)]
    assert [process.wait() for process in [run_ingest(file, kb.uri) for file in files]] == [0, 0]
    after = KnowledgeBase.open(kb.uri)
    ids = after.dataset("reports").to_table(columns=["report_id"])["report_id"].to_pylist()
    assert sorted(map(int, ids)) == list(range(600))
    assert [commit.operation for commit in after.log()] == ["ingest reports", "ingest reports", "init"]
    assert check(after) == []


def test_of_two_ingests_at_once_each_counts_what_it_added_itself(
    kb: KnowledgeBase, tmp_path: Path, tiny_model: Path
) -> None:
    rows = [{"uid": str(n), "findings": f"A {n} mm nodule.", "impression": ""} for n in range(1, 9)]
    theirs = [*rows[:3], {**rows[3], "findings": "Cardiomegaly."}]
    first, second = write_csv(tmp_path / "theirs.csv", theirs), write_csv(tmp_path / "ours.csv", rows)

    def while_another_ingest_commits() -> Embedder:
        loaded = load_embedder(str(tiny_model))
        result = ingest_reports(KnowledgeBase.open(kb.uri), [first], embedder=lambda: loaded)
        assert result.new == 4
        return loaded

    result = ingest_reports(kb, [second], embedder=while_another_ingest_commits)
    assert (result.new, result.changed, result.unchanged) == (4, 1, 3)
    assert result.commit is not None
    assert (result.commit.summary["new"], result.commit.summary["changed"]) == (4, 1)
    assert kb.status().reports == 8
    # Of the concepts "nodule" was theirs already, and "cardiomegaly" theirs alone.
    assert (result.new_concepts, len(kb.vocabulary)) == (0, 2)


class TestDryRun:
    def test_it_counts_and_writes_nothing(self, kb: KnowledgeBase, source: Path) -> None:
        result = ingest_reports(kb, [source], dry_run=True)
        assert (result.new, result.commit) == (3, None)
        assert result.observations > 0
        assert result.new_concepts > 0
        assert KnowledgeBase.open(kb.uri).log() == kb.log()
        assert kb.storage.dataset("reports").count_rows() == 0


class TestCutOff:
    def test_an_embedder_that_fails_leaves_the_last_commit_and_the_mining(
        self, kb: KnowledgeBase, source: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Failing:
            info = load_embedder(str(tiny_model)).info

            def embed(self, texts: Sequence[str]) -> Any:
                raise EmbeddingError("the GPU fell off")

            def embed_query(self, text: str) -> Any:
                raise EmbeddingError("the GPU fell off")

        with pytest.raises(EmbeddingError):
            ingest_reports(kb, [source], embedder=Failing)
        assert kb.status().reports == 0
        folder = Path(kb.uri)
        assert (folder / "_staging").stat().st_mode == folder.stat().st_mode, "whoever shares the folder may go on"
        mined: list[str] = []
        monkeypatch.setattr(
            import_module("ingest.reports.mining").Miner, "mine", lambda self, reports: mined.append("again")
        )
        result = ingest_reports(kb, [source], embedder=lambda: load_embedder(str(tiny_model)))
        assert mined == []
        assert (result.new, kb.status().reports) == (3, 3)

    def test_in_an_object_store_the_mining_is_not_lost_either(
        self, s3: S3Server, source: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        kb = KnowledgeBase.create(f"s3://{s3.bucket}/interrupted.kb", s3.storage_options)

        def failing() -> Any:
            raise EmbeddingError("the GPU fell off")

        with pytest.raises(EmbeddingError):
            ingest_reports(kb, [source], embedder=failing)
        (journal,) = (tmp_path / "cache").rglob("*.sqlite")
        assert journal.parent.stat().st_mode & 0o077 == 0, "it tells of reports, and is for nobody else"
        kb.gc()
        with monkeypatch.context() as watched:
            watched.setattr(import_module("ingest.reports.mining").Miner, "mine", None)
            result = ingest_reports(kb, [source], embedder=lambda: load_embedder(str(tiny_model)))
        assert (result.new, kb.status().reports) == (3, 3)
        assert not journal.exists()

    @pytest.mark.parametrize("change", ["rewritten", "removed"])
    def test_a_report_that_changes_after_an_interruption_is_stored_as_it_is_now(
        self, kb: KnowledgeBase, tmp_path: Path, change: str
    ) -> None:
        folder = tmp_path / "reports"
        folder.mkdir()
        for number in range(5):
            (folder / f"r{number}.txt").write_text(f"Nodule of {number} cm.")

        def failing() -> Any:
            raise EmbeddingError("the GPU fell off")

        times = folder.stat()
        with pytest.raises(EmbeddingError):
            ingest_reports(kb, [folder], embedder=failing)
        if change == "rewritten":
            (folder / "r3.txt").write_text("Left effusion.")
        else:
            (folder / "r3.txt").unlink()
            os.utime(folder, ns=(times.st_atime_ns, times.st_mtime_ns))
        result = ingest_reports(kb, [folder])
        stored = {row["report_id"]: row["sections"] for row in kb.dataset("reports").to_table().to_pylist()}
        assert result.new == len(stored) == (5 if change == "rewritten" else 4)
        assert "Nodule of 3 cm" not in str(stored)
        assert ("Left effusion" in str(stored)) == (change == "rewritten")

    def test_the_same_ingest_twice_at_once_is_refused(self, kb: KnowledgeBase, source: Path) -> None:
        from ingest.reports.resume import open_journal
        from ingest.sources import open_source

        opened = [open_source(source)]
        second = open_journal(kb, opened, ["s"], temporary=False)
        first = open_journal(kb, opened, ["s"], temporary=False)
        with first, pytest.raises(ClearKbError, match="another process"):
            second.__enter__()

    @pytest.mark.soak
    def test_killed_at_any_point_it_leaves_the_last_commit_and_finishes_when_run_again(self, tmp_path: Path) -> None:
        source = write_made_reports(tmp_path, 4_000)
        whole = KnowledgeBase.create(tmp_path / "whole.kb")
        seconds = time.monotonic()
        assert run_ingest(source, whole.uri).wait() == 0
        seconds = time.monotonic() - seconds
        killed = KnowledgeBase.create(tmp_path / "killed.kb")
        deaths = 0
        for part in (0.4, 0.6, 0.8, 0.95):
            process = run_ingest(source, killed.uri)
            try:
                process.wait(timeout=seconds * part)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                deaths += 1
            seen = KnowledgeBase.open(killed.uri)
            assert seen.status().reports in (0, 4_000)
            assert len(seen.log()) == (1 if seen.status().reports == 0 else 2)
        assert deaths >= 1
        assert run_ingest(source, killed.uri).wait() == 0
        after, expected = KnowledgeBase.open(killed.uri), KnowledgeBase.open(whole.uri)
        assert state(after) == state(expected)
        assert len(after.log()) == 2

    @pytest.mark.soak
    def test_thirty_kills_at_random_while_it_embeds(self, tmp_path: Path, tiny_model: Path) -> None:
        source = write_made_reports(tmp_path, 6_000)
        whole, killed = (KnowledgeBase.create(tmp_path / f"{name}.kb") for name in ("whole", "killed"))
        embedding = ("--embedder", str(tiny_model))
        seconds = time.monotonic()
        assert run_ingest(source, whole.uri, *embedding).wait() == 0
        seconds = time.monotonic() - seconds
        draw = random.Random(drawn_from(0))
        for _ in range(30):
            process = run_ingest(source, killed.uri, *embedding)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=seconds * draw.uniform(0.2, 0.95))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            assert KnowledgeBase.open(killed.uri).status().reports in (0, 6_000)
        assert run_ingest(source, killed.uri, *embedding).wait() == 0
        after = KnowledgeBase.open(killed.uri)
        assert state(after) == state(KnowledgeBase.open(whole.uri))
        assert (len(after.log()), after.status().not_embedded) == (2, 0)


def run_ingest(source: Path, uri: str, *embedding: str) -> subprocess.Popen[bytes]:
    command = [Path(sys.executable).with_name("clear-kb"), "ingest", "reports", source, "--kb", uri]
    options = [*(embedding or ("--no-embed",)), "--quiet", "--workers", "1"]
    return subprocess.Popen([*map(str, command), *options], start_new_session=True)


@pytest.mark.soak
def test_the_real_open_i_reports(kb: KnowledgeBase, openi_csv: Path) -> None:
    result = ingest_reports(kb, [openi_csv])
    assert (result.read, result.new + result.rejected) == (1892, 1904)
    assert kb.status().observations["present"] > 5_000
    assert ingest_reports(kb, [openi_csv]).commit is None
