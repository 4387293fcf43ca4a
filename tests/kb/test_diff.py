"""The difference of two vocabularies, and the patch that carries it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.diff import read_patch
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.kb.test_curation import ACTS, EFFUSION, FLUID, LEFT, NO_MASS, RIGHT, TEXTS, rows
from tests.support import add_concepts


@pytest.fixture
def curated(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    kb.tag("before")
    return kb


def test_each_difference_is_told_by_its_kind(curated: KnowledgeBase) -> None:
    vocabulary = curated.vocabulary
    vocabulary.accept(RIGHT)
    vocabulary.rename(LEFT, "spot")
    vocabulary.merge(FLUID, into=EFFUSION)
    vocabulary.retire(NO_MASS)
    (added,) = vocabulary.add("hiatal hernia").after
    kinds = {difference.concept_id: difference.kind for difference in curated.vocabulary.diff("before").differences}
    assert kinds == {
        RIGHT: "judged",
        LEFT: "renamed",
        FLUID: "merged",
        EFFUSION: "described",
        NO_MASS: "retired",
        added: "added",
    }


def test_a_state_does_not_differ_from_itself(curated: KnowledgeBase) -> None:
    found = curated.vocabulary.diff("before")
    assert (list(found.differences), dict(found.counts)) == ([], {})


def test_backwards_what_was_added_is_removed(curated: KnowledgeBase) -> None:
    curated.vocabulary.add("hiatal hernia")
    (difference,) = curated.vocabulary.diff("HEAD", "before").differences
    assert difference.kind == "removed"


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(range(len(ACTS))), max_size=6))
def test_a_diff_applied_to_its_beginning_gives_its_end(tmp_path_factory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("diff")
    kb = KnowledgeBase.create(folder / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    kb.tag("before")
    shutil.copytree(folder / "a.kb", folder / "b.kb")
    for number in order:
        try:
            ACTS[number](kb.vocabulary)
        except UsageError:
            continue  # refused on this state, and so nothing was written
    patch = read_patch(json.dumps(kb.vocabulary.diff("before").to_patch()))
    other = KnowledgeBase.open(folder / "b.kb")
    other.vocabulary.apply(patch)
    assert rows(other) == rows(kb)


def test_a_patch_that_does_not_fit_names_every_conflict_and_does_nothing(curated: KnowledgeBase) -> None:
    curated.vocabulary.accept(RIGHT, LEFT)
    patch = curated.vocabulary.diff("before").to_patch()
    before = rows(curated)
    with pytest.raises(UsageError) as refused:
        curated.vocabulary.apply(patch)
    assert RIGHT in str(refused.value)
    assert LEFT in str(refused.value)
    assert rows(KnowledgeBase.open(curated.uri)) == before


def test_a_dry_run_of_a_patch_writes_nothing(curated: KnowledgeBase) -> None:
    patch = {
        "format": "clear-kb vocabulary patch 1",
        "edits": {RIGHT: {"before": {"note": None}, "after": {"note": "x"}}},
    }
    assert curated.vocabulary.apply(patch, dry_run=True) is not None
    assert curated.vocabulary.get(RIGHT).note is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "other", "edits": {}}', "not json"])
def test_a_file_that_is_no_patch_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="not a vocabulary patch"):
        read_patch(text)


@pytest.mark.parametrize("edit", [{}, {"before": None}, {"before": {"evil": 1}, "after": {"evil": 2}}, "text"])
def test_a_patch_with_a_broken_edit_is_refused(curated: KnowledgeBase, edit) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        curated.vocabulary.apply({"format": "clear-kb vocabulary patch 1", "edits": {RIGHT: edit}})


def test_the_command_line_carries_a_patch(cli, tmp_path: Path, curated: KnowledgeBase) -> None:
    shutil.copytree(curated.uri, tmp_path / "other.kb")
    curated.vocabulary.accept(RIGHT, why="sure")
    (tmp_path / "patch.json").write_text(cli("vocab", "diff", "before", "--kb", curated.uri, "--format", "json").stdout)
    assert "judged" in cli("vocab", "diff", "before", "--kb", curated.uri).stdout
    cli("vocab", "apply", "patch.json", "--kb", "other.kb", "--by", "bob")
    assert KnowledgeBase.open(tmp_path / "other.kb").vocabulary.get(RIGHT).status == "accepted"
    assert "does not fit" in cli("vocab", "apply", "patch.json", "--kb", "other.kb", code=2).stderr
