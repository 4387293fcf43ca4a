"""Creating and opening a knowledge base, in a folder and in an object store."""

from __future__ import annotations

from pathlib import Path

import lancedb
import pytest

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.storage import Storage
from schemas.tables import TABLES
from tests.support import S3Server, add_concepts


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
    with pytest.raises(UsageError, match="clear-kb ingest reports"):
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


def test_an_object_store_out_of_reach_is_a_clear_error(s3: S3Server) -> None:
    options = {**s3.storage_options, "aws_endpoint": "http://127.0.0.1:9", "client_max_retries": "0"}
    with pytest.raises(ClearKbError, match=r"cannot reach s3://.*refused"):
        KnowledgeBase.open(f"s3://{s3.bucket}/nowhere.kb", storage_options=options)
