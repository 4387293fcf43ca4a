"""Acts of curation as lines of KGCL, out and in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.errors import UsageError
from kb.exchange.change_line_reading import apply_change_lines
from kb.exchange.change_lines import change_lines
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from tests.support.concepts import add_concepts
from tests.support.curated import ACTS, EFFUSION, FLUID, LEFT, NO_MASS, RIGHT, TEXTS, rows
from tests.support.examples import examples

HERNIA = read_query("hiatal hernia").concept_id


@pytest.fixture
def ward(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    return kb


def lines(kb: KnowledgeBase) -> list[str]:
    return [line for line in change_lines(kb.changes()) if not line.startswith("#")]


def plain(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """The concepts without the details of their mappings, for which KGCL has no words."""
    return [{**row, "mappings": [(one["predicate"], one["object_id"]) for one in row["mappings"]]} for row in rows(kb)]


@pytest.mark.soak
def test_each_act_is_spelled_as_kgcl_does(ward: KnowledgeBase) -> None:
    curate = ward.curate
    curate.rename(LEFT, "the ward's left nodule")
    curate.merge(FLUID, into=EFFUSION)
    curate.remove_synonyms(EFFUSION, "puddle pleural effusion")
    curate.retire(NO_MASS)
    curate.revert(ward.changes()[-1].change_id)
    curate.accept(RIGHT)
    curate.set_note(RIGHT, 'two "lines"\nof it')
    curate.set_facet(RIGHT, "descriptors", "round,calcified")
    curate.map_to(EFFUSION, "RADLEX:RID34539")
    curate.unmap(EFFUSION, "RADLEX:RID34539")
    curate.keep_apart(LEFT, RIGHT)
    curate.add("hiatal hernia", ["HH"])
    assert lines(ward) == [
        f"rename CLEARKB:{LEFT} from 'left nodule' to 'the ward\\'s left nodule'",
        *sorted(
            [
                f"obsolete CLEARKB:{FLUID} with replacement CLEARKB:{EFFUSION}",
                f"create exact synonym 'puddle pleural effusion' for CLEARKB:{EFFUSION}",
            ],
            key=lambda line: FLUID < EFFUSION if "obsolete" in line else FLUID >= EFFUSION,
            reverse=True,
        ),
        f"remove synonym 'puddle pleural effusion' for CLEARKB:{EFFUSION}",
        f"obsolete CLEARKB:{NO_MASS}",
        f"unobsolete CLEARKB:{NO_MASS}",
        f'change annotation of CLEARKB:{RIGHT} with CLEARKB:status from "candidate" to "accepted"',
        f'change annotation of CLEARKB:{RIGHT} with CLEARKB:note from "" to "two \\"lines\\"\\nof it"',
        f'change annotation of CLEARKB:{RIGHT} with CLEARKB:descriptors from "" to "round | calcified"',
        f"create edge CLEARKB:{EFFUSION} skos:exactMatch RADLEX:RID34539",
        f"delete edge CLEARKB:{EFFUSION} skos:exactMatch RADLEX:RID34539",
        *sorted(
            [
                f"create edge CLEARKB:{LEFT} owl:differentFrom CLEARKB:{RIGHT}",
                f"create edge CLEARKB:{RIGHT} owl:differentFrom CLEARKB:{LEFT}",
            ]
        ),
        f"create node CLEARKB:{HERNIA} 'hiatal hernia'",
        f"create exact synonym 'HH' for CLEARKB:{HERNIA}",
    ]


def test_a_comment_says_who_did_it_and_what_kgcl_has_no_words_for(ward: KnowledgeBase) -> None:
    ward.curate.map_to(LEFT, "RADLEX:RID1", by="ada", why="asked\naround", denied=True)
    head, denied = change_lines(ward.changes(), LEFT)
    assert head.startswith(f"# {ward.changes()[0].change_id} ") and head.endswith(" map by ada (asked around)")
    assert denied == f"# no words for it in KGCL: CLEARKB:{LEFT} not skos:exactMatch RADLEX:RID1"


@pytest.mark.soak
@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(range(len(ACTS))), min_size=1, max_size=7))
def test_the_lines_of_whatever_was_curated_make_another_vocabulary_the_same(tmp_path_factory, order: list[int]) -> None:
    folder = tmp_path_factory.mktemp("lines")
    ward = KnowledgeBase.create(folder / "a.kb", by="tester")
    add_concepts(ward, TEXTS)
    other = KnowledgeBase.open(shutil.copytree(ward.uri, folder / "b.kb"))
    for number in order:
        try:
            ACTS[number](ward.curate)
        except UsageError:
            continue  # refused on this state, and so nothing was written
    if lines(ward):
        apply_change_lines(other, "\n".join(change_lines(ward.changes())))
    assert plain(other) == plain(ward)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=15)


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(TEXT.map(lambda text: " ".join(text.split())).filter(bool), max_size=3, unique=True), note=TEXT)
def test_any_text_survives_its_quotation_marks(unchanging: KnowledgeBase, names: list[str], note: str) -> None:
    base = unchanging
    told = [f"# by hand\n{line}" for line in change_lines(fields_changed(base, names, note))]
    change = apply_change_lines(base, "\n".join(told), dry_run=True)
    made = change.after[LEFT] if change else {}
    assert (made.get("synonyms", []), made.get("note")) == (names, note)


def fields_changed(base: KnowledgeBase, names: list[str], note: str) -> list[Any]:
    from kb.curation.change import Change

    after = {"synonyms": names, "note": note}
    return [Change(act="x", before={LEFT: {"synonyms": [], "note": None}}, after={LEFT: after}, author="ada")]


@pytest.fixture(scope="module")
def unchanging(tmp_path_factory) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("lines") / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    return kb


def test_lines_of_other_tools_are_read_too(ward: KnowledgeBase) -> None:
    told = f"""
    # by hand
    rename 'left nodule'@en as 'spot on the left'@en
    create synonym 'coin lesion' for <urn:clear-kb:concept:{RIGHT}>
    obsolete {NO_MASS}
    create edge X:{EFFUSION} skos:closeMatch RADLEX:RID1
    """
    change = apply_change_lines(ward, told, by="ada", why="as agreed")
    assert (change.act, change.author, change.reason) == ("apply", "ada", "as agreed")
    assert ward.vocabulary.get(LEFT).text == "spot on the left"
    assert ward.vocabulary.get(RIGHT).synonyms == ("coin lesion",)
    assert ward.vocabulary.get(NO_MASS).status == "retired"
    (mapping,) = ward.vocabulary.get(EFFUSION).mappings
    assert (mapping["predicate"], mapping["object_id"]) == ("skos:closeMatch", "RADLEX:RID1")
    ward.curate.revert(change.change_id)
    assert ward.vocabulary.get(LEFT).text == "left nodule"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"rename {LEFT} from 'nodule' to 'spot'", "is 'left nodule', not 'nodule'"),
        ("rename 'no such' to 'spot'", "no concepts in use have the text 'no such'"),
        ("obsolete C0000000000000000", "there is no concept"),
        (f"unobsolete {LEFT}", "is candidate, not retired"),
        (f"obsolete {LEFT} with replacement {LEFT}", "cannot replace itself"),
        (f"create node {RIGHT} 'hiatal hernia'", f"reads as {HERNIA}, not as {RIGHT}"),
        (f"create node {LEFT} 'left nodule'", "is there already"),
        (f"create broad synonym 'spot' for {LEFT}", "a broad synonym is another concept"),
        (f"remove synonym 'spot' for {LEFT}", "'spot' is no synonym"),
        (f'change annotation of {LEFT} with CLEARKB:status from "rejected" to "accepted"', "is 'candidate', not"),
        (f'change annotation of {LEFT} with CLEARKB:status from "candidate" to "good"', "'good' is none of"),
        (f'change annotation of {LEFT} with CLEARKB:normal_form from "" to "x"', "none of what can be changed"),
        (f"delete edge {LEFT} skos:exactMatch A:1", "has no edge skos:exactMatch A:1"),
        (f"create edge {LEFT} skos:sameMatch A:1", "choose one of skos:exactMatch"),
        (f"move {LEFT} from A:1 to B:1", "none of the changes that are known"),
        (f"rename {LEFT} from 'left nodule' to 'open", "none of the changes that are known"),
    ],
)
def test_a_line_that_does_not_fit_is_told_and_nothing_is_applied(
    unchanging: KnowledgeBase, line: str, told: str
) -> None:
    with pytest.raises(UsageError, match="nothing was applied") as refused:
        apply_change_lines(unchanging, f"rename {RIGHT} from 'right nodule' to 'spot'\n\n{line}\n")
    assert "line 3: " in str(refused.value) and told in str(refused.value)
    assert unchanging.at("HEAD").changes() == []


def test_all_lines_that_do_not_fit_are_told_at_once(unchanging: KnowledgeBase) -> None:
    with pytest.raises(UsageError, match=r"2 lines do not fit.*line 1: .*line 3: "):
        apply_change_lines(unchanging, f"unobsolete {LEFT}\nrename {RIGHT} from 'right nodule' to 'x'\nobsolete C0\n")
    with pytest.raises(UsageError, match="no line of change"):
        apply_change_lines(unchanging, "# nothing\n")


def test_a_line_stands_on_those_before_it(ward: KnowledgeBase) -> None:
    told = f"rename {LEFT} from 'left nodule' to 'spot'\nrename {LEFT} from 'spot' to 'left spot'\ndelete {NO_MASS}\n"
    change = apply_change_lines(ward, told)
    assert change.after == {LEFT: {"text": "left spot"}, NO_MASS: None}


@pytest.mark.soak
def test_the_command_line_carries_them(ward: KnowledgeBase, cli, tmp_path: Path) -> None:
    shutil.copytree(ward.uri, tmp_path / "other.kb")
    ward.curate.rename(LEFT, "spot on the left")
    ward.curate.merge(FLUID, into=EFFUSION)
    (tmp_path / "x.kgcl").write_text(cli("vocab", "changes", "--kb", ward.uri, "--format", "kgcl").stdout)
    cli("vocab", "apply", "x.kgcl", "--kb", "other.kb", "--dry-run")
    cli("vocab", "apply", "x.kgcl", "--kb", "other.kb")
    assert plain(KnowledgeBase.open(tmp_path / "other.kb")) == plain(ward.at("HEAD"))
    said = cli("vocab", "apply", "x.kgcl", "--kb", "other.kb", code=2).stderr
    assert "2 lines do not fit" in said and "line 2" in said  # what is retired already is no line that does not fit
    only = cli("vocab", "changes", LEFT, "--kb", ward.uri, "--format", "kgcl").stdout
    assert "rename" in only and "obsolete" not in only
