"""The difference of two vocabularies, and the patch that carries it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.curation.diff import read_patch
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from schemas.tables import CONCEPTS
from tests.support.concepts import add_concepts, concept
from tests.support.curated import ACTS, EFFUSION, FLUID, LEFT, NO_MASS, RIGHT, TEXTS, concept_id, rows
from tests.support.examples import examples


@pytest.fixture
def curated(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    kb.tag("before")
    return kb


def test_each_difference_is_told_by_its_kind(curated: KnowledgeBase) -> None:
    curate = curated.curate
    curate.accept(RIGHT)
    curate.rename(LEFT, "spot")
    curate.merge(FLUID, into=EFFUSION)
    curate.retire(NO_MASS)
    (added,) = curate.add("hiatal hernia").after
    kinds = {difference.concept_id: difference.kind for difference in curated.diff("before").differences}
    assert kinds == {
        RIGHT: "judged",
        LEFT: "renamed",
        FLUID: "merged",
        EFFUSION: "described",
        NO_MASS: "retired",
        added: "added",
    }


def test_a_state_does_not_differ_from_itself(curated: KnowledgeBase) -> None:
    found = curated.diff("before")
    assert (list(found.differences), dict(found.counts)) == ([], {})


def test_backwards_what_was_added_is_removed(curated: KnowledgeBase) -> None:
    curated.curate.add("hiatal hernia")
    (difference,) = curated.diff("HEAD", "before").differences
    assert difference.kind == "removed"


@pytest.mark.soak
@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(range(len(ACTS))), max_size=6))
def test_a_diff_applied_to_its_beginning_gives_its_end(tmp_path_factory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("diff")
    kb = KnowledgeBase.create(folder / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    kb.tag("before")
    shutil.copytree(folder / "a.kb", folder / "b.kb")
    for number in order:
        try:
            ACTS[number](kb.curate)
        except UsageError:
            continue  # refused on this state, and so nothing was written
    patch = read_patch(json.dumps(kb.diff("before").to_patch()))
    other = KnowledgeBase.open(folder / "b.kb")
    other.curate.apply(patch)
    assert rows(other) == rows(kb)


def test_a_patch_that_does_not_fit_names_every_conflict_and_does_nothing(curated: KnowledgeBase) -> None:
    curated.curate.accept(RIGHT, LEFT)
    patch = curated.diff("before").to_patch()
    assert curated.curate.apply(patch) is None, "it is so already"
    curated.curate.reject(RIGHT, LEFT)
    before = rows(curated)
    with pytest.raises(UsageError) as refused:
        curated.curate.apply(patch)
    assert RIGHT in str(refused.value)
    assert LEFT in str(refused.value)
    assert rows(KnowledgeBase.open(curated.uri)) == before


def test_a_dry_run_of_a_patch_writes_nothing(curated: KnowledgeBase) -> None:
    patch = {
        "format": "clear-kb vocabulary patch 1",
        "edits": {RIGHT: {"before": {"note": None}, "after": {"note": "x"}}},
    }
    assert curated.curate.apply(patch, dry_run=True) is not None
    assert curated.vocabulary.get(RIGHT).note is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "other", "edits": {}}', "not json"])
def test_a_file_that_is_no_patch_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="not a vocabulary patch"):
        read_patch(text)


@pytest.mark.parametrize("edit", [{}, {"before": None}, {"before": {"evil": 1}, "after": {"evil": 2}}, "text"])
def test_a_patch_with_a_broken_edit_is_refused(curated: KnowledgeBase, edit) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        curated.curate.apply({"format": "clear-kb vocabulary patch 1", "edits": {RIGHT: edit}})


@pytest.mark.soak
def test_the_command_line_carries_a_patch(cli, tmp_path: Path, curated: KnowledgeBase) -> None:
    shutil.copytree(curated.uri, tmp_path / "other.kb")
    curated.curate.accept(RIGHT, why="sure")
    (tmp_path / "patch.json").write_text(cli("vocab", "diff", "before", "--kb", curated.uri, "--format", "json").stdout)
    assert "judged" in cli("vocab", "diff", "before", "--kb", curated.uri).stdout
    cli("vocab", "apply", "patch.json", "--kb", "other.kb", "--by", "bob")
    assert KnowledgeBase.open(tmp_path / "other.kb").vocabulary.get(RIGHT).status == "accepted"
    assert "it is so already" in cli("vocab", "apply", "patch.json", "--kb", "other.kb").stderr
    cli("vocab", "reject", RIGHT, "--kb", "other.kb")
    assert "does not fit" in cli("vocab", "apply", "patch.json", "--kb", "other.kb", code=2).stderr


def patch_of(*edits: tuple[str, object, object]) -> dict[str, Any]:
    told = {concept_id: {"before": before, "after": after} for concept_id, before, after in edits}
    return {"format": "clear-kb vocabulary patch 2", "edits": told}


WRONG: list[tuple[str, Any]] = [
    ("assertion", "maybe"),
    ("assertion", "uncertain"),
    ("assertion", "absent"),
    ("assertion", ["present"]),
    ("text", ""),
    ("text", " \t"),
    ("text", None),
    ("text", 5),
    ("text", "half \ud800"),
    ("normal_form", "x"),
    ("normal_form", "half \ud800"),
    ("finding", ""),
    ("finding", {}),
    ("laterality", "sideways"),
    ("laterality", None),
    ("severity", ["mild"]),
    ("anatomy", True),
    ("status", "bogus"),
    ("status", 1),
    ("descriptors", "round"),
    ("descriptors", [""]),
    ("synonyms", [None]),
    ("synonyms", "spot"),
    ("synonyms", None),
    ("replaced_by", 5),
    ("replaced_by", "nothing"),
    ("splits", None),
    ("splits", "x"),
    ("splits", {"into": LEFT}),
    ("splits", [LEFT]),
    ("splits", [{"into": LEFT}]),
    ("splits", [{"into": "", "where": [{"field": "section", "values": ["findings"]}]}]),
    ("splits", [{"into": LEFT, "where": [{"field": "section", "values": "findings"}]}]),
    ("splits", [{"into": LEFT, "where": [{"field": "section", "values": [5]}]}]),
    ("splits", [{"into": LEFT, "where": [{"field": "text", "values": ["("]}]}]),
    ("splits", [{"into": LEFT, "where": []}]),
    ("distinct_from", [""]),
    ("distinct_from", ["C1"]),
    ("mappings", [{"object_id": "no curie", "predicate": "skos:exactMatch", "justification": "x"}]),
    ("mappings", [{"object_id": "A:1", "predicate": "same", "justification": "x"}]),
    ("mappings", [{"object_id": "A:1", "predicate": "skos:exactMatch", "justification": "x", "confidence": True}]),
    ("mappings", [{"object_id": "A:1", "predicate": "skos:exactMatch"}]),
    ("source", ""),
    ("note", 5),
    ("note", "half \udfff"),
]
"""Fields and what they cannot be."""


@pytest.fixture(scope="module")
def unchanging(tmp_path_factory) -> KnowledgeBase:
    """A vocabulary to which nothing is ever written."""
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("diff") / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    return kb


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_field_that_cannot_be_is_refused_by_its_name_and_nothing_is_written(
    unchanging: KnowledgeBase, name: str, value: Any
) -> None:
    row = next(row for row in rows(unchanging) if row["concept_id"] == RIGHT)
    new = {**concept("scoliosis"), name: value}
    del new["concept_id"]
    edits = [
        (RIGHT, {name: row[name]}, {name: value}),
        (RIGHT, {}, {name: value}),
        (concept_id("scoliosis"), None, new),
    ]
    for edit in edits:
        with pytest.raises(UsageError, match="nothing was applied") as refused:
            unchanging.curate.apply(patch_of((LEFT, {}, {"note": "well"}), edit))
        assert edit[0] in str(refused.value) and name.replace("_", " ") in str(refused.value).replace("_", " ")
        str(refused.value).encode()
    assert len(unchanging.at("HEAD").log()) == 2, "it was created, and the concepts were added"


def test_what_a_patch_may_not_say_an_import_may_not_either(unchanging: KnowledgeBase, tmp_path: Path) -> None:
    # That a field is null an import takes for "says nothing of it"; in a patch each field stands because it moved.
    wrong = [(name, value) for name, value in WRONG if value is not None or name in ("text", "laterality")]
    lines = [json.dumps({"concept_id": RIGHT, name: value}) for name, value in wrong]
    (tmp_path / "wrong.jsonl").write_text("\n".join(lines), encoding="utf-8")
    result = unchanging.import_vocabulary(tmp_path / "wrong.jsonl", dry_run=True)
    assert (result.read, result.rejected, result.edited) == (len(wrong), len(wrong), 0)


@pytest.mark.parametrize(
    ("of", "edit", "told"),
    [
        (RIGHT, {"before": [1], "after": {}}, "before is [1], and not the fields of a concept"),
        (RIGHT, {"before": "x", "after": {}}, "before is 'x'"),
        (RIGHT, {"before": {}, "after": 5}, "after is 5"),
        (RIGHT, {"before": None, "after": None}, "both before and after are null"),
        (RIGHT, {"before": {"text": 5}, "after": {"text": "spot"}}, "text is 'right nodule', not 5"),
        (RIGHT, {"before": {"note": "\ud800"}, "after": {"note": "y"}}, "note is null, not '\\ud800'"),
        (RIGHT, {"before": {"\ud800": 1}, "after": {}}, "unknown fields"),
        (RIGHT, {"before": {}, "after": {"\ud800": 1}}, "unknown fields"),
        (RIGHT, {"before": {}, "after": {"concept_id": LEFT}}, "concept_id of "),
        ("C'1", {"before": None, "after": None}, "is no concept id"),
        ("\ud800", {"before": None, "after": {}}, "half a letter"),
        ("", {"before": None, "after": {}}, "a concept id is missing"),
        (concept_id("scoliosis"), {"before": None, "after": {"text": "kyphosis"}}, "is not that of"),
        (concept_id("scoliosis"), {"before": None, "after": {}}, "no text"),
    ],
)
def test_an_edit_that_cannot_be_read_says_why(unchanging: KnowledgeBase, of: str, edit: Any, told: str) -> None:
    with pytest.raises(UsageError, match="nothing was applied") as refused:
        unchanging.curate.apply({"format": "clear-kb vocabulary patch 2", "edits": {of: edit}})
    assert told in str(refused.value)
    str(refused.value).encode()


def test_what_is_replaced_has_to_be_retired(unchanging: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match="and still be candidate: what is replaced is retired"):
        unchanging.curate.apply(patch_of((RIGHT, {}, {"replaced_by": LEFT})))


@pytest.mark.soak
@settings(max_examples=examples(40), deadline=None)
@given(
    name=st.sampled_from([field.name for field in CONCEPTS.schema if field.name != "embedder"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([LEFT, "left"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
        max_leaves=5,
    ),
)
def test_whatever_a_field_is_said_to_be_it_is_refused_or_leaves_a_sound_vocabulary(
    curated_once: KnowledgeBase, name: str, value: Any
) -> None:
    before = rows(curated_once)
    try:
        change = curated_once.curate.apply(read_patch(json.dumps(patch_of((RIGHT, {}, {name: value})))))
    except UsageError:
        change = None
    if change is not None:
        assert [problem for problem in curated_once.check() if problem.severity == "error"] == []
        curated_once.curate.revert(change.change_id)
    assert rows(curated_once) == before


@pytest.fixture(scope="module")
def curated_once(tmp_path_factory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("fuzz") / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    return kb


def test_a_concept_that_was_let_in_broken_can_be_mended_by_a_patch(kb: KnowledgeBase) -> None:
    add_concepts(kb, TEXTS)
    add_concepts(kb, ["scoliosis"], finding="", laterality="sideways")
    broken = concept_id("scoliosis")
    kb.curate.apply(
        patch_of((broken, {"finding": "", "laterality": "sideways"}, {"finding": "scoliosis", "laterality": "none"}))
    )
    assert kb.vocabulary.get(broken).finding == "scoliosis"
    assert [problem for problem in kb.check() if problem.severity == "error"] == []


def test_a_new_concept_whose_text_says_nothing_known_is_carried_whole(tmp_path: Path, curated: KnowledgeBase) -> None:
    shutil.copytree(curated.uri, tmp_path / "other.kb")
    (added,) = curated.curate.add("hiatal hernia").after
    curated.curate.rename(added, "HH-7 ???")
    curated.curate.rename(added, "???")
    other = KnowledgeBase.open(tmp_path / "other.kb")
    other.curate.apply(read_patch(json.dumps(curated.diff("before").to_patch())))
    assert rows(other) == rows(curated)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"ID": {"before": {}, "after": {"text": ""}}}', "text: "),
        (b'{"ID": {"before": {}, "after": {"note": "\\ud800"}}}', "half a letter"),
        (b"\xff\xfe\x00", "not a vocabulary patch"),
        (b"[" * 100_000, "not a vocabulary patch"),
    ],
    ids=["empty", "surrogate", "no text", "deep"],
)
def test_the_command_line_refuses_a_patch_in_a_line(
    cli, tmp_path: Path, curated: KnowledgeBase, content: bytes, told: str
) -> None:
    edits = content.replace(b"ID", RIGHT.encode())
    (tmp_path / "patch.json").write_bytes(b'{"format": "clear-kb vocabulary patch 2", "edits": ' + edits + b"}")
    said = cli("vocab", "apply", "patch.json", "--kb", curated.uri, code=2).stderr
    assert told in " ".join(said.split()) and "Traceback" not in said
    assert KnowledgeBase.open(curated.uri).changes() == []


@pytest.mark.parametrize(
    "act",
    [
        lambda v: v.add_synonyms(RIGHT, " "),
        lambda v: v.add("hiatal hernia", [""]),
        lambda v: v.set_facet(RIGHT, "finding", "  "),
        lambda v: v.set_facet(RIGHT, "anatomy", "half \ud800"),
        lambda v: v.set_note(RIGHT, "half \ud800"),
        lambda v: v.rename(RIGHT, "half \ud800"),
    ],
)
def test_what_no_patch_could_carry_is_not_typed_in_either(unchanging: KnowledgeBase, act) -> None:
    with pytest.raises(UsageError):
        act(unchanging.curate)
