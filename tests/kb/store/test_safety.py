"""Damage is found, told and survived: notes of files, falling back, repair, backups."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.dropping import note_dropping
from kb.store.gc import collect_garbage
from kb.store.manifests import local_versions, manifest_path
from kb.store.safety import hash_memo, verify
from kb.store.safety.copying import copy_knowledge_base
from kb.store.safety.file_notes import hash_file
from kb.store.safety.repair import repair
from kb.store.safety.storage_check import check_storage
from kb.store.safety.verify import DamagedError
from kb.store.storage import Storage
from tests.support.concepts import add_concepts


@pytest.fixture
def base(kb: KnowledgeBase) -> KnowledgeBase:
    """Two commits with concepts, a tag at the first, and one act more."""
    add_concepts(kb, ["pleural effusion"])
    kb.tag("v1")
    add_concepts(kb, ["pneumothorax"])
    add_concepts(kb, ["atelectasis"])
    return kb


def folder(base: KnowledgeBase, table: str) -> Path:
    return Path(base.uri) / f"{table}.lance"


def newest_manifest(base: KnowledgeBase, table: str) -> Path:
    return folder(base, table) / manifest_path(local_versions(folder(base, table))[-1])


def newest_data(base: KnowledgeBase, table: str) -> Path:
    return max((folder(base, table) / "data").iterdir(), key=lambda path: path.stat().st_mtime_ns)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


DAMAGES = (flip, cut, empty, zero, Path.unlink)


def test_every_commit_notes_its_new_files_by_size_and_hash(base: KnowledgeBase) -> None:
    noted = base.commits.notes.all()
    for table, version in base.commit.pins.items():
        note = noted[table, manifest_path(version)].note
        assert note.size == (folder(base, table) / note.path).stat().st_size
        assert note.hash
    assert ("concepts", f"data/{newest_data(base, 'concepts').name}") in noted


def test_a_sound_knowledge_base_passes_the_check_of_its_storage(base: KnowledgeBase, cli: Callable[..., Any]) -> None:
    assert "are sound" in cli("check", "--storage", "--kb", base.uri).stderr
    assert not check_storage(base.storage).damaged
    assert repair(Storage(base.uri), dry_run=True).steps == []


@pytest.mark.parametrize("harm", DAMAGES)
@pytest.mark.parametrize("place", [newest_manifest, newest_data])
def test_opening_falls_back_to_the_newest_whole_commit_and_says_so(
    place: Callable[[KnowledgeBase, str], Path],
    harm: Callable[[Path], object],
    base: KnowledgeBase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    harm(place(base, "concepts"))
    fallen = KnowledgeBase.open(base.uri)
    assert fallen.commit.commit_id == base.log()[1].commit_id
    assert len(fallen.vocabulary) == 2
    assert "concepts.lance/" in caplog.text
    assert base.commit.commit_id in caplog.text
    with pytest.raises(DamagedError, match="nothing is written"):
        add_concepts(fallen, ["cardiomegaly"])
    with pytest.raises(DamagedError):
        fallen.at("HEAD")


@pytest.mark.parametrize("harm", DAMAGES)
@pytest.mark.parametrize("place", [newest_manifest, newest_data])
def test_a_damaged_log_comes_from_its_second_copy_and_repair_writes_it_anew(
    place: Callable[[KnowledgeBase, str], Path],
    harm: Callable[[Path], object],
    base: KnowledgeBase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    harm(place(base, "commits"))
    opened = KnowledgeBase.open(base.uri)
    assert opened.log() == base.log()
    assert len(opened.vocabulary) == 3
    if opened.commits.damage is None:
        pytest.skip("no byte that matters")
    assert "'commits'" in caplog.text
    with pytest.raises(DamagedError, match="nothing is written"):
        add_concepts(opened, ["cardiomegaly"])
    repair(Storage(base.uri))
    mended = KnowledgeBase.open(base.uri)
    assert mended.log() == base.log()
    add_concepts(mended, ["cardiomegaly"])
    assert not check_storage(Storage(base.uri)).damaged


@pytest.mark.soak
def test_repair_goes_back_by_a_commit_tells_what_is_lost_and_deletes_nothing(
    base: KnowledgeBase, cli: Callable[..., Any], cli_json: Callable[..., Any]
) -> None:
    empty(newest_manifest(base, "concepts"))
    assert len(cli_json("check", "--storage", "--kb", base.uri, code=1)) == 1
    files = {path for path in Path(base.uri).rglob("*") if path.is_file()}
    would = cli("repair", "--dry-run", "--kb", base.uri).stderr
    assert base.commit.commit_id in would
    assert {path for path in Path(base.uri).rglob("*") if path.is_file()} == files
    done = cli_json("repair", "--kb", base.uri)
    assert [lost["commit"] for lost in done["lost"]] == [base.commit.commit_id]
    mended = KnowledgeBase.open(base.uri)
    assert [commit.operation for commit in mended.log()][:2] == ["repair", base.commit.operation]
    assert len(mended.vocabulary) == 2
    assert len(list((Path(base.uri) / "_damaged").rglob("*.manifest"))) == 1
    add_concepts(mended, ["atelectasis"])
    assert len(KnowledgeBase.open(base.uri).vocabulary) == 3
    assert repair(Storage(base.uri)).steps == []
    with pytest.raises(DamagedError):
        mended.at(base.commit.commit_id)


def test_a_table_that_is_gone_is_told_and_made_anew_by_repair(base: KnowledgeBase) -> None:
    shutil.rmtree(folder(base, "rejects"))
    with pytest.raises(DamagedError, match=r"rejects\.lance"):
        KnowledgeBase.open(base.uri)
    assert any("rejects" in step for step in repair(Storage(base.uri)).steps)
    assert len(KnowledgeBase.open(base.uri).vocabulary) == 3
    assert KnowledgeBase.open(base.uri).rejects() == []


def test_repair_says_only_of_work_that_it_takes_back_that_it_is_lost(
    base: KnowledgeBase, cli: Callable[..., Any]
) -> None:
    shutil.rmtree(folder(base, "disputes"))  # every commit names it, and none wrote anything into it
    said = cli("repair", "--kb", base.uri).stderr
    assert "make disputes anew, empty" in said
    assert "is to be done again" not in said and "_damaged" not in said
    assert len(KnowledgeBase.open(base.uri).vocabulary) == 3


def test_a_damaged_index_is_not_used_and_built_anew(base: KnowledgeBase, caplog: pytest.LogCaptureFixture) -> None:
    (index,) = (folder(base, "concepts") / "_indices").iterdir()
    shutil.rmtree(index)
    assert len(KnowledgeBase.open(base.uri).vocabulary) == 3
    assert "goes without it" in caplog.text
    assert repair(Storage(base.uri)).lost == []
    mended = KnowledgeBase.open(base.uri)
    add_concepts(mended, ["cardiomegaly"])
    assert len(mended.vocabulary) == 4


def test_tags_come_back_from_the_marks_of_tables(base: KnowledgeBase) -> None:
    newest_manifest(base, "tags").unlink()
    base.publish("more", lambda _: ({}, None))
    with pytest.raises(ClearKbError, match="tags"):
        KnowledgeBase.open(base.uri).tags()
    repair(Storage(base.uri))
    mended = KnowledgeBase.open(base.uri)
    assert mended.tags() == {"v1": base.log()[-2].commit_id}
    assert len(mended.at("v1").vocabulary) == 1


def test_a_tag_that_was_cut_off_is_marked_whole_when_it_is_named_again(base: KnowledgeBase) -> None:
    base.tag("v2")
    marks = sorted(Path(base.uri).glob("*.lance/_refs/tags/v2.json"))
    for mark in marks[1:]:
        mark.unlink()
    base.tag("v2")
    assert sorted(Path(base.uri).glob("*.lance/_refs/tags/v2.json")) == marks


def test_a_tag_whose_marks_fit_several_states_does_not_come_back_as_one_of_them(base: KnowledgeBase) -> None:
    base.tag("v2")
    for mark in Path(base.uri).glob("*.lance/_refs/tags/v2.json"):
        if mark.parents[2].name != "images.lance":  # nothing was done to that table: every commit has this version
            mark.unlink()
    for data in (folder(base, "tags") / "data").iterdir():
        data.unlink()
    repair(Storage(base.uri))
    assert set(KnowledgeBase.open(base.uri).tags()) == {"v1"}


@pytest.mark.parametrize("table", ["concepts", "tags", "commits"])
def test_a_copy_that_a_synced_folder_left_among_the_manifests_is_told_and_put_aside(
    base: KnowledgeBase, cli: Callable[..., Any], table: str
) -> None:
    manifest = newest_manifest(base, table)
    copy = manifest.with_name(f"{manifest.stem}.sync-conflict-20261201.manifest")
    shutil.copy(manifest, copy)
    assert copy.name in cli("check", "--storage", "--kb", base.uri, code=1).stdout
    assert copy.name in cli("repair", "--dry-run", "--kb", base.uri).stderr
    cli("repair", "--kb", base.uri)
    cli("check", "--storage", "--kb", base.uri)
    cli("vocab", "add", "azygos fissure", "--kb", base.uri)
    assert len(KnowledgeBase.open(base.uri).vocabulary) == 4


def test_a_table_that_may_not_be_read_is_told_at_once(base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    # Who runs as root may read everything, so the system's answer is given here.
    monkeypatch.setattr("kb.store.storage.os.access", lambda path, _: "commits.lance" not in str(path))
    with pytest.raises(ClearKbError, match=r"commits\.lance may not be read by you"):
        KnowledgeBase.open(base.uri)


def test_an_act_stands_though_the_second_copy_of_the_log_cannot_be_written(
    base: KnowledgeBase, caplog: pytest.LogCaptureFixture
) -> None:
    copy = Path(base.uri) / "_commits.jsonl"
    kept = copy.rename(copy.with_name("_commits.new"))
    copy.mkdir()
    add_concepts(base, ["granuloma"])
    assert "stands; the second copy of the log could not be written" in caplog.text
    copy.rmdir()
    kept.rename(copy)
    add_concepts(base, ["nodule"])  # it adds what is missing
    lines = copy.read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line)["commit_id"] for line in lines if line]
    assert ids == [commit.commit_id for commit in reversed(base.log())]


@pytest.mark.soak
def test_a_backup_is_whole_incremental_and_comes_back(
    base: KnowledgeBase, tmp_path: Path, cli_json: Callable[..., Any]
) -> None:
    dest = tmp_path / "copy.kb"
    planned = cli_json("backup", dest, "--kb", base.uri, "--dry-run")
    assert not dest.exists()
    first = cli_json("backup", dest, "--kb", base.uri)
    assert (first["files"], first["bytes"]) == (planned["files"], planned["bytes"])
    copy = KnowledgeBase.open(dest)
    assert (copy.log(), copy.tags(), len(copy.vocabulary)) == (base.log(), base.tags(), 3)
    assert not check_storage(Storage(dest)).damaged
    add_concepts(base, ["cardiomegaly"])
    second = cli_json("backup", dest, "--kb", base.uri)
    assert second["there"] > 0
    assert len(KnowledgeBase.open(dest).vocabulary) == 4
    cli_json("restore-from", dest, "--kb", tmp_path / "back.kb")
    back = KnowledgeBase.open(tmp_path / "back.kb")
    add_concepts(back, ["nodule"])
    assert (len(back.vocabulary), len(back.at("v1").vocabulary)) == (5, 1)


def test_a_backup_writes_over_no_other_knowledge_base_and_over_none_that_went_on(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    other = KnowledgeBase.create(tmp_path / "other.kb")
    with pytest.raises(UsageError, match="another"):
        copy_knowledge_base(base.storage, other.storage)
    dest = Storage(tmp_path / "copy.kb")
    copy_knowledge_base(base.storage, dest)
    add_concepts(KnowledgeBase.open(dest.uri), ["nodule"])
    with pytest.raises(UsageError, match="written to since"):
        copy_knowledge_base(base.storage, dest)


@pytest.mark.soak
def test_what_a_clean_up_left_half_dropped_is_whole_once_it_is_copied_back(base: KnowledgeBase, tmp_path: Path) -> None:
    dest = tmp_path / "copy.kb"
    copy_knowledge_base(base.storage, Storage(dest))
    earlier = base.log()[1]
    # What a clean-up leaves that was killed while it wrote its note, and one that was killed later.
    note_dropping(dest, {"concepts": [earlier.pins["concepts"], 10_000]})
    (dest / ".dropped.new").write_text("{")
    with pytest.raises(ClearKbError):
        KnowledgeBase.open(dest, at=earlier.commit_id)
    copy_knowledge_base(base.storage, Storage(dest))
    assert len(KnowledgeBase.open(dest, at=earlier.commit_id).vocabulary) == 2
    assert Storage(dest).dropping().now == {"concepts": {10_000}}


def test_a_version_that_is_gone_and_was_not_dropped_is_damage(
    base: KnowledgeBase, cli: Callable[..., Any], cli_json: Callable[..., Any]
) -> None:
    first, second, *_ = reversed(base.log())
    Path(base.uri, "concepts.lance", manifest_path(first.pins["concepts"])).unlink()
    (found,) = check_storage(base.storage).damaged
    assert (found.damage.table, found.damage.what) == ("concepts", "is gone")
    assert first.commit_id in found.commits and second.commit_id not in found.commits
    with pytest.raises(DamagedError, match="is gone"):
        KnowledgeBase.open(base.uri, at=first.commit_id)
    assert "are damaged, for files of them are gone" in cli("log", "--kb", base.uri).stderr
    steps = repair(base.storage).steps
    assert any(f"leave commits {first.commit_id} to history" in step for step in steps)
    assert check_storage(base.storage).damaged == ()
    with pytest.raises(UsageError, match="dropped"):
        KnowledgeBase.open(base.uri, at=first.commit_id)


def test_what_a_clean_up_drops_is_no_damage(base: KnowledgeBase) -> None:
    for name in ("cardiomegaly", "scoliosis"):
        add_concepts(base, [name])
        collect_garbage(base, keep=1)
    base = KnowledgeBase.open(base.uri)
    assert base.commits.lost(base.commits.all()) == {} and check_storage(base.storage).damaged == ()
    (Path(base.uri) / ".dropped").write_text('{"now": 3}')
    assert base.commits.lost(base.commits.all()), "what nobody can tell any more is told as damage"


def test_a_file_that_its_own_commit_has_read_is_not_read_again_when_it_is_opened(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_memo, "LARGE", 1)
    base = KnowledgeBase.open(base.uri)
    read = list[Path]()
    monkeypatch.setattr(verify, "hash_file", lambda path: (read.append(path), hash_file(path))[1])
    add_concepts(base, ["cardiomegaly"])
    read.clear()
    KnowledgeBase.open(base.uri)
    assert read == []


def test_damage_is_not_copied(base: KnowledgeBase, tmp_path: Path) -> None:
    flip(newest_data(base, "concepts"))
    with pytest.raises(DamagedError, match=r"concepts\.lance/data"):
        copy_knowledge_base(Storage(base.uri), Storage(tmp_path / "copy.kb"))


@pytest.mark.parametrize("after", [1, 20, 60])
def test_a_backup_that_was_cut_off_shows_no_half_state_and_goes_on(
    after: int, base: KnowledgeBase, tmp_path: Path
) -> None:
    def stop(done: int, _: int) -> None:
        if done == after:
            raise KeyboardInterrupt

    dest = Storage(tmp_path / "copy.kb")
    with pytest.raises(KeyboardInterrupt):
        copy_knowledge_base(base.storage, dest, on_file=stop)
    with pytest.raises(ClearKbError):
        KnowledgeBase.open(dest.uri)
    copy_knowledge_base(base.storage, dest)
    before = KnowledgeBase.open(dest.uri).commit
    add_concepts(base, ["cardiomegaly"])
    with pytest.raises(KeyboardInterrupt):
        copy_knowledge_base(base.storage, dest, on_file=stop)
    assert KnowledgeBase.open(dest.uri).commit == before
    assert copy_knowledge_base(base.storage, dest).commit == base.commit.commit_id
    assert len(KnowledgeBase.open(dest.uri).vocabulary) == 4


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace tells when files reach the disk")
def test_every_new_file_is_on_the_disk_before_its_commit_is_written(base: KnowledgeBase, tmp_path: Path) -> None:
    act = f"""
