"""Creating and opening a knowledge base, in a folder and in an object store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import lancedb
import pytest

from ingest.reports.ingest import ingest_reports
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.branches import create_branch
from kb.store.state import State
from kb.store.storage import Storage
from schemas.tables import TABLES
from tests.support.concepts import add_concepts
from tests.support.s3_server import CarelessS3Server, S3Server


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


def test_an_object_store_goes_the_same_way(s3: S3Server) -> None:
    uri = f"s3://{s3.bucket}/site-a/test.kb"
    kb = KnowledgeBase.create(uri, s3.storage_options, by="ada")
    add_concepts(kb, ["pleural effusion", "no pneumothorax"])
    kb.tag("v1")
    add_concepts(kb, ["cardiomegaly"])
    again = KnowledgeBase.open(uri, storage_options=s3.storage_options)
    assert len(again.vocabulary) == 3
    assert len(KnowledgeBase.open(uri, "v1", s3.storage_options).vocabulary) == 2
    assert [hit.text for hit in again.search("effusion", k=1, words_only=True)] == ["pleural effusion"]
    assert again.status().size_bytes is None


@pytest.fixture(scope="module")
def careless() -> Iterator[CarelessS3Server]:
    with CarelessS3Server() as server:
        yield server


class TestAnObjectStoreThatIgnoresConditionalWrites:
    """There the second of two writers overwrites what the first one did, and neither hears of it."""

    def test_nothing_is_created_in_it(self, careless: CarelessS3Server) -> None:
        with pytest.raises(ClearKbError, match="ignores conditional writes"):
            KnowledgeBase.create(f"s3://{careless.bucket}/refused.kb", careless.storage_options)
        assert careless.objects("refused.kb") == {}

    def test_nothing_is_written_to_one_that_stands_there_and_it_can_be_read(
        self, s3: S3Server, careless: CarelessS3Server, tmp_path: Path
    ) -> None:
        uri = f"s3://{s3.bucket}/moved.kb"
        add_concepts(KnowledgeBase.create(uri, s3.storage_options), ["pneumothorax"])
        before = s3.objects("moved.kb")
        assert len(before) > 10
        kb = KnowledgeBase.open(uri, storage_options=careless.storage_options)
        (concept_id,) = (row["concept_id"] for row in kb.vocabulary.list())
        reports = tmp_path / "r.csv"
        reports.write_text("uid,findings\na,Small effusion.\n")
        writers: list[Callable[[], object]] = [
            lambda: kb.curate.accept(concept_id),
            lambda: kb.tag("v1"),
            lambda: create_branch(kb, "draft"),
            lambda: kb.gc(),
            lambda: kb.storage.append("embeddings", []),
            lambda: ingest_reports(kb, [reports]),
        ]
        for write in writers:
            with pytest.raises(ClearKbError, match="nothing was written") as told:
                write()
            assert "\n" not in str(told.value)
        assert s3.objects("moved.kb") == before
        assert len(KnowledgeBase.open(uri, storage_options=careless.storage_options).vocabulary) == 1

    def test_the_command_line_says_so_in_one_line(self, cli: Any, careless: CarelessS3Server) -> None:
        pairs = [f"--storage-option={name}={value}" for name, value in careless.storage_options.items()]
        told = cli("init", "--kb", f"s3://{careless.bucket}/line.kb", *pairs, code=1).stderr
        assert told.count("\n") == 1
        assert told.startswith(f"error: s3://{careless.bucket}/line.kb is in an object store that ignores")


def test_an_object_store_is_asked_once_and_a_folder_never(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = import_module("kb.store.storage")
    asked, ask = [], storage._second_write_fails
    monkeypatch.setattr(storage, "_second_write_fails", lambda *about: asked.append(about[0]) or ask(*about))
    KnowledgeBase.create(tmp_path / "a.kb").publish("one", lambda _: ({}, None))
    assert asked == []
    base = KnowledgeBase.create(f"s3://{s3.bucket}/asked.kb", s3.storage_options)
    base.publish("one", lambda _: ({}, None))
    assert len(asked) == 1
    assert [key for key in s3.objects("asked.kb") if "_probe" in key] == []


def test_an_object_store_that_cannot_be_written_to_is_a_clear_error(s3: S3Server) -> None:
    options = {**s3.storage_options, "aws_endpoint": "http://127.0.0.1:9", "client_max_retries": "0"}
    with pytest.raises(ClearKbError, match=r"cannot write to s3://.*nowhere\.kb"):
        Storage(f"s3://{s3.bucket}/nowhere.kb", options).require_conditional_writes()


def test_an_object_store_out_of_reach_is_a_clear_error(s3: S3Server) -> None:
    options = {**s3.storage_options, "aws_endpoint": "http://127.0.0.1:9", "client_max_retries": "0"}
    with pytest.raises(ClearKbError, match=r"cannot reach s3://.*refused"):
        KnowledgeBase.open(f"s3://{s3.bucket}/nowhere.kb", storage_options=options)


def test_threads_that_ask_for_the_same_at_once_have_it_made_once(kb: KnowledgeBase) -> None:
    made: list[int] = []

    def costly(state: State) -> int:
        made.append(state.commit.number)
        time.sleep(0.1)
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda _: kb.remember(costly), range(8))]
    assert found == [1] * 8
