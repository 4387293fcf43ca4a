"""Writers of one knowledge base in an object store, by the real command: at once, killed, beside a clean-up."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.commits import Commit, CommitLog
from kb.vocabulary.check import check
from tests.support.command_process import Running, start_command
from tests.support.concepts import add_concepts
from tests.support.examples import drawn_from
from tests.support.reports import write_csv
from tests.support.s3_server import S3Server

Start = Callable[[Sequence[str]], Running]


@pytest.fixture
def start(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Start:
    """Starts `clear-kb` with the keys of the store, and does not wait for it."""
    ours: Mapping[str, str] = {k: v for k, v in os.environ.items() if not k.startswith("CLEAR_KB")} | s3.environment

    def begin(arguments: Sequence[str]) -> Running:
        captured = tmp_path_factory.mktemp("printed")
        return start_command(arguments, folder=tmp_path, environment=ours, captured=captured)

    return begin


def reports(path: Path, ids: range) -> str:
    rows = [{"uid": str(n), "findings": f"A {n} mm nodule. No effusion.", "impression": ""} for n in ids]
    return str(write_csv(path, rows))


def ended(running: Running) -> str:
    done = running.end(600)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_two_ingests_and_a_curator_at_once_lose_nothing_and_double_nothing(
    s3: S3Server, start: Start, tmp_path: Path
) -> None:
    uri = f"s3://{s3.bucket}/at-once.kb"
    base = KnowledgeBase.create(uri, s3.storage_options)
    add_concepts(base, ["pneumothorax"])
    (concept_id,) = (row["concept_id"] for row in base.vocabulary.list())
    files = [reports(tmp_path / "a.csv", range(60)), reports(tmp_path / "b.csv", range(40, 100))]
    running = [start(["ingest", "reports", file, "--no-embed", "--kb", uri]) for file in files]
    for number in range(3):
        base.curate.set_note(concept_id, f"note {number}", by="ada")
    for one in running:
        ended(one)
    after = KnowledgeBase.open(uri, storage_options=s3.storage_options)
    ids = after.dataset("reports").to_table(columns=["report_id"])["report_id"].to_pylist()
    assert sorted(map(int, ids)) == list(range(100))
    assert sum(commit.summary.get("new", 0) for commit in after.log()) == 100
    assert [change.author for change in after.changes()] == ["ada"] * 3
    assert [commit.number for commit in reversed(after.log())] == list(range(7))
    assert check(after) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_an_ingest_or_an_act_that_is_killed_is_done_by_the_same_command_again(
    seed: int, s3: S3Server, start: Start, tmp_path: Path
) -> None:
    draw = random.Random(drawn_from(seed))
    uri = f"s3://{s3.bucket}/killed-{seed}.kb"
    base = KnowledgeBase.create(uri, s3.storage_options)
    add_concepts(base, ["pneumothorax"])
    (concept_id,) = (row["concept_id"] for row in base.vocabulary.list())
    commands = (
        ["ingest", "reports", reports(tmp_path / "a.csv", range(200)), "--no-embed", "--kb", uri],
        ["vocab", "note", concept_id, "seen twice", "--kb", uri],
    )
    for command in commands:
        before, asked = KnowledgeBase.open(uri, storage_options=s3.storage_options).commit, len(s3.requests)
        running, at = start(command), draw.randrange(5, 70)
        while len(s3.requests) - asked < at:
            assert running.process.is_alive(), f"it ended before its request {at}"
            time.sleep(0.001)
        running.tell(signal.SIGKILL)
        running.process.join()
        after = KnowledgeBase.open(uri, storage_options=s3.storage_options)
        assert after.commit.number in (before.number, before.number + 1)
        assert check(after) == []
        ended(start(command))
    whole = KnowledgeBase.open(uri, storage_options=s3.storage_options)
    assert whole.status().reports == 200
    assert whole.vocabulary.get(concept_id).note == "seen twice"
    assert check(whole) == []


@pytest.mark.soak
def test_readers_beside_a_clean_up_read_one_state_or_are_told_that_it_was_dropped(s3: S3Server, start: Start) -> None:
    uri = f"s3://{s3.bucket}/cleaned.kb"
    base = KnowledgeBase.create(uri, s3.storage_options)
    texts = ["pneumothorax", "pleural effusion", "cardiomegaly", "atelectasis", "pneumonia", "nodule"]
    for text in texts:
        add_concepts(base, [text])
    base.tag("kept")
    cleaning = start(["gc", "--keep", "1", "--kb", uri])
    read = 0
    while cleaning.process.is_alive() or not read:
        assert len(KnowledgeBase.open(uri, storage_options=s3.storage_options).vocabulary) == len(texts)
        try:
            assert len(KnowledgeBase.open(uri, "HEAD~3", s3.storage_options).vocabulary) == len(texts) - 3
        except UsageError as error:
            assert "was dropped by a clean-up" in str(error)
        read += 1
    ended(cleaning)
    assert len(KnowledgeBase.open(uri, "kept", s3.storage_options).vocabulary) == len(texts)
    assert check(KnowledgeBase.open(uri, storage_options=s3.storage_options)) == []


def test_a_commit_that_comes_while_another_writer_looks_at_the_head_is_not_passed_over(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"s3://{s3.bucket}/between.kb"
    base = KnowledgeBase.create(uri, s3.storage_options)
    add_concepts(base, ["pneumothorax"])
    (concept_id,) = (row["concept_id"] for row in base.vocabulary.list())
    other = KnowledgeBase.open(uri, storage_options=s3.storage_options)
    require_sound = type(base.commits).require_sound
    waiting = [other]

    def let_another_in(log: CommitLog, head: Commit) -> None:
        require_sound(log, head)
        if log is base.commits and waiting:
            waiting.pop().curate.set_note(concept_id, "theirs", by="ben")

    monkeypatch.setattr(CommitLog, "require_sound", let_another_in)
    base.curate.set_note(concept_id, "ours", by="ada")
    after = KnowledgeBase.open(uri, storage_options=s3.storage_options)
    assert [commit.number for commit in reversed(after.log())] == list(range(4))
    assert sorted(change.author for change in after.changes()) == ["ada", "ben"]