from kb.knowledge_base import KnowledgeBase
from tests.support.concepts import add_concepts
add_concepts(KnowledgeBase.open({base.uri!r}), ["cardiomegaly"])
"""
    before = {str(path) for path in Path(base.uri).rglob("*")}
    trace = tmp_path / "trace"
    calls = "trace=fsync,link,linkat,rename,renameat,renameat2"
    subprocess.run(["strace", "-f", "-y", "-o", trace, "-e", calls, sys.executable, "-c", act], check=True)
    lines = trace.read_text().splitlines()
    named = next(at for at, line in enumerate(lines) if "commits.lance/_versions" in line and "fsync" not in line)
    synced = {line.split("<", 1)[1].split(">", 1)[0] for line in lines[:named] if "fsync(" in line}
    opened = KnowledgeBase.open(base.uri)
    files = {str(Path(base.uri) / f"{table}.lance" / path) for table, path in opened.commits.notes.all()}
    new = {file for file in files - before if "/commits.lance/" not in file}
    assert len(new) >= 2
    assert new <= synced
    assert {str(Path(file).parent) for file in new} <= synced
    after = "\n".join(lines[named:])
    assert "commits.lance/_versions" in after
    assert after.count("fsync(") >= 3


def test_status_tells_damage_in_one_line(base: KnowledgeBase, cli: Callable[..., Any]) -> None:
    shutil.rmtree(folder(base, "reports"))
    told = cli("status", "--kb", base.uri, code=1).stderr
    assert len(told.splitlines()) == 1
    assert "reports.lance" in told
    assert "clear-kb repair" in told
    assert ".rs:" not in told
    assert json.loads(cli("check", "--storage", "--kb", base.uri, "--format", "json", code=1).stdout)


def test_a_manifest_that_is_cut_anywhere_is_an_error_in_words(base: KnowledgeBase) -> None:
    path = newest_manifest(base, "concepts")
    whole = path.read_bytes()
    for length in range(0, len(whole), 9):
        path.write_bytes(whole[:length])
        with pytest.raises(ClearKbError, match="cannot open table 'concepts'"):
            Storage(base.uri).dataset("concepts", local_versions(folder(base, "concepts"))[-1])


def test_a_command_that_could_not_commit_does_no_work_first(
    base: KnowledgeBase, cli: Callable[..., Any], tmp_path: Path
) -> None:
    cut(newest_data(base, "concepts"))
    (tmp_path / "more.csv").write_text("report_id,findings\nr1,Small left pleural effusion.\n")
    refused = cli("ingest", "reports", "more.csv", "--no-embed", "--kb", base.uri, code=1)
    assert "nothing is written until it is repaired" in refused.stderr and "mining" not in refused.stderr
