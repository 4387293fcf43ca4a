"""What a long history costs: an act reads and leaves as much after many acts as after few."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.branches import create_branch
from kb.store.commits import MAIN, Commit, CommitLog
from kb.store.manifests import manifest_path
from kb.store.retention import Retention
from kb.store.safety import second_log
from kb.store.safety.storage_check import check_storage
from kb.store.storage import SECOND_LOG
from kb.store.tidying import EVERY
from kb.vocabulary.check import check
from tests.support.concepts import add_concepts, many_texts
from tests.support.reports import state
from tests.support.tables import fill, run


@pytest.fixture
def small(kb: KnowledgeBase) -> KnowledgeBase:
    """A vocabulary of fifty concepts, as an import leaves it."""
    add_concepts(kb, many_texts(50))
    return kb


def act(kb: KnowledgeBase, count: int) -> None:
    ids = [row["concept_id"] for row in kb.vocabulary.list(limit=50)]
    for number in range(kb.commit.number, kb.commit.number + count):
        kb.curate.set_note(ids[number % len(ids)], f"note {number}")


def files(kb: KnowledgeBase) -> int:
    return sum(path.is_file() for path in Path(kb.uri).rglob("*"))


def bytes_read() -> int:
    """What this process has read by system calls so far."""
    said = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(said["rchar"])


class TestGrowth:
    @pytest.mark.soak
    @pytest.mark.skipif(sys.platform != "linux", reason="reads are counted by Linux alone")
    def test_an_act_reads_and_leaves_as_much_after_many_as_after_few(
        self, small: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Files are gathered until they have this many rows: from then on nothing may grow but the number of such files.
        monkeypatch.setattr("kb.store.gathering.SMALL", 16)
        fresh, read = files(small), []
        for _ in range(5):
            before = bytes_read()
            act(small, 18)
            read.append(bytes_read() - before)
        assert read[-1] < 1.5 * read[1]
        assert files(small) < 2 * fresh

    @pytest.mark.soak
    def test_the_vocabulary_is_that_of_the_acts(self, small: KnowledgeBase) -> None:
        act(small, 30)
        now = KnowledgeBase.open(small.uri)
        notes = now.dataset("concepts").to_table(columns=["note"])["note"].to_pylist()
        assert sorted(note for note in notes if note) == sorted(f"note {number}" for number in range(1, 31))
        assert now.dataset("changes").count_rows() == 30
        assert len(now.log()) == 32
        assert check(now) == []

    @pytest.mark.soak
    def test_a_process_that_has_read_the_log_sees_what_others_commit(self, small: KnowledgeBase) -> None:
        log = CommitLog(small.storage)
        seen = [log.head().commit_id]
        for number in range(25):
            act(small, 1)
            seen.append(log.head().commit_id)
            assert log.head().number == number + 2
        assert [commit.commit_id for commit in CommitLog(small.storage).all()][1:] == seen


class TestRetention:
    def test_the_newest_commits_stay_readable(self, small: KnowledgeBase) -> None:
        act(small, 30)
        chain = small.log()
        readable = small.commits.readable(chain)
        assert readable[: Retention().newest] == chain[: Retention().newest]
        assert len(readable) <= Retention().newest + EVERY + 1

    @pytest.mark.soak
    def test_what_is_named_stays_readable_as_it_was(self, small: KnowledgeBase) -> None:
        small.tag("release")
        before = state(small)
        create_branch(small, "draft")
        base = small.commit.commit_id
        act(small, 30)
        now = KnowledgeBase.open(small.uri)
        assert state(now.at("release")) == state(now.at("draft")) == state(now.at(base)) == before

    @pytest.mark.soak
    def test_what_runs_and_encoders_were_made_of_stays_as_long_as_they_do(
        self, small: KnowledgeBase, cli, cli_json
    ) -> None:
        before, made_at = state(small), small.commit.commit_id
        act(small, 1)
        trained_at = small.commit.commit_id
        taught = {"encoder": "e", "checkpoint": "c", "dimension": 2, "vocabulary_commit": trained_at}
        fill(small, runs=[run("zs", vocabulary_commit=made_at)], encoders=[taught])
        act(small, 30)
        small.gc(keep=1)
        assert state(KnowledgeBase.open(small.uri, at=made_at)) == before
        log = {row["commit"]: row for row in cli_json("log", "--kb", small.uri)}
        assert {commit: row["used_by"] for commit, row in log.items() if row["used_by"]} == {
            made_at: ["run zs"],
            trained_at: ["encoder e"],
        }
        said = cli("log", "--kb", small.uri).stderr
        assert f"2 of these stay readable, for runs and encoders were made of them: {trained_at} (encoder e)" in said
        small.publish("test", lambda publication: (publication.delete("runs", "run = 'zs'") or {}, None))
        small.gc(keep=1)
        assert [one.commit_id for one in small.commits.readable(small.log())][1:] == [trained_at]

    @pytest.mark.soak
    def test_one_of_a_tagged_run_stays_too_though_the_run_is_no_more(self, small: KnowledgeBase) -> None:
        made_at = small.commit.commit_id
        act(small, 1)
        fill(small, runs=[run("zs", vocabulary_commit=made_at)])
        small.tag("paper")
        small.publish("test", lambda publication: (publication.delete("runs", "true") or {}, None))
        act(small, 30)
        small.gc(keep=1)
        assert small.at("paper").at(made_at).commit.commit_id == made_at

    @pytest.mark.soak
    def test_how_many_stay_is_settled_for_all_who_write(self, small: KnowledgeBase, cli_json) -> None:
        assert cli_json("keep", "--kb", small.uri) == {"newest": 8, "days": 7}
        assert cli_json("keep", "--newest", 25, "--kb", small.uri) == {"newest": 25, "days": 7}
        act(small, 30)
        assert len(small.commits.readable(small.log())) >= 25
        assert small.log()[-3].operation == "keep"
        assert cli_json("keep", "--newest", 25, "--kb", small.uri) == {"newest": 25, "days": 7}
        assert len(KnowledgeBase.open(small.uri).log()) == len(small.log())

    @pytest.mark.parametrize("wrong", [{"newest": 0}, {"days": -1}])
    def test_the_newest_commit_always_stays(self, kb: KnowledgeBase, wrong: dict[str, int]) -> None:
        with pytest.raises(UsageError):
            kb.keep(**wrong)

    @pytest.mark.soak
    def test_of_the_days_before_the_last_commit_stays(self, kb: KnowledgeBase) -> None:
        now = datetime.now(UTC)
        pins = kb.commit.pins
        parent = kb.commit
        for hours in range(14 * 24, 0, -8):
            commit = Commit(
                number=parent.number + 1,
                parent=parent.commit_id,
                operation="test",
                author="tester",
                reason=None,
                pins=pins,
                time=now - timedelta(hours=hours),
            )
            assert kb.commits.append(commit)
            parent = commit
        today = now.date()
        kept = kb.commits.history().last_of_days(MAIN, today - timedelta(days=7), today)
        days = [kb.commits.history().get(number).time.date() for number in sorted(kept)]
        assert days == [today - timedelta(days=back) for back in range(7, 0, -1)]
        for number in kept:
            (following,) = [c for c in kb.commits.all() if c.number == number + 1] or [None]
            assert following is None or following.time.date() > kb.commits.history().get(number).time.date()


class TestReaders:
    @pytest.fixture
    def held(self, small: KnowledgeBase) -> Iterator[KnowledgeBase]:
        yield KnowledgeBase.open(small.uri)

    def test_what_a_reader_holds_stays_while_writers_tidy_up(self, small: KnowledgeBase, held: KnowledgeBase) -> None:
        before = state(held)
        act(small, 30)
        small.gc(keep=1)
        assert state(held) == before

    @pytest.mark.soak
    def test_what_another_process_holds_stays_too(self, small: KnowledgeBase) -> None:
        script = "import sys, kb; held = kb.open(sys.argv[1]); print('held', flush=True); sys.stdin.read(); "
        script += "print(held.dataset('concepts').to_table().num_rows)"
        command = [sys.executable, "-c", script, small.uri]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "held\n"
            begun = small.commit.commit_id
            act(small, 30)
            assert small.gc(keep=1).kept == 2
            assert small.commits.readable([small.commits.resolve(begun)])
            assert reader.communicate("")[0] == "50\n"
        small.gc(keep=1)
        assert not small.commits.readable([small.commits.resolve(begun)])

    @pytest.mark.soak
    def test_one_that_is_sent_to_another_process_holds_its_commit_there(self, small: KnowledgeBase) -> None:
        before = state(small)
        held = pickle.loads(pickle.dumps(KnowledgeBase.open(small.uri)))
        act(small, 30)
        small.gc(keep=1)
        assert state(held) == before

    @pytest.mark.soak
    def test_one_that_is_not_seen_is_told_in_plain_words(
        self, small: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as unseen:
            unseen.setattr("kb.store.readers.Hold.take", lambda *_: True)
            held = KnowledgeBase.open(small.uri)
        act(small, 30)
        with pytest.raises(UsageError, match="was dropped by a clean-up: its data is gone"):
            held.dataset("concepts")
        with pytest.raises(UsageError, match="was dropped by a clean-up: its data is gone"):
            held.tag("late")
        with pytest.raises(UsageError, match="was dropped by a clean-up: its data is gone"):
            create_branch(held, "late")
        assert "late" not in held.tags()


class TestNotes:
    """What the log notes of files: see `kb.store.safety.file_notes`."""

    @pytest.mark.soak
    def test_the_log_holds_notes_of_the_files_that_are_there_alone(self, small: KnowledgeBase) -> None:
        act(small, 60)
        notes = CommitLog(small.storage).notes.all()
        there = [Path(small.storage.location(table), path).exists() for table, path in notes]
        assert there.count(False) < 150  # those since the log was last gathered: 15 commits at most
        assert all(table in {name for name, _ in notes} for table in ("concepts", "changes"))
        named = {("concepts", manifest_path(small.commit.pins["concepts"]))}
        assert named <= set(notes)

    @pytest.mark.soak
    def test_the_second_copy_of_the_log_is_packed_and_says_the_same(
        self, small: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(second_log, "MANY", 8)
        monkeypatch.setattr(second_log, "FEW", 2)
        act(small, 40)
        lines = Path(small.uri, SECOND_LOG).read_bytes().splitlines()
        assert sum(line.startswith(second_log.PACKED) for line in lines) >= 2
        told = [Commit.from_row(row) for row in second_log.second_rows(small.storage)]
        assert told == small.commits.all()
        last = second_log.last_row(small.storage)
        assert last is not None
        assert last["commit_id"] == small.commit.commit_id
        assert check_storage(small.storage).damaged == ()
