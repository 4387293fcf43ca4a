"""Curating from the command line: concepts by what they are called, many at once, and every act told in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.reports.ingest import ingest_reports
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vectors.embedding import load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import SAME_WORDS, add_concepts

TEXTS = (*SAME_WORDS, "left lower lobe nodule", "right nodule", "small left pleural effusion", "chest tube", "no mass")


def of(text: str) -> str:
    return read_query(text).concept_id


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path / "named.kb")
    add_concepts(kb, TEXTS)
    return kb


@pytest.fixture
def vocab(base: KnowledgeBase, cli):
    def run(*arguments: object, code: int = 0):
        return cli("vocab", *arguments, "--kb", base.uri, code=code)

    return run


def now(base: KnowledgeBase, text: str):
    return base.at("HEAD").vocabulary.get(of(text))


class TestConceptsAreNamed:
    @pytest.mark.parametrize("name", ["right nodule", "Right  Nodule", "nodule on the right", of("right nodule")[:9]])
    def test_by_text_by_other_words_or_by_id(self, vocab, base: KnowledgeBase, name: str) -> None:
        vocab("accept", name)
        assert now(base, "right nodule").status == "accepted"

    def test_by_another_name_of_it(self, vocab, base: KnowledgeBase) -> None:
        base.curate.add_synonyms(of("right nodule"), "coin lesion")
        assert "right nodule" in vocab("show", "coin lesion").stdout

    def test_a_name_of_none_tells_what_is_near_it_with_ids(self, vocab) -> None:
        told = " ".join(vocab("reject", "small effusion", code=2).stderr.split())
        assert "no concept is called 'small effusion'" in told
        assert f"'small left pleural effusion' ({of('small left pleural effusion')})" in told

    def test_a_name_of_several_is_refused_with_them(self, vocab, base: KnowledgeBase) -> None:
        for text in ("chest tube", "right nodule"):
            base.curate.add_synonyms(of(text), "the thing")
        told = " ".join(vocab("reject", "the thing", code=2).stderr.split())
        assert "a name of several concepts" in told and of("chest tube") in told and of("right nodule") in told
        assert now(base, "chest tube").status == "candidate"

    def test_a_merge_of_two_names_is_told_with_mentions(self, vocab, base: KnowledgeBase) -> None:
        told = vocab("merge", "widened fracture", "--into", "wide fracture", "--by", "ada", "--why", "equal").stderr
        assert "'widened fracture' (0 mentions) now counts under 'wide fracture' (0 mentions)" in told
        assert "by ada (equal)" in told
        assert base.at("HEAD").vocabulary.resolve(of("widened fracture")).text == "wide fracture"


class TestManyAtOnce:
    @pytest.mark.soak
    def test_ids_are_many_where_an_act_is_of_each(self, vocab, base: KnowledgeBase) -> None:
        vocab("retire", "chest tube", "no mass")
        vocab("note", "right nodule", "wide fracture", "ask Bob")
        vocab("keep", "right nodule", "wide fracture")
        assert [now(base, text).status for text in ("chest tube", "no mass")] == ["retired", "retired"]
        assert [now(base, text).note for text in ("right nodule", "wide fracture")] == ["ask Bob", "ask Bob"]
        assert len(base.at("HEAD").changes()) == 3

    @pytest.mark.parametrize("facets", [("anatomy", "upper lobe"), ("anatomy=upper lobe", "descriptors=round,firm")])
    def test_facets_are_set_by_pair_or_by_equals(self, vocab, base: KnowledgeBase, facets: tuple[str, ...]) -> None:
        vocab("facet", "right nodule", *facets)
        assert now(base, "right nodule").anatomy == "upper lobe"
        assert len(base.at("HEAD").changes()) == 1

    @pytest.mark.soak
    def test_all_duplicates_of_a_rule_are_one_change_with_a_preview(self, vocab, base: KnowledgeBase) -> None:
        rule = ("merge", "--suggested", "the same words")
        told = vocab(*rule, "--dry-run").stderr
        assert "'widened fracture' (0 mentions) and 'broadened fracture' (0 mentions) now count under" in told
        assert "2 would go into 1 concept" in told and base.at("HEAD").changes() == []
        vocab(*rule, "--by", "ada")
        (change,) = base.at("HEAD").changes()
        assert (change.act, change.author) == ("merge", "ada")
        vocab("revert", change.change_id)
        assert now(base, "broadened fracture").status == "candidate"

    def test_a_rule_can_be_narrowed_by_filters(self, vocab) -> None:
        told = vocab("merge", "--suggested", "the same words", "--side", "left", code=2).stderr
        assert "no suggestion that is sure is found by the rule" in " ".join(told.split())
        vocab("merge", "--suggested", "the same words", "--finding", "fracture", "--dry-run")

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (("chest tube",), "--into"),
            (("chest tube", "--suggested", "the same words"), "no concepts beside it"),
            (("chest tube", "--into", "no mass", "--kind", "device"), "for --suggested alone"),
        ],
    )
    def test_what_does_not_go_together_is_refused(self, vocab, arguments: tuple[str, ...], problem: str) -> None:
        assert problem in " ".join(vocab("merge", *arguments, code=2).stderr.split())


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "texts"),
        [
            (("--place", "lower lobe"), {"left lower lobe nodule"}),
            (("--finding", "nodule", "--side", "right"), {"right nodule"}),
            (("--severity", "small"), {"small left pleural effusion"}),
            (("--kind", "device"), {"chest tube"}),
            (("--text", "left nod"), {"left lower lobe nodule"}),
            (("--label", "Pleural_Effusion"), {"small left pleural effusion"}),
            (("--source", "nobody"), set()),
        ],
        ids=lambda value: value[0].strip("-") if isinstance(value, tuple) else "",
    )
    def test_concepts_are_listed_by_what_they_are(self, vocab, filters: tuple[str, ...], texts: set[str]) -> None:
        assert {row["text"] for row in json.loads(vocab("list", *filters, "--format", "json").stdout)} == texts

    def test_pages_are_of_what_passes(self, base: KnowledgeBase) -> None:
        listed = [row["text"] for row in base.vocabulary.list(text="fracture")]
        assert [row["text"] for row in base.vocabulary.list(text="fracture", limit=1, offset=1)] == listed[1:2]

    def test_an_unknown_label_or_kind_is_refused(self, vocab) -> None:
        assert (
            "no label is called 'Cardiomegalie' (did you mean"
            in vocab("list", "--label", "Cardiomegalie", code=2).stderr
        )
        assert "kind" in vocab("list", "--kind", "tube", code=2).stderr


class TestRename:
    def test_the_facets_follow_the_text_and_are_told(self, vocab, base: KnowledgeBase) -> None:
        told = vocab("rename", "right nodule", "right hilar granuloma").stderr
        assert (now(base, "right nodule").finding, now(base, "right nodule").anatomy) == ("granuloma", "hilum")
        assert (
            "is now called 'right hilar granuloma'" in told and "finding 'granuloma' in the place of 'nodule'" in told
        )
        base.at("HEAD").curate.revert(base.at("HEAD").changes()[-1].change_id)
        assert now(base, "right nodule").finding == "nodule"

    @pytest.mark.soak
    def test_they_stay_where_that_is_asked_or_the_tables_do_not_know_the_finding(self, vocab, base) -> None:
        assert "its facets stay: finding 'nodule'" in vocab("rename", "right nodule", "spot on the right").stderr
        vocab("rename", "right nodule", "right granuloma", "--keep-facets")
        assert now(base, "right nodule").finding == "nodule"
        (problem,) = base.at("HEAD").check()
        assert (problem.rule, problem.detail) == (
            "contradicted-facet", "the text says finding 'granuloma', the facet 'nodule'"
        )  # fmt: skip

    @pytest.mark.parametrize("text", ["left nodule", "no right nodule", "nodule in the left lower lobe"])
    def test_a_text_of_another_concept_is_refused(self, vocab, base: KnowledgeBase, text: str) -> None:
        vocab("rename", "right nodule", text, code=2)
        assert now(base, "right nodule").text == "right nodule"

    @pytest.mark.soak
    def test_the_new_text_is_embedded_at_once_and_an_undo_has_the_old_vector(self, vocab, base: KnowledgeBase) -> None:
        embed_concepts(base, load_embedder())
        before = base.vocabulary.neighbours(of("chest tube"), 1)
        assert "clear-kb embed" not in vocab("rename", "chest tube", "thoracostomy tube").stderr
        renamed = base.at("HEAD")
        assert renamed.vocabulary.get(of("chest tube")).embedder is not None
        renamed.curate.revert(renamed.changes()[-1].change_id)
        assert base.at("HEAD").vocabulary.get(of("chest tube")).embedder is not None
        assert base.at("HEAD").vocabulary.neighbours(of("chest tube"), 1) == before


class TestMergedNames:
    def test_they_are_the_wordings_of_reports_and_no_text_of_a_machine(self, base: KnowledgeBase) -> None:
        worded = ["Heart size normal"] * 3 + ["Normal heart size"] * 3 + ["Cardiac contours within normal limits"] * 2
        worded += ["The contour of the heart is of normal size"]
        lines = [f'r{number},"FINDINGS: {text}."' for number, text in enumerate(worded)]
        path = Path(base.uri).parent / "reports.csv"
        path.write_text("\n".join(["report_id,report", *lines]) + "\n", encoding="utf-8")
        ingest_reports(base, [path])
        counts = base.vocabulary.counts()
        survivor, *others = [
            row["concept_id"] for row in base.vocabulary.list(kind="normal") if row["concept_id"] in counts
        ]
        machine = [base.vocabulary.get(other).text for other in others]
        base.curate.merge(*others, into=survivor)
        names = base.vocabulary.get(survivor).synonyms
        assert "cardiac contours within normal limits" in names
        assert not [text for text in machine if text in names and text not in (one.lower() for one in worded)]

    def test_what_a_person_wrote_is_kept(self, base: KnowledgeBase) -> None:
        added = base.curate.add("right granuloma").concept_ids[0]
        base.curate.rename(of("right nodule"), "round spot on the right")
        base.curate.merge(of("right nodule"), into=added)
        assert "round spot on the right" in base.vocabulary.get(added).synonyms


class TestHistoryInWords:
    def test_changes_name_concepts_and_hold_at_eighty_columns(self, vocab, base: KnowledgeBase) -> None:
        base.curate.merge(of("widened fracture"), into=of("wide fracture"), by="ada")
        base.curate.rename(of("wide fracture"), "gaping fracture", by="ada")
        told = vocab("changes").stdout
        assert "'widened fracture' now counts under 'wide fracture'" in " ".join(told.split())
        assert of("wide fracture") not in told

    def test_a_patch_that_is_applied_already_says_so(self, vocab, base: KnowledgeBase, tmp_path: Path) -> None:
        base.tag("begun")
        base.curate.accept(of("chest tube"))
        patch = tmp_path / "patch.json"
        patch.write_text(vocab("diff", "begun", "HEAD", "--format", "json").stdout, encoding="utf-8")
        assert "it is so already" in vocab("apply", patch).stderr

    @pytest.mark.soak
    def test_a_branch_is_taken_by_its_name(self, base: KnowledgeBase, cli) -> None:
        cli("branch", "create", "draft", "--kb", base.uri)
        cli("vocab", "note", "chest tube", "a", "--kb", base.uri, "--branch", "draft")
        cli("vocab", "note", "chest tube", "b", "--kb", base.uri)
        told = cli("branch", "merge", "draft", "--take", "mine", "--kb", base.uri, code=2).stderr
        assert "choose one of branch, main, draft" in told
        cli("branch", "merge", "draft", "--take", "draft", "--kb", base.uri)
        assert now(base, "chest tube").note == "a"
