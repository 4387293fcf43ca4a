"""The log of commits: read beside writers, kept in a second copy, and written anew by a repair that may be killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.manifests import local_versions, manifest_path
from kb.store.safety import repair as repairing
from kb.store.safety import second_log
from kb.store.safety.repair import repair
from kb.store.safety.storage_check import check_storage
from kb.store.storage import Storage
from tests.support.concepts import add_concepts


@pytest.fixture
def base(kb: KnowledgeBase) -> KnowledgeBase:
    """A few commits."""
    add_concepts(kb, ["pleural effusion"])
    add_concepts(kb, ["pneumothorax"])
    return kb


class Killed(BaseException):
    """What ends a repair as a kill would: nobody catches it."""


WRITES = (
    (shutil, "copy2"),
    (Path, "write_bytes"),
    (Path, "replace"),
    (Path, "rename"),
    (Storage, "add_missing"),
    (Storage, "append"),
    (repairing, "_restore"),
    (repairing, "write_through"),
)
"""All that changes a file where the log is written anew."""


@pytest.mark.soak
def test_a_repair_that_is_killed_before_any_of_its_writes_is_done_by_the_next_one(
    base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Path(base.uri) / "commits.lance"
    (table / manifest_path(local_versions(table)[-1])).write_bytes(b"")
    damaged, log = tmp_path / "damaged.kb", base.log()
    shutil.copytree(base.uri, damaged)
    for survived in range(100):
        shutil.rmtree(base.uri)
        shutil.copytree(damaged, base.uri)
        left = [None] * survived

        def dying(real: Callable[..., Any], left: list[None] = left) -> Callable[..., Any]:
            def write(*arguments: Any, **options: Any) -> Any:
                if not left:
                    raise Killed
                left.pop()
                return real(*arguments, **options)

            return write

        with monkeypatch.context() as patched:
            for owner, name in WRITES:
                patched.setattr(owner, name, dying(getattr(owner, name)))
            try:
                repair(Storage(base.uri))
                break
            except Killed:
                pass
        with pytest.raises(UsageError, match="already"):
            KnowledgeBase.create(base.uri)
        repair(Storage(base.uri))
        mended = KnowledgeBase.open(base.uri)
        assert (mended.log(), mended.commits.damage) == (log, None), survived
        assert not check_storage(Storage(base.uri)).damaged, survived
    assert survived > len(WRITES)


WRITER = """
import sys
from kb.knowledge_base import KnowledgeBase

base = KnowledgeBase.open(sys.argv[1])
print("at work", flush=True)
for number in range(int(sys.argv[2])):
    base.tag(f"t{number}")
    base.publish("test", lambda publication: (publication.delete("rejects", "source = ''"), ({}, None))[1])
"""


@pytest.mark.soak
def test_whoever_opens_beside_a_writer_finds_no_damage(base: KnowledgeBase) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, base.uri, "6"], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    opened = 0
    while writer.poll() is None:
        beside = KnowledgeBase.open(base.uri)
        beside.tags()
        assert beside.commits.damage is None
        opened += 1
    assert (writer.returncode, opened > 3) == (0, True)


@pytest.mark.parametrize("table", ["commits", "tags"])
def test_what_another_commits_once_a_table_was_opened_is_no_damage(
    table: str, base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writer = KnowledgeBase.open(base.uri), KnowledgeBase.open(base.uri)
    open_table, opened = Storage.dataset, list[str]()

    def open_and_be_overtaken(storage: Storage, name: str, version: int | None = None) -> Any:
        found = open_table(storage, name, version)
        if (storage, name) == (reading.storage, table) and not opened:
            opened.append(name)
            writer.tag("v2")
            add_concepts(writer, ["cardiomegaly"])
            add_concepts(writer, ["nodule"])
        return found

    add_concepts(writer, ["consolidation"])
    # The guard looks at a table while it is opened, so whoever overtakes a reader has to come before that.
    guard, reading.storage.guard = reading.storage.guard, None
    monkeypatch.setattr(Storage, "dataset", open_and_be_overtaken)
    if table == "commits":
        reading.commits.all()
    else:
        assert guard is not None
        guard("tags", reading.storage.dataset("tags"))
    assert opened
    assert reading.commits.damage is None
    assert len(reading.commits.all()) == len(writer.log())


def test_the_last_row_of_the_second_log_is_the_newest_where_its_end_is_packed(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_log, "MANY", 2)
    monkeypatch.setattr(second_log, "FEW", 1)
    second_log.pack_rows(base.storage)
    path = Path(base.uri) / "_commits.jsonl"
    path.write_bytes(path.read_bytes().splitlines()[0] + b"\n")
    rows = second_log.second_rows(base.storage)
    assert len(rows) > 1
    assert second_log.last_row(base.storage) == rows[-1]
