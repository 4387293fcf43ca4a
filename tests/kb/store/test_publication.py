"""Publishing: one commit or none, whoever else writes and whoever dies."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kb.knowledge_base import KnowledgeBase
from kb.store.publication import Publication
from kb.store.rehearsal import Rehearsal
from kb.vocabulary.concept_rows import concept_batches
from tests.support.concepts import add_concepts, concept, write_concepts
from tests.support.paths import ROOT


def texts(kb: KnowledgeBase) -> list[str]:
    return sorted(kb.dataset("concepts").to_table(columns=["text"])["text"].to_pylist())


def test_a_change_that_returns_nothing_makes_no_commit(kb: KnowledgeBase) -> None:
    assert kb.publish("nothing", lambda _: (None, "seen")) == (None, "seen")
    assert len(kb.log()) == 1


def test_a_rehearsal_has_a_step_that_writes_nothing_for_every_step_of_a_publication(kb: KnowledgeBase) -> None:
    made_of_others = {"write", "replace"}
    reads = {"dataset", "snapshot"}
    steps = {name for name in vars(Publication) if not name.startswith("_")} - made_of_others - reads
    assert steps == steps & vars(Rehearsal).keys()
    before = kb.storage.versions("concepts")
    kb.publish("said", lambda publication: ({}, publication.set_metadata("concepts", {"said": "more"})), dry_run=True)
    assert kb.storage.versions("concepts") == before


def test_a_change_that_fails_leaves_the_last_commit(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["pneumothorax"])

    def fails(publication: Publication) -> dict[str, int]:
        write_concepts(publication, "pleural effusion")
        raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError):
        kb.publish("fails", fails)
    assert texts(KnowledgeBase.open(kb.uri)) == ["pneumothorax"]


def test_what_a_dead_writer_left_is_not_in_the_next_commit(kb: KnowledgeBase) -> None:
    def dies(publication: Publication) -> dict[str, int]:
        write_concepts(publication, "left by the dead")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kb.publish("dies", dies)
    assert kb.storage.dataset("concepts").count_rows() == 1
    kb.publish("next", lambda publication: write_concepts(publication, "pneumothorax"))
    assert texts(kb) == ["pneumothorax"]


def test_staged_files_are_seen_by_nobody(kb: KnowledgeBase) -> None:
    schema = kb.dataset("concepts").schema
    kb.storage.stage("concepts", concept_batches([concept("pneumothorax")], schema))
    assert kb.storage.dataset("concepts").count_rows() == 0


def test_a_writer_that_another_came_between_begins_again_on_the_new_head(kb: KnowledgeBase) -> None:
    attempts = 0

    def interrupted(publication: Publication) -> dict[str, int]:
        nonlocal attempts
        attempts += 1
        publication.dataset("concepts")
        if attempts == 1:
            # Another writer, on an object store where no lock file keeps the two apart.
            other = kb.storage.dataset("concepts")
            other.delete("true")
        return write_concepts(publication, "pneumothorax")

    kb.publish("mine", interrupted)
    assert attempts == 2
    assert texts(kb) == ["pneumothorax"]


def test_a_writer_that_lost_the_head_begins_again_on_it(kb: KnowledgeBase) -> None:
    from kb.store.commits import Commit

    attempts = 0

    def overtaken(publication: Publication) -> dict[str, int]:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            head = publication.head
            kb.commits.append(
                Commit(
                    number=head.number + 1,
                    parent=head.commit_id,
                    operation="other",
                    author="bob",
                    reason=None,
                    pins=head.pins,
                )
            )
        return write_concepts(publication, "pneumothorax")

    commit, _ = kb.publish("mine", overtaken)
    assert commit is not None
    assert [c.operation for c in kb.log()] == ["mine", "other", "init"]
    assert texts(kb) == ["pneumothorax"]


def test_where_two_rows_took_one_number_the_first_holds_it(kb: KnowledgeBase) -> None:
    """What an object store without atomic conditional writes can do."""
    from kb.store.commits import Commit

    head = kb.commit
    first = Commit(number=1, parent=head.commit_id, operation="first", author="ada", reason=None, pins=head.pins)
    second = Commit(number=1, parent=head.commit_id, operation="second", author="bob", reason=None, pins=head.pins)
    kb.storage.append("commits", [first.to_row()])
    kb.storage.append("commits", [second.to_row()])
    assert KnowledgeBase.open(kb.uri).commit == first
    kb.publish("next", lambda _: ({}, None))
    assert [c.operation for c in kb.log()] == ["next", "first", "init"]


WRITER = """
import sys
from kb.knowledge_base import KnowledgeBase
from tests.support.concepts import write_concepts
kb = KnowledgeBase.open(sys.argv[1])
for n in range(5):
    kb.publish("add", lambda publication: write_concepts(publication, f"nodule {sys.argv[2]} {n}"), by=sys.argv[2])
"""


@pytest.mark.soak
def test_two_processes_that_write_at_once_lose_nothing(kb: KnowledgeBase) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, kb.uri, name], cwd=ROOT) for name in ("ada", "bob")]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    after = KnowledgeBase.open(kb.uri)
    assert len(texts(after)) == 10
    assert [commit.number for commit in after.log()] == list(range(10, -1, -1))
    assert sorted(commit.author for commit in after.log()[:-1]) == ["ada"] * 5 + ["bob"] * 5
