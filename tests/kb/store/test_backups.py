"""Backups of knowledge bases at work, on stores, of older formats, and onto what should not be written to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.exports import note_export, read_exports
from kb.store.address import Address
from kb.store.gc import collect_garbage
from kb.store.migrations import migrate
from kb.store.safety.copying import copy_knowledge_base
from kb.store.safety.place import Place
from kb.store.safety.second_log import second_rows
from kb.store.safety.storage_check import check_storage
from kb.store.storage import COPY_MARK, SECOND_LOG, Storage
from tests.support.concepts import add_concepts
from tests.support.old_formats import stored_example
from tests.support.s3_server import S3Server


@pytest.fixture
def base(kb: KnowledgeBase) -> KnowledgeBase:
    """Three commits more than its creation, and a tag at the first."""
    add_concepts(kb, ["pleural effusion"])
    kb.tag("v1")
    add_concepts(kb, ["pneumothorax"])
    add_concepts(kb, ["atelectasis"])
    return kb


@pytest.fixture
def dest(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "copy.kb")


def once(act: Callable[[], object]) -> Callable[[int, int], object]:
    """What a copy tells its progress to: it does `act` when the first file is done."""
    left = [act]
    return lambda *_: left.pop()() if left else None


def swept(base: KnowledgeBase) -> Callable[[], None]:
    """Others commit, and drop all but the newest commit and what somebody holds."""

    def act() -> None:
        others = KnowledgeBase.open(base.uri)
        for text in ("nodule", "mass", "cyst", "scar"):
            add_concepts(others, [text])
        collect_garbage(others, keep=1)

    return act


@pytest.mark.soak
def test_a_backup_holds_what_it_copies_against_clean_ups(base: KnowledgeBase, dest: Storage) -> None:
    copied = copy_knowledge_base(Storage(base.uri), dest, on_file=once(swept(base)))
    assert copied.commits > len(base.log())
    copy = KnowledgeBase.open(dest.uri)
    assert len(copy.vocabulary) == 7
    assert not check_storage(Storage(dest.uri)).damaged


def test_a_check_of_the_storage_takes_no_clean_up_for_damage(base: KnowledgeBase) -> None:
    assert check_storage(Storage(base.uri), on_commit=once(swept(base))).damaged == ()


def test_a_backup_that_was_tagged_is_not_written_over(base: KnowledgeBase, dest: Storage) -> None:
    copy_knowledge_base(base.storage, dest)
    KnowledgeBase.open(dest.uri).tag("mine")
    with pytest.raises(UsageError, match=r"tags that are not in this one \(mine\)"):
        copy_knowledge_base(base.storage, dest)


@pytest.mark.soak
def test_what_a_backup_wrote_beside_the_history_does_not_hide_what_comes_later(
    base: KnowledgeBase, dest: Storage
) -> None:
    said: dict[str, Any] = {"rows": 1, "filters": {}}
    note_export(base, what="first", target="a", **said)
    copy_knowledge_base(base.storage, dest)
    for what in ("second", "third", "fourth"):
        note_export(KnowledgeBase.open(dest.uri), what=what, target="b", **said)
    note_export(base, what="last", target="a", **said)
    copy_knowledge_base(base.storage, dest)
    assert [one.what for one in read_exports(KnowledgeBase.open(dest.uri))] == ["last", "first"]
    assert not check_storage(Storage(dest.uri)).damaged


def test_the_second_log_of_a_backup_has_the_notes_of_files(base: KnowledgeBase, dest: Storage) -> None:
    copy_knowledge_base(base.storage, dest)
    theirs = second_rows(dest)
    assert theirs == second_rows(base.storage)
    assert all(row["files"] for row in theirs)


def test_a_commit_that_the_second_log_lacks_comes_to_it_with_its_notes(base: KnowledgeBase) -> None:
    path = Path(base.uri) / SECOND_LOG
    before = second_rows(base.storage)
    path.write_bytes(b"\n".join([line for line in path.read_bytes().splitlines() if line][:-2]) + b"\n")
    add_concepts(base, ["nodule"])
    assert second_rows(base.storage)[:-1] == before


def test_only_one_writes_to_a_backup(base: KnowledgeBase, dest: Storage) -> None:
    def locked() -> None:
        with pytest.raises(Timeout), FileLock(Path(dest.uri) / ".lock", timeout=0):
            pass

    copy_knowledge_base(base.storage, dest, on_file=once(locked))


def test_a_file_that_reads_back_with_other_bytes_is_not_taken(dest: Storage, tmp_path: Path) -> None:
    written = tmp_path / "file"
    written.write_bytes(b"what is on the disk")
    Path(dest.uri).mkdir()
    with pytest.raises(ClearKbError, match="reads back with other bytes"):
        Place(dest).put("data/file", written, "0" * 32)
    assert not [path for path in Path(dest.uri).rglob("*") if path.is_file()]


@pytest.mark.soak
def test_a_backup_mends_its_knowledge_base_in_place(base: KnowledgeBase, dest: Storage) -> None:
    copy_knowledge_base(base.storage, dest)
    for path in (Path(base.uri) / "concepts.lance" / "data").iterdir():
        path.write_bytes(b"")
    copy_knowledge_base(Storage(dest.uri), Storage(base.uri))
    assert len(KnowledgeBase.open(base.uri).vocabulary) == 3
    assert not check_storage(Storage(base.uri)).damaged


def test_a_backup_is_not_brought_to_a_wreck_that_could_be_any(base: KnowledgeBase, dest: Storage) -> None:
    copy_knowledge_base(base.storage, dest)
    for path in (Path(base.uri) / "commits.lance" / "_versions").iterdir():
        path.unlink()
    (Path(base.uri) / SECOND_LOG).write_bytes(b"")
    with pytest.raises(ClearKbError, match="name a new place"):
        copy_knowledge_base(Storage(dest.uri), Storage(base.uri))


@pytest.mark.parametrize("said", ["[", "[1]", "{}", '{"of": 1}', "\xff"])
def test_a_damaged_mark_of_a_copy_is_written_anew(said: str, base: KnowledgeBase, dest: Storage) -> None:
    copy_knowledge_base(base.storage, dest)
    (Path(dest.uri) / COPY_MARK).write_bytes(said.encode("latin-1"))
    if said == '{"of": 1}':
        with pytest.raises(UsageError, match="another knowledge base"):
            copy_knowledge_base(base.storage, dest)
        return
    copy_knowledge_base(base.storage, dest)
    assert base.log()[-1].commit_id in (Path(dest.uri) / COPY_MARK).read_text()


@pytest.mark.parametrize("inside", ["", "backup", "concepts.lance/backup"])
def test_no_backup_is_made_inside_the_knowledge_base(inside: str, base: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match="name another place"):
        copy_knowledge_base(base.storage, Storage(Path(base.uri) / inside))


@pytest.mark.parametrize("nowhere", ["", "/", "//", "s3://", "s3:///"])
def test_an_address_of_nothing_is_refused(nowhere: str) -> None:
    with pytest.raises(UsageError, match="no place for a knowledge base"):
        Address.parse(nowhere)


def test_the_root_of_the_file_system_is_no_knowledge_base(base: KnowledgeBase, cli: Callable[..., Any]) -> None:
    assert "no place" in cli("init", "--kb", "/", "--dry-run", code=2).stderr
    assert "line break" in cli("init", "--kb", "a\nb.kb", code=2).stderr
    assert "no place" in cli("backup", "", "--kb", base.uri, code=2).stderr


@pytest.mark.soak
def test_a_knowledge_base_of_an_older_format_is_checked_and_backed_up_before_its_migration(
    dest: Storage, tmp_path: Path
) -> None:
    old = Storage(stored_example(10, tmp_path))
    assert not check_storage(old).damaged
    copy_knowledge_base(old, dest)
    copy_knowledge_base(old, dest)
    migrate(Storage(dest.uri))
    assert len(KnowledgeBase.open(dest.uri).vocabulary) == 9


@pytest.mark.soak
def test_a_pruned_backup_has_no_file_that_its_knowledge_base_no_longer_names(
    base: KnowledgeBase, dest: Storage
) -> None:
    copy_knowledge_base(base.storage, dest)
    dropped = base.log()[1].commit_id
    add_concepts(base, ["cardiomegaly"])
    collect_garbage(base, keep=1)
    base = KnowledgeBase.open(base.uri)
    assert copy_knowledge_base(base.storage, dest, prune=True, dry_run=True).pruned > 0
    assert len(KnowledgeBase.open(dest.uri).at(dropped).vocabulary) == 2
    assert copy_knowledge_base(base.storage, dest).pruned == 0
    assert copy_knowledge_base(base.storage, dest, prune=True).pruned > 0
    copy = KnowledgeBase.open(dest.uri)
    assert (len(copy.vocabulary), len(copy.at("v1").vocabulary)) == (4, 1)
    with pytest.raises(UsageError, match="its data is gone"):
        copy.at(dropped)
    there, here = ({path.relative_to(uri) for path in Path(uri).glob("*.lance/data/*")} for uri in (dest.uri, base.uri))
    assert there <= here
    assert not check_storage(Storage(dest.uri)).damaged


@pytest.mark.soak
def test_backups_stand_in_the_log_of_exports_and_tell_what_they_did_as_csv(
    base: KnowledgeBase, dest: Storage, cli: Callable[..., Any], cli_json: Callable[..., Any]
) -> None:
    printed = cli("backup", dest.uri, "--kb", base.uri, "--by", "ada", "--format", "csv").stdout.splitlines()
    assert printed[0].startswith("commit,commits,files")
    assert printed[1].startswith(base.commit.commit_id)
    (noted,) = cli_json("log", "--exports", "--kb", base.uri)
    assert (noted["by"], noted["what"], noted["target"]) == ("ada", "backup", dest.uri)
    assert noted["rows"] >= 3
    cli("backup", dest.uri, "--kb", base.uri, "--dry-run")
    assert len(read_exports(base)) == 1
    for command in ("repair", "migrate"):
        assert len(cli(command, "--kb", base.uri, "--format", "csv").stdout.splitlines()) == 2


def test_a_backup_goes_to_an_object_store_and_comes_back(base: KnowledgeBase, s3: S3Server, tmp_path: Path) -> None:
    dest = Storage(f"s3://{s3.bucket}/backups/one.kb", s3.storage_options)
    first = copy_knowledge_base(base.storage, dest)
    assert len(KnowledgeBase.open(dest.uri, "v1", s3.storage_options).vocabulary) == 1
    assert not check_storage(Storage(dest.uri, s3.storage_options)).damaged
    note_export(
        KnowledgeBase.open(dest.uri, storage_options=s3.storage_options), what="x", rows=1, target="b", filters={}
    )
    note_export(base, what="audit export", rows=1, target="a", filters={})
    dropped = base.log()[1].commit_id
    add_concepts(base, ["cardiomegaly"])
    collect_garbage(base, keep=1)
    second = copy_knowledge_base(Storage(base.uri), dest, prune=True)
    assert (second.there > 0, second.pruned > 0, second.files < first.files) == (True, True, True)
    there = KnowledgeBase.open(dest.uri, storage_options=s3.storage_options)
    assert [one.what for one in read_exports(there)] == ["audit export"]
    with pytest.raises(UsageError, match="its data is gone"):
        there.at(dropped)
    back = tmp_path / "back.kb"
    copy_knowledge_base(Storage(dest.uri, s3.storage_options), Storage(back))
    assert len(KnowledgeBase.open(back).vocabulary) == 4
    assert not check_storage(Storage(back)).damaged
    add_concepts(KnowledgeBase.open(back), ["nodule"])
