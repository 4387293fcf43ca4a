"""Curation: what each act does, what it refuses, and that nothing is ever lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.reports.ingest import ingest_reports
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vectors.embedding import load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts
from tests.support.curated import ACTS, EFFUSION, FLUID, LEFT, NO_MASS, RIGHT, TEXTS, concept_id, rows
from tests.support.examples import examples
from tests.support.paths import ROOT
from tests.support.reports import REPORTS, write_csv


@pytest.fixture
def base(kb: KnowledgeBase) -> KnowledgeBase:
    add_concepts(kb, TEXTS)
    return kb


class TestActs:
    def test_every_act_is_a_commit_and_a_change_with_who_and_why(self, kb: KnowledgeBase, base: KnowledgeBase) -> None:
        change = base.curate.accept(EFFUSION, by="ada", why="seen often")
        assert (change.act, change.author, change.reason) == ("accept", "ada", "seen often")
        assert (change.before, change.after) == (
            {EFFUSION: {"status": "candidate"}},
            {EFFUSION: {"status": "accepted"}},
        )
        assert change.line() == "ada: 'pleural effusion' is accepted (seen often)"
        assert kb.changes() == [change]
        assert (kb.log()[0].operation, kb.log()[0].author, kb.log()[0].reason) == ("vocab accept", "ada", "seen often")

    def test_what_is_so_already_makes_no_change(self, kb: KnowledgeBase, base: KnowledgeBase) -> None:
        base.curate.accept(EFFUSION)
        assert base.curate.accept(EFFUSION) is None
        assert len(base.changes()) == 1

    def test_add(self, base: KnowledgeBase) -> None:
        base.curate.add("small left pneumothorax", synonyms=["small left PTX"])
        added = base.vocabulary.get(concept_id("small left pneumothorax"))
        assert (added.status, added.laterality, added.severity, added.synonyms) == (
            "accepted",
            "left",
            "small",
            ("small left PTX",),
        )
        with pytest.raises(UsageError, match="already"):
            base.curate.add("small left pneumothorax")

    def test_a_rename_cannot_take_a_name_that_is_taken_or_says_the_opposite(self, base: KnowledgeBase) -> None:
        with pytest.raises(UsageError, match=r"says laterality right, and 'left nodule' .* has left"):
            base.curate.rename(LEFT, "right nodule")
        with pytest.raises(UsageError, match="says assertion absent"):
            base.curate.rename(LEFT, "no left nodule")
        base.curate.retire(RIGHT)
        assert base.curate.rename(LEFT, "right nodule", keep_facets=True) is not None
        assert base.vocabulary.get(LEFT).laterality == "left"

    @pytest.mark.parametrize(
        ("old", "new", "facet"),
        [
            ("left rib fracture", "rib fracture", "laterality"),
            ("rib fracture", "left rib fracture", "laterality"),
            ("cardiomegaly", "mild cardiomegaly", "severity"),
            ("mild cardiomegaly", "cardiomegaly", "severity"),
        ],
    )
    def test_a_rename_neither_adds_nor_drops_a_side_or_severity(
        self, kb: KnowledgeBase, old: str, new: str, facet: str
    ) -> None:
        add_concepts(kb, [old])
        with pytest.raises(UsageError, match=f"says {facet} .*: that is another one"):
            kb.curate.rename(concept_id(old), new)
        assert kb.curate.rename(concept_id(old), new, keep_facets=True) is not None
        assert getattr(kb.vocabulary.get(concept_id(old)), facet) == getattr(read_query(old), facet)

    def test_a_rename_after_the_side_was_set_may_say_it(self, kb: KnowledgeBase) -> None:
        add_concepts(kb, ["rib fracture"])
        of = concept_id("rib fracture")
        kb.curate.set_facet(of, "laterality", "left")
        assert kb.curate.rename(of, "left rib fracture") is not None

    def test_a_revert_that_cannot_be_names_the_concept_first(self, base: KnowledgeBase) -> None:
        change = base.curate.accept(EFFUSION, by="ada")
        base.curate.reject(EFFUSION)
        with pytest.raises(UsageError, match=r"^'pleural effusion' is no longer as this left it .*ada: .* is accepted"):
            base.curate.revert(change.change_id)

    def test_what_a_revert_took_away_comes_back_by_its_own_revert(self, base: KnowledgeBase) -> None:
        added = base.curate.add("azygos fissure", by="ada")
        was = {row["concept_id"]: row for row in base.dataset("concepts").to_table().to_pylist()}
        taken = base.curate.revert(added.change_id)
        back = base.curate.revert(taken.change_id)
        assert {row["concept_id"]: row for row in base.dataset("concepts").to_table().to_pylist()} == was
        with pytest.raises(UsageError, match="it is there again"):
            base.curate.revert(taken.change_id)
        assert base.curate.revert(back.change_id) is not None

    def test_an_id_may_be_typed_in_either_case(self, base: KnowledgeBase) -> None:
        assert base.vocabulary.get(LEFT.lower()).concept_id == LEFT

    def test_what_is_kept_apart_is_said_of_both(self, base: KnowledgeBase) -> None:
        change = base.curate.keep_apart(LEFT, RIGHT, EFFUSION, by="ada")
        assert base.vocabulary.get(RIGHT).distinct_from == (LEFT,)
        assert set(base.vocabulary.get(LEFT).distinct_from) == {RIGHT, EFFUSION}
        assert base.curate.keep_apart(RIGHT, LEFT) is None
        base.curate.revert(change.change_id)
        assert base.vocabulary.get(RIGHT).distinct_from == ()
        with pytest.raises(UsageError, match="itself"):
            base.curate.keep_apart(LEFT, LEFT)

    def test_a_mapping_is_a_change_that_reads_as_a_line(self, base: KnowledgeBase) -> None:
        change = base.curate.map_to(EFFUSION, "RADLEX:RID34539", label="pleural effusion", by="ada")
        told = "'pleural effusion' is mapped to skos:exactMatch RADLEX:RID34539 'pleural effusion'"
        assert change.line() == f"ada: {told}"
        base.curate.map_to(EFFUSION, "UMLS:C0032227", "skos:broadMatch")
        assert len(base.vocabulary.get(EFFUSION).mappings) == 2
        base.curate.unmap(EFFUSION, "RADLEX:RID34539")
        assert [mapping["object_id"] for mapping in base.vocabulary.get(EFFUSION).mappings] == ["UMLS:C0032227"]
        with pytest.raises(UsageError, match="not mapped to"):
            base.curate.unmap(EFFUSION, "RADLEX:RID34539")

    @pytest.mark.parametrize(
        ("object_id", "predicate"), [("RID34539", "skos:exactMatch"), ("RADLEX:RID34539", "owl:sameAs"), ("a b:c", "x")]
    )
    def test_what_is_no_mapping_is_refused(self, base: KnowledgeBase, object_id: str, predicate: str) -> None:
        with pytest.raises(UsageError, match=r"no CURIE|choose one of"):
            base.curate.map_to(EFFUSION, object_id, predicate)

    def test_a_merge_takes_the_mappings_along(self, base: KnowledgeBase) -> None:
        base.curate.map_to(FLUID, "RADLEX:RID34539")
        base.curate.merge(FLUID, into=EFFUSION)
        assert [mapping["object_id"] for mapping in base.vocabulary.get(EFFUSION).mappings] == ["RADLEX:RID34539"]

    def test_rename_keeps_the_id_and_takes_the_vector_away(
        self, kb: KnowledgeBase, base: KnowledgeBase, tiny_model: Path
    ) -> None:
        embedder = load_embedder(str(tiny_model))
        embed_concepts(kb, embedder)
        kb.curate.rename(EFFUSION, "fluid in the pleural space")
        assert kb.vocabulary.get(EFFUSION).text == "fluid in the pleural space"
        assert kb.status().not_embedded == 1
        assert embed_concepts(kb, embedder).embedded == 1

    def test_merge_forwards_ids_names_and_evidence(self, kb: KnowledgeBase, base: KnowledgeBase) -> None:
        base.curate.add_synonyms(FLUID, "fluid")
        base.curate.merge(FLUID, into=EFFUSION)
        survivor = base.vocabulary.resolve(FLUID)
        assert (survivor.concept_id, survivor.synonyms) == (EFFUSION, ("puddle pleural effusion", "fluid"))
        assert base.vocabulary.get(FLUID).status == "retired"

    @pytest.mark.parametrize(
        ("source", "into", "facet"), [(LEFT, RIGHT, "laterality"), (NO_MASS, EFFUSION, "assertion")]
    )
    def test_merge_holds_sides_and_denials_apart(self, base: KnowledgeBase, source: str, into: str, facet: str) -> None:
        with pytest.raises(UsageError, match=f"differ in {facet}"):
            base.curate.merge(source, into=into)

    def test_retire_with_a_replacement_forwards(self, base: KnowledgeBase) -> None:
        base.curate.retire(FLUID, EFFUSION)
        assert base.vocabulary.resolve(FLUID).concept_id == EFFUSION

    def test_retiring_once_more_changes_nothing_and_to_another_place_is_refused(self, base: KnowledgeBase) -> None:
        base.curate.retire(FLUID, EFFUSION)
        before = base.commit
        base.curate.retire(FLUID, EFFUSION)
        assert base.commit == before
        with pytest.raises(UsageError, match="is retired"):
            base.curate.retire(FLUID)

    def test_facets_notes_and_synonyms(self, base: KnowledgeBase) -> None:
        base.curate.set_facet(LEFT, "anatomy", "upper lobe")
        base.curate.set_facet(LEFT, "descriptors", "calcified, round")
        base.curate.set_note(LEFT, "ask Bob")
        base.curate.add_synonyms(LEFT, "coin lesion", "spot")
        base.curate.remove_synonyms(LEFT, "spot")
        concept = base.vocabulary.get(LEFT)
        assert (concept.anatomy, concept.descriptors, concept.note, concept.synonyms) == (
            "upper lobe",
            ("calcified", "round"),
            "ask Bob",
            ("coin lesion",),
        )

    def test_a_dry_run_tells_and_writes_nothing(self, kb: KnowledgeBase, base: KnowledgeBase) -> None:
        before = rows(kb)
        change = base.curate.merge(FLUID, into=EFFUSION, dry_run=True)
        assert "'puddle pleural effusion' now counts under 'pleural effusion'" in change.line()
        assert rows(KnowledgeBase.open(kb.uri)) == before
        assert base.changes() == []

    def test_a_dry_run_leaves_even_what_a_dead_writer_left(self, kb: KnowledgeBase, base: KnowledgeBase) -> None:
        kb.storage.dataset("concepts").delete("true")  # named by no commit; the next act would sweep it
        version = kb.storage.dataset("concepts").version
        assert base.curate.accept(EFFUSION, dry_run=True) is not None
        assert kb.storage.dataset("concepts").version == version


class TestRefusals:
    @pytest.mark.parametrize(
        "act",
        [
            lambda v: v.accept("C0000000000000000"),
            lambda v: v.merge(EFFUSION, into=EFFUSION),
            lambda v: v.retire(EFFUSION, EFFUSION),
            lambda v: v.retire(EFFUSION, "C0000000000000000"),
            lambda v: v.rename(EFFUSION, "  "),
            lambda v: v.add("the"),
            lambda v: v.set_facet(EFFUSION, "assertion", "absent"),
            lambda v: v.set_facet(EFFUSION, "laterality", "up"),
            lambda v: v.set_facet(EFFUSION, "finding", ""),
            lambda v: v.remove_synonyms(EFFUSION, "nothing"),
            lambda v: v.revert("X000000"),
        ],
    )
    def test_an_act_that_makes_no_sense_is_refused_and_writes_nothing(
        self, kb: KnowledgeBase, base: KnowledgeBase, act
    ) -> None:
        before = rows(kb)
        with pytest.raises(UsageError):
            act(base.curate)
        assert rows(KnowledgeBase.open(kb.uri)) == before

    def test_replacements_cannot_go_in_a_circle(self, base: KnowledgeBase) -> None:
        retired = base.curate.retire(FLUID, EFFUSION)
        base.curate.revert(retired.change_id)
        base.curate.retire(EFFUSION, FLUID)
        with pytest.raises(UsageError):
            base.curate.retire(FLUID, EFFUSION)

    def test_a_change_that_was_built_upon_is_not_undone(self, base: KnowledgeBase) -> None:
        accepted = base.curate.accept(EFFUSION)
        base.curate.reject(EFFUSION)
        with pytest.raises(UsageError, match="its status changed"):
            base.curate.revert(accepted.change_id)

    def test_an_added_concept_with_evidence_is_not_taken_away(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        added = kb.curate.add("cardiomegaly")
        ingest_reports(kb, [write_csv(tmp_path / "r.csv", REPORTS)])
        with pytest.raises(UsageError, match="reports mention it"):
            kb.curate.revert(added.change_id)


class TestReingest:
    """What a curator decided stands, whatever is mined again."""

    @pytest.fixture
    def mined(self, kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
        ingest_reports(kb, [write_csv(tmp_path / "r.csv", REPORTS)])
        return kb

    def again(self, kb: KnowledgeBase, tmp_path: Path) -> None:
        more = [{"uid": "z", "findings": "Small left pleural effusion. Cardiomegaly.", "impression": "Effusion."}]
        ingest_reports(kb, [write_csv(tmp_path / "more.csv", more)])

    def test_a_rejected_concept_stays_rejected(self, mined: KnowledgeBase, tmp_path: Path) -> None:
        mined.curate.reject(concept_id("cardiomegaly"))
        self.again(mined, tmp_path)
        assert mined.vocabulary.get(concept_id("cardiomegaly")).status == "rejected"

    def test_a_renamed_concept_keeps_its_name(self, mined: KnowledgeBase, tmp_path: Path) -> None:
        mined.curate.rename(concept_id("cardiomegaly"), "enlarged heart")
        self.again(mined, tmp_path)
        assert mined.vocabulary.get(concept_id("cardiomegaly")).text == "enlarged heart"

    def test_what_was_merged_flows_to_its_survivor(self, mined: KnowledgeBase, tmp_path: Path) -> None:
        added = mined.curate.add("heart of remarkable size")
        (survivor,) = added.after
        before = mined.vocabulary.counts()[concept_id("cardiomegaly")].mentions
        mined.curate.merge(concept_id("cardiomegaly"), into=survivor)
        self.again(mined, tmp_path)
        counts = mined.vocabulary.counts()
        assert counts[survivor].mentions == before + 1
        assert concept_id("cardiomegaly") not in counts
        assert {mention.report_id for mention in mined.vocabulary.evidence(survivor)} == {"b", "z"}
        listed = {row["concept_id"]: row["mentions"] for row in mined.vocabulary.list()}
        assert listed[survivor] == before + 1


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(range(len(ACTS))), max_size=6))
def test_any_acts_and_then_their_reverts_give_the_same_vocabulary(tmp_path_factory, order: list[int]) -> None:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("acts") / "a.kb", by="tester")
    add_concepts(kb, TEXTS)
    before = rows(kb)
    made = []
    for number in order:
        try:
            change = ACTS[number](kb.curate)
        except UsageError:
            continue  # refused on this state, and so nothing was written
        made += [change] if change else []
    for text in TEXTS:  # whatever was done, every id leads to a concept that leads no further
        assert kb.vocabulary.resolve(concept_id(text)).replaced_by is None
    assert [problem for problem in kb.check() if problem.severity == "error"] == []
    for change in reversed(made):
        kb.curate.revert(change.change_id)
    assert rows(kb) == before
    assert len(kb.changes()) == 2 * len(made)


CURATOR = """
import sys
from kb.knowledge_base import KnowledgeBase
for letter in "wxyz":
    KnowledgeBase.open(sys.argv[1]).curate.add(f"{sys.argv[2]}{letter} sign", by=sys.argv[2])
