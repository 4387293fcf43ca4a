"""Commits, tags, and how they are named."""

from __future__ import annotations

from typing import Any

import pytest

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.branches import create_branch
from tests.support.concepts import add_concepts


def test_log_tells_who_did_what_and_why_newest_first(kb: KnowledgeBase) -> None:
    kb.publish("one", lambda _: ({"n": 1}, None), by="ada", why="to begin")
    kb.publish("two", lambda _: ({"n": 2}, None), by="bob")
    told = [(commit.operation, commit.author, commit.reason, commit.summary) for commit in kb.log()]
    assert told == [
        ("two", "bob", None, {"n": 2}),
        ("one", "ada", "to begin", {"n": 1}),
        ("init", "tester", None, {}),
    ]
    assert [commit.parent for commit in kb.log()] == [commit.commit_id for commit in kb.log()[1:]] + [None]


def test_a_commit_has_the_same_id_whenever_it_is_read(kb: KnowledgeBase) -> None:
    commit, _ = kb.publish("one", lambda _: ({"b": 1, "a": [2]}, None), by="ada")
    assert commit is not None
    assert KnowledgeBase.open(kb.uri).commit == commit
    assert KnowledgeBase.open(kb.uri).commit.commit_id == commit.commit_id


def test_a_commit_shows_the_state_it_pinned(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["pleural effusion"])
    first = kb.commit.commit_id
    add_concepts(kb, ["pneumothorax", "atelectasis"])
    assert [len(kb.at(ref).vocabulary) for ref in ("HEAD", "head~1", "HEAD~2", first)] == [3, 1, 0, 1]


def test_log_at_an_older_commit_ends_there(kb: KnowledgeBase) -> None:
    kb.publish("one", lambda _: ({}, None), by="ada")
    kb.publish("two", lambda _: ({}, None), by="ada")
    assert [commit.operation for commit in kb.at("HEAD~1").log()] == ["one", "init"]


@pytest.mark.parametrize("ref", ["nothing", "", "ab", "HEAD~9", "zzzzzz"])
def test_a_reference_to_nothing_is_wrong_usage(kb: KnowledgeBase, ref: str) -> None:
    with pytest.raises(UsageError, match="commit"):
        kb.at(ref)


def test_the_first_letters_of_an_id_name_a_commit(kb: KnowledgeBase) -> None:
    assert kb.at(kb.commit.commit_id[:6]).commit == kb.commit


def test_a_tag_names_its_commit_for_good(kb: KnowledgeBase) -> None:
    kb.tag("v1", by="ada", why="first release")
    tagged = kb.commit
    kb.publish("more", lambda _: ({}, None), by="ada")
    assert kb.at("v1").commit == tagged
    with pytest.raises(UsageError, match="already names"):
        kb.tag("v1")
    assert kb.at("v1").commit == tagged


def test_tagging_the_same_commit_again_changes_nothing(kb: KnowledgeBase) -> None:
    kb.tag("v1")
    kb.tag("v1")
    assert kb.tags() == {"v1": kb.commit.commit_id}


def test_a_tag_keeps_its_versions_from_lance_clean_up(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["pleural effusion"])
    kb.tag("v1")
    assert kb.storage.dataset("concepts").tags.list()["v1"]["version"] == kb.commit.pins["concepts"]


@pytest.mark.parametrize("name", ["", "has space", "HEAD", "a/b", "-x", "'; drop", "a..b", "v1.", "v1.lock", "v" * 300])
def test_a_name_that_cannot_be_a_tag_is_refused(kb: KnowledgeBase, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a tag"):
        kb.tag(name)
    assert kb.tags() == {}


@pytest.mark.parametrize("name", ["clear-kb-gc-1", "clear-kb-gc-", "Clear-KB-GC-x"])
def test_the_marks_of_gc_are_no_names_for_tags_and_branches(kb: KnowledgeBase, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a tag: names of this kind"):
        kb.tag(name)
    with pytest.raises(UsageError, match="cannot be a branch: names of this kind"):
        create_branch(kb, name)
    assert kb.gc(keep=1).kept == 1


def test_a_dry_run_refuses_such_a_name_too(cli: Any, kb: KnowledgeBase) -> None:
    told = cli("tag", "clear-kb-gc-1", "--dry-run", "--kb", kb.uri, code=2).stderr
    assert told.startswith("error: 'clear-kb-gc-1' cannot be a tag")


def test_a_knowledge_base_of_another_format_is_refused(kb: KnowledgeBase) -> None:
    kb.storage.dataset("commits").update_schema_metadata({"clear_kb_format": "99"}, replace=True)
    with pytest.raises(ClearKbError, match="format 99"):
        KnowledgeBase.open(kb.uri)
