"""Branches: a curator's draft beside main, merged with its conflicts shown, and never dropped."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.curation.branch_merge import merge_branch
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.branches import create_branch, delete_branch, list_branches
from kb.vectors.embedding import Embedder
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts
from tests.support.curated import ACTS, EFFUSION, FLUID, LEFT, RIGHT, TEXTS, rows
from tests.support.examples import examples


@pytest.fixture
def main(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    create_branch(kb, "draft", by="ada")
    return kb


def status(kb: KnowledgeBase, concept_id: str) -> str:
    return kb.vocabulary.get(concept_id).status


def test_a_draft_and_main_do_not_see_each_other(main: KnowledgeBase) -> None:
    main.at("draft").curate.accept(LEFT)
    main.curate.reject(RIGHT)
    assert (status(main.at("draft"), LEFT), status(main.at("draft"), RIGHT)) == ("accepted", "candidate")
    assert (status(main, LEFT), status(main, RIGHT)) == ("candidate", "rejected")
    assert [commit.branch for commit in main.at("draft").log()] == ["draft", "draft", "main", "main"]
    assert main.at("draft").at("HEAD~2").commit == main.at("HEAD~1").commit


@pytest.mark.soak
def test_a_merge_brings_the_draft_and_its_changes_to_main(main: KnowledgeBase) -> None:
    made = main.at("draft").curate.merge(FLUID, into=EFFUSION, by="ada", why="same thing")
    main.curate.reject(RIGHT)
    result = merge_branch(main, "draft", by="bob")
    assert (result.merged, list(result.conflicts)) == (True, [])
    newest = KnowledgeBase.open(main.uri)
    assert newest.vocabulary.resolve(FLUID).concept_id == EFFUSION
    assert status(newest, RIGHT) == "rejected"
    assert made.change_id in [change.change_id for change in newest.changes(FLUID)]
    assert merge_branch(main, "draft").change is None


@pytest.mark.soak
def test_a_merge_brings_the_vectors_of_the_drafts_texts(kb: KnowledgeBase, embedder: Embedder) -> None:
    add_concepts(kb, TEXTS)
    embed_concepts(kb, embedder)
    create_branch(kb, "draft")
    draft = kb.at("draft")
    draft.curate.rename(LEFT, "spot on the left")
    draft.curate.add("hiatal hernia")
    embed_concepts(draft, embedder)
    merge_branch(kb, "draft")
    newest = kb.at("HEAD")
    assert newest.status().not_embedded == 0
    assert newest.vocabulary.nearest(embedder.embed(["hiatal hernia"])[0], 1)[0].text == "hiatal hernia"


def test_a_conflict_stops_the_merge_and_is_shown(main: KnowledgeBase) -> None:
    main.at("draft").curate.rename(LEFT, "left coin lesion")
    main.at("draft").curate.accept(LEFT)
    main.curate.rename(LEFT, "spot")
    before = rows(main)
    result = merge_branch(main, "draft")
    (conflict,) = result.conflicts
    assert (conflict.concept_id, conflict.field, conflict.main, conflict.branch) == (
        LEFT,
        "text",
        "spot",
        "left coin lesion",
    )
    assert not result.merged
    assert rows(KnowledgeBase.open(main.uri)) == before


@pytest.mark.parametrize(("take", "text"), [("main", "spot"), ("branch", "left coin lesion")])
def test_a_conflict_is_settled_by_taking_one_side(main: KnowledgeBase, take, text: str) -> None:
    main.at("draft").curate.rename(LEFT, "left coin lesion")
    main.at("draft").curate.accept(LEFT)
    main.curate.rename(LEFT, "spot")
    assert merge_branch(main, "draft", take=take).merged
    concept = KnowledgeBase.open(main.uri).vocabulary.get(LEFT)
    assert (concept.text, concept.status) == (text, "accepted")


@pytest.mark.parametrize("take", ["branch", "main"])
def test_merges_that_cross_are_a_conflict_that_either_side_settles(main: KnowledgeBase, take) -> None:
    one, other = EFFUSION, FLUID
    main.at("draft").curate.merge(one, into=other, by="ada")
    main.curate.merge(other, into=one, by="bob")
    stopped = merge_branch(main, "draft", by="ada")
    assert {(c.concept_id, c.field, c.main, c.branch) for c in stopped.conflicts} == {
        (one, "replaced_by", None, other),
        (other, "replaced_by", one, None),
    }
    assert not stopped.merged
    assert merge_branch(main, "draft", take=take, by="ada").conflicts
    now = KnowledgeBase.open(main.uri)
    gone, stays = (one, other) if take == "branch" else (other, one)
    assert now.vocabulary.get(gone).replaced_by == stays
    assert (now.vocabulary.get(stays).replaced_by, now.vocabulary.get(stays).status) != (gone, "retired")


@pytest.mark.soak
def test_a_second_merge_brings_only_what_came_since(main: KnowledgeBase) -> None:
    main.at("draft").curate.accept(LEFT)
    merge_branch(main, "draft")
    KnowledgeBase.open(main.uri).curate.reject(LEFT)
    main.at("draft").curate.accept(RIGHT)
    assert [branch.commits for branch in list_branches(main)] == [1]
    assert merge_branch(main, "draft").merged
    newest = KnowledgeBase.open(main.uri)
    assert (status(newest, LEFT), status(newest, RIGHT)) == ("rejected", "accepted")


@pytest.mark.soak
@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(range(len(ACTS))), max_size=6))
def test_a_draft_merged_into_an_untouched_main_gives_the_draft(tmp_path_factory, order: list[int]) -> None:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("branch") / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    create_branch(kb, "draft")
    draft = kb.at("draft")
    for number in order:
        try:
            ACTS[number](draft.curate)
        except UsageError:
            continue
    merge_branch(kb, "draft")
    assert rows(KnowledgeBase.open(kb.uri)) == rows(kb.at("draft"))


def test_a_clean_up_keeps_what_a_branch_names(main: KnowledgeBase) -> None:
    main.at("draft").curate.accept(LEFT)
    for concept in (RIGHT, EFFUSION, FLUID):
        main.curate.accept(concept)
    main.gc(keep=1)
    assert status(main.at("draft"), LEFT) == "accepted"
    assert merge_branch(main, "draft").merged


def test_names_are_taken_once_and_freed_by_delete(main: KnowledgeBase) -> None:
    main.tag("v1")
    for name in ("draft", "main", "v1", "HEAD", "a b"):
        with pytest.raises(UsageError):
            create_branch(main, name)
    with pytest.raises(UsageError, match="is a branch"):
        main.tag("draft")
    delete_branch(main, "draft")
    with pytest.raises(UsageError, match="no branch"):
        merge_branch(main, "draft")
    create_branch(main, "draft")
    assert [branch.name for branch in list_branches(main)] == ["draft"]


@pytest.mark.soak
def test_on_the_command_line(main: KnowledgeBase, cli, cli_json) -> None:
    where = ["--kb", main.uri]
    cli("branch", "create", "mine", *where)
    cli("vocab", "rename", LEFT, "left coin lesion", "--branch", "mine", *where)
    cli("vocab", "rename", LEFT, "spot", *where)
    assert {row["branch"]: row["commits"] for row in cli_json("branch", "list", *where)} == {"draft": 0, "mine": 1}
    stopped = cli("branch", "merge", "mine", *where, code=1)
    assert "left coin lesion" in stopped.stdout
    assert "--take" in stopped.stderr
    assert cli_json("branch", "merge", "mine", "--take", "branch", *where)["merged"]
    assert "left coin lesion" in cli("vocab", "show", LEFT, *where).stdout
    cli("branch", "delete", "mine", *where)
    assert "no branch" in cli("vocab", "accept", LEFT, "--branch", "mine", *where, code=2).stderr
