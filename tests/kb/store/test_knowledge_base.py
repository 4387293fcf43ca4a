"""Creating and opening a knowledge base in a folder; tests/kb/store/test_object_stores.py has the other place."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lancedb
import pytest

from kb.errors import ClearKbError, NoKnowledgeBaseError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.state import State
from kb.store.storage import Storage
from schemas.tables import TABLES


def test_a_new_knowledge_base_holds_every_table_and_one_commit(kb: KnowledgeBase) -> None:
    assert set(lancedb.connect(kb.uri).list_tables().tables) == {table.name for table in TABLES}
    assert [commit.operation for commit in kb.log()] == ["init"]
    assert kb.status().reports == 0


def test_creating_over_one_is_refused(kb: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match="already"):
        KnowledgeBase.create(kb.uri)


def test_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("important")
    with pytest.raises(UsageError, match=r"thesis\.docx"):
        KnowledgeBase.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.kb").write_text("not a folder")
    with pytest.raises(UsageError, match="is a file"):
        KnowledgeBase.create(tmp_path / "a.kb")


def test_opening_nothing_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no knowledge base"):
        KnowledgeBase.open(tmp_path / "none.kb")


def test_a_creation_that_died_half_way_is_taken_up_again(tmp_path: Path) -> None:
    uri = tmp_path / "half.kb"
    Storage(uri).create()
    assert not KnowledgeBase.exists(uri)
    with pytest.raises(ClearKbError, match="never finished"):
        KnowledgeBase.open(uri)
    assert KnowledgeBase.create(uri).commit.number == 0


def test_threads_that_ask_for_the_same_at_once_have_it_made_once(kb: KnowledgeBase) -> None:
    made: list[int] = []

    def costly(state: State) -> int:
        made.append(state.commit.number)
        time.sleep(0.1)
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda _: kb.remember(costly), range(8))]
    assert found == [1] * 8


def test_a_creation_that_died_before_its_log_had_a_version_is_begun_again(tmp_path: Path) -> None:
    # What a kill leaves that comes between the transaction of the first version and the version.
    transactions = tmp_path / "a.kb" / "commits.lance" / "_transactions"
    transactions.mkdir(parents=True)
    (transactions / "0-03226cee-3729-4d60-a5ee-f0a14ecd99a2.txn").write_bytes(b"")
    assert not KnowledgeBase.exists(tmp_path / "a.kb")
    with pytest.raises(NoKnowledgeBaseError):
        KnowledgeBase.open(tmp_path / "a.kb")
    assert len(KnowledgeBase.create(tmp_path / "a.kb", by="tester").log()) == 1