"""


def test_two_curators_at_once_lose_nothing(kb: KnowledgeBase) -> None:
    curators = [subprocess.Popen([sys.executable, "-c", CURATOR, kb.uri, name], cwd=ROOT) for name in ("ada", "bob")]
    assert [curator.wait(timeout=120) for curator in curators] == [0, 0]
    after = KnowledgeBase.open(kb.uri)
    assert len(after.vocabulary) == len(after.changes()) == 8


def test_the_command_line_curates(cli, cli_json, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "r.csv", REPORTS)
    cli("ingest", "reports", source, "--kb", "x.kb", "--no-embed", "--quiet")
    heart = concept_id("cardiomegaly")
    told = cli("vocab", "accept", heart[:8], "--kb", "x.kb", "--by", "ada", "--why", "sure").stderr
    assert "'cardiomegaly' (2 mentions) is accepted" in told and "by ada (sure)" in told
    change = cli_json("vocab", "rename", heart, "big heart", "--kb", "x.kb")
    assert cli_json("vocab", "show", heart, "--kb", "x.kb")["text"] == "big heart"
    cli("vocab", "revert", change["change_id"], "--kb", "x.kb")
    assert cli_json("vocab", "show", heart, "--kb", "x.kb")["text"] == "cardiomegaly"
    acts = [row["act"] for row in cli_json("vocab", "changes", heart, "--kb", "x.kb")]
    assert acts == ["revert", "rename", "accept"]
    assert [row["act"] for row in cli_json("log", "--concept", heart, "--kb", "x.kb")] == acts
    assert "cannot be merged" in cli("vocab", "merge", heart, "--into", heart, "--kb", "x.kb", code=2).stderr
    cli("vocab", "synonym", heart, "--kb", "x.kb", code=2)
    assert "nothing to change" in cli("vocab", "accept", heart, "--kb", "x.kb").stderr
