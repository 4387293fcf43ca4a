"""Giving storage back: what goes, and what never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.reports import ingest_reports
from kb.embed_concepts import embed_concepts
from kb.embedding import load_embedder
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from tests.ingest.test_ingest_reports import REPORTS, state, write_csv, write_synthetic
from tests.support import add_concepts


@pytest.fixture
def worked(kb: KnowledgeBase, tmp_path: Path, tiny_model: Path) -> KnowledgeBase:
    """A knowledge base with a tagged ingest and twenty acts of curation after it."""
    ingest_reports(kb, [write_csv(tmp_path / "r.csv", REPORTS)], embedder=lambda: load_embedder(str(tiny_model)))
    kb.tag("release")
    for number in range(20):
        kb.vocabulary.add(f"nodule of {number} mm")
    return kb


def test_by_default_every_commit_stays_as_it_was(worked: KnowledgeBase) -> None:
    before = {commit.commit_id: state(worked.at(commit.commit_id)) for commit in worked.log()}
    result = worked.gc()
    assert (result.dropped, result.kept) == (0, len(before) + 1)
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
    with pytest.raises(UsageError, match="dropped by `clear-kb gc`"):
        worked.at(middle)
    assert len(worked.log()) == 23


def test_work_goes_on_afterwards(worked: KnowledgeBase, tiny_model: Path) -> None:
    worked.gc(keep=1)
    worked.vocabulary.add("hiatal hernia")
    embed_concepts(worked, load_embedder(str(tiny_model)))
    assert worked.status().not_embedded == 0
    assert [hit.text for hit in worked.search("hiatal hernia", k=1, words_only=True)] == ["hiatal hernia"]


def test_a_dry_run_touches_nothing(worked: KnowledgeBase) -> None:
    commits = len(worked.log())
    assert worked.gc(keep=1, dry_run=True).dropped == commits - 2
    assert len(KnowledgeBase.open(worked.uri).log()) == commits
    assert len(worked.commits.readable(worked.log())) == commits


def test_the_newest_commit_has_to_stay(kb: KnowledgeBase) -> None:
    with pytest.raises(ClearKbError, match="at least the newest"):
        kb.gc(keep=0)


@pytest.mark.soak
def test_two_hundred_acts_cost_at_most_half_of_a_fresh_vocabulary(tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "long.kb")
    ingest_reports(kb, [write_synthetic(tmp_path, 2_000)], embedder=load_embedder)
    fresh = kb.storage.size_bytes()
    for row in kb.vocabulary.list(limit=200):
        kb.vocabulary.accept(row["concept_id"])
    kb.gc(keep=1)
    after = kb.storage.size_bytes()
    assert fresh is not None
    assert after is not None
    assert after <= 1.5 * fresh


def test_the_log_says_which_commits_can_still_be_read(cli, cli_json, worked: KnowledgeBase) -> None:
    dropped = cli_json("gc", "--keep", "1", "--kb", worked.uri)["dropped"]
    log = cli_json("log", "--kb", worked.uri)
    assert [commit["readable"] for commit in log].count(False) == dropped > 0
    assert f"{dropped} of these were dropped" in cli("log", "--kb", worked.uri).stderr
    assert cli_json("gc", "--kb", worked.uri)["kept"] == len(log) - dropped


def test_the_command_line_cleans(cli, cli_json, worked: KnowledgeBase) -> None:
    assert cli_json("gc", "--kb", worked.uri, "--keep", "3", "--dry-run")["dropped"] > 10
    assert "kept 4 commits" in cli("gc", "--kb", worked.uri, "--keep", "3").stderr
    assert "dropped by" in cli("status", "--kb", worked.uri, "--at", "HEAD~9", code=2).stderr
