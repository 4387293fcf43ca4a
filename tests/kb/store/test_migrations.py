"""Upgrades: what an older clear-kb wrote is brought up as one commit, and what cannot be is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase
from kb.store import migrations
from kb.store.migrations import migrate
from kb.store.publication import Publication
from kb.store.storage import Storage
from schemas.tables import FORMAT, VERSIONED
from schemas.tables.table import TABLE_VERSION
from tests.support.old_formats import FORMATS, stored_example

CARDIOMEGALY = "Cebc89f62d7e671b8"
"""A concept of each stored example."""


@pytest.fixture(params=range(10, FORMAT))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return stored_example(request.param, tmp_path)


def test_every_format_since_10_has_an_example() -> None:
    assert {path.name for path in FORMATS.iterdir()} == {f"format{number}.tar.xz" for number in range(10, FORMAT)}


def test_an_older_format_is_refused_with_what_to_do(old: Path, cli: Callable[..., Any]) -> None:
    told = cli("status", "--kb", old, code=1).stderr
    assert "format 10" in told
    assert "clear-kb migrate" in told


def test_a_migration_is_one_commit_and_keeps_history_tags_and_contents(old: Path, cli: Callable[..., Any]) -> None:
    assert "format" in cli("migrate", "--kb", old).stderr
    base = KnowledgeBase.open(old)
    assert [commit.operation for commit in base.log()] == ["migrate", "vocab accept", "ingest reports", "init"]
    assert base.tags() == {"v1": base.log()[1].commit_id}
    assert base.vocabulary.get(CARDIOMEGALY).status == "accepted"
    assert len(base.at("HEAD~2").vocabulary) == len(base.vocabulary) == 9
    assert "newest format" in cli("migrate", "--kb", old).stderr


def test_a_rehearsed_migration_changes_nothing(old: Path, cli: Callable[..., Any]) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    assert "would add notes of" in cli("migrate", "--kb", old, "--dry-run").stderr
    assert {path: path.read_bytes() for path in old.rglob("*") if path.is_file()} == before


def test_a_migrated_knowledge_base_is_written_as_a_new_one(old: Path, tmp_path: Path) -> None:
    migrate(Storage(old))
    base, new = KnowledgeBase.open(old), KnowledgeBase.create(tmp_path / "new.kb")
    base.curate.set_note(CARDIOMEGALY, "seen")
    for table in VERSIONED:
        said = base.dataset(table.name).schema
        assert said.metadata == new.dataset(table.name).schema.metadata, table.name
        assert said.equals(new.dataset(table.name).schema), table.name


def test_every_file_of_every_readable_commit_is_noted_by_the_migration(old: Path) -> None:
    migrate(Storage(old))
    base = KnowledgeBase.open(old)
    noted = {(table, path) for table, path in base.commits.notes.all()}
    pinned = {(table, version) for commit in base.log() for table, version in commit.pins.items()}
    assert {(table, f"_versions/{2**64 - 1 - version}.manifest") for table, version in pinned} <= noted


@pytest.mark.parametrize("step", ["beside", "commit", "format"])
def test_a_migration_that_died_is_taken_up_again(step: str, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if step == "beside":
            patched.setattr(migrations, "_commit", die)
        elif step == "commit":
            patched.setattr(migrations, "seal", die)
        else:
            patched.setattr(Storage, "raise_format", die)
        with pytest.raises(KeyboardInterrupt):
            migrate(Storage(old))
    with pytest.raises(ClearKbError, match="bring it up first"):
        KnowledgeBase.open(old)
    migrate(Storage(old))
    assert [commit.operation for commit in KnowledgeBase.open(old).log()].count("migrate") == 1


def test_a_table_of_a_newer_version_is_refused_in_words(kb: KnowledgeBase) -> None:
    def raise_version(publication: Publication) -> tuple[dict[str, int], None]:
        publication.set_metadata("concepts", {TABLE_VERSION: "2"})
        return {}, None

    kb.publish("newer", raise_version)
    newer = KnowledgeBase.open(kb.uri)
    with pytest.raises(ClearKbError, match=r"'concepts'.*newer clear-kb"):
        newer.dataset("concepts")
    with pytest.raises(ClearKbError, match=r"'concepts'.*newer clear-kb"):
        newer.publish("write", lambda publication: ({}, publication.delete("concepts", "true")))


@pytest.mark.parametrize(("number", "told"), [("12", "newer clear-kb"), ("9", "never released")])
def test_a_format_that_cannot_be_brought_up_is_refused_in_words(
    number: str, told: str, kb: KnowledgeBase, cli: Callable[..., Any]
) -> None:
    kb.storage.raise_format(number)
    for command in ("status", "migrate"):
        assert told in cli(command, "--kb", kb.uri, code=1).stderr
