"""Writers, readers and clean-ups at work at once: nothing is lost, and nobody loses what they read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kb.knowledge_base import KnowledgeBase
from kb.store.commits import Commit, CommitLog
from kb.vocabulary.check import check
from tests.support.concepts import add_concepts, many_texts
from tests.support.paths import ROOT

WORKER = """
import random, sys, time
import kb

uri, role, number, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
base, dice = kb.open(uri), random.Random(number)
ids = [row["concept_id"] for row in base.vocabulary.list(limit=50)]

def write(done):
    base.curate.set_note(dice.choice(ids), f"{number}-{done}")

def read(done):
    held = kb.open(uri)
    first = held.dataset("concepts").to_table()
    time.sleep(dice.random())
    assert held.dataset("concepts").to_table().equals(first) and first.num_rows == 50
    assert held.dataset("changes").count_rows() == sum("change" in commit.summary for commit in held.log())

def clean(done):
    base.gc(keep=dice.choice([1, 2, 5]))

print("ready", flush=True)
sys.stdin.readline()
done, until = 0, time.monotonic() + seconds
while time.monotonic() < until or not done:
    {"write": write, "read": read, "clean": clean}[role](done)
    done += 1
print(done)
"""


def work(uri: str, roles: list[str], seconds: float) -> list[int]:
    """How often each of the workers did what its role is, all of them at once."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, uri, role, str(number), str(seconds)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, role in enumerate(roles)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate() for worker in workers]
    assert [(worker.returncode, err) for worker, (_, err) in zip(workers, told, strict=True)] == [(0, "")] * len(roles)
    return [int(out) for out, _ in told]


@pytest.mark.parametrize(
    ("writers", "readers", "seconds"),
    [(2, 1, 5), pytest.param(8, 3, 600, marks=pytest.mark.soak)],
    ids=["for five seconds", "eight for ten minutes"],
)
def test_nothing_is_lost(kb: KnowledgeBase, writers: int, readers: int, seconds: float) -> None:
    add_concepts(kb, many_texts(50))
    kb.tag("begun")
    done = work(kb.uri, ["write"] * writers + ["read"] * readers + ["clean"], seconds)
    now = KnowledgeBase.open(kb.uri)
    changes = now.dataset("changes").to_table(columns=["after"])["after"].to_pylist()
    noted = sorted(fields["note"] for change in changes for fields in json.loads(change).values())
    assert noted == sorted(f"{number}-{act}" for number in range(writers) for act in range(done[number]))
    commits = now.commits.all()
    assert [commit.number for commit in commits] == list(range(len(commits)))
    assert check(now) == []
    assert now.at("begun").dataset("concepts").count_rows() == 50
    assert kb.storage.dropping().now == {}
    assert now.commits.lost(commits) == {}


@pytest.mark.parametrize("way", ["opened", "followed"])
def test_what_was_the_newest_a_moment_ago_and_is_dropped_is_no_damage(
    kb: KnowledgeBase, way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader = KnowledgeBase.open(kb.uri)
    add_concepts(kb, many_texts(3))
    (one, *_) = kb.vocabulary.list()
    looked = []
    head = CommitLog.head

    def others_come_between(log: CommitLog, *branch: str) -> Commit:
        found = head(log, *branch)
        if not looked:
            looked.append(found)
            for number in range(3):
                kb.curate.set_note(one["concept_id"], f"note {number}")
            kb.gc(keep=1)
        return found

    monkeypatch.setattr(CommitLog, "head", others_come_between)
    if way == "opened":
        reader = KnowledgeBase.open(kb.uri)
    else:
        reader.follow()
    monkeypatch.undo()
    assert looked[0].commit_id not in {commit.commit_id for commit in reader.commits.readable(reader.commits.all())}
    assert reader.commit.commit_id == kb.commit.commit_id
    assert reader.vocabulary.get(one["concept_id"]).note == "note 2"
    assert caplog.records == []
