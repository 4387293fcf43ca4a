"""Linking to an outside terminology: likeness finds names, facets decide what a likeness may mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.curation.linking import find_links, shared_terms, store_links
from kb.curation.terminology import read_terminology
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vocabulary.mapping_details import by_name
from tests.support.concepts import SAME_WORDS, add_concepts

TABLE = """id,label,synonyms,parent
RID5,finding,,
RID34539,pleural effusion,effusion of pleura | pleural fluid,RID5
RID28493,atelectasis,collapse of lung,RID5
RID99,left pleural effusion,,RID34539
RID98,pneumothoraxes,,RID5
RID97,no pneumothorax,,RID5
RID96,compression atelectasis,atelectasis,RID28493
"""
TEXTS = (
    "pleural effusion",
    "left pleural effusion",
    "right pleural effusion",
    "no pleural effusion",
    "atelectasis",
    "pneumothorax",
    "unheard of thing",
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "radlex.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture
def vocabulary(kb: KnowledgeBase):
    add_concepts(kb, TEXTS)
    return kb.vocabulary


def concept_id(text: str) -> str:
    return read_query(text).concept_id


class TestTerminology:
    def test_a_table_is_read_with_its_prefix(self, table: Path) -> None:
        terms = read_terminology(table, "RADLEX").terms
        assert terms["RADLEX:RID34539"].synonyms == ("effusion of pleura", "pleural fluid")
        assert terms["RADLEX:RID99"].parents == ("RADLEX:RID34539",)

    def test_depth_counts_from_the_top_and_survives_a_circle(self, tmp_path: Path) -> None:
        path = tmp_path / "x.tsv"
        path.write_text("code\tname\tbroader\nX:1\ta\t\nX:2\tb\tX:1\nX:3\tc\tX:4\nX:4\td\tX:3\n", encoding="utf-8")
        depths = read_terminology(path).depths
        assert (depths["X:1"], depths["X:2"]) == (0, 1)
        assert set(depths) == {"X:1", "X:2", "X:3", "X:4"}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a,b\n1,2\n", "no column of id and labels"),
            ("id,label\n,\n", "holds no term"),
            ("id,label\nRID1,lung\n", "name the terminology it is of"),
        ],
    )
    def test_a_table_of_another_kind_is_a_clear_error(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "x.csv").write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=message):
            read_terminology(tmp_path / "x.csv")


class TestLinks:
    def test_a_whole_name_is_exact_and_a_finding_is_broader(self, kb, vocabulary, table: Path) -> None:
        links = {link.text: link for link in find_links(kb, read_terminology(table, "RADLEX"))}
        assert {text: (link.predicate, link.object_id) for text, link in links.items()} == {
            "pleural effusion": ("skos:exactMatch", "RADLEX:RID34539"),
            "left pleural effusion": ("skos:exactMatch", "RADLEX:RID99"),
            "right pleural effusion": ("skos:broadMatch", "RADLEX:RID34539"),
            "atelectasis": ("skos:exactMatch", "RADLEX:RID28493"),
        }
        assert links["pleural effusion"].score == pytest.approx(1)

    def test_a_lower_threshold_finds_more_and_a_score_says_how_sure(self, kb, vocabulary, table: Path) -> None:
        links = {link.text: link for link in find_links(kb, read_terminology(table, "RADLEX"), threshold=0.5)}
        assert links["pneumothorax"].object_id == "RADLEX:RID98"
        assert 0.5 <= links["pneumothorax"].score < 1
        assert "no pleural effusion" not in links
        with pytest.raises(UsageError, match="between 0 and 1"):
            find_links(kb, read_terminology(table, "RADLEX"), threshold=0)

    def test_links_become_mappings_in_one_change_that_can_be_undone(self, kb, vocabulary, table: Path) -> None:
        before = kb.commit.commit_id
        change = kb.curate.link(table, "RADLEX", by="ada")
        assert (change.act, len(change.concept_ids)) == ("link", 4)
        (mapping,) = kb.vocabulary.get(concept_id("atelectasis")).mappings
        assert (mapping["justification"], mapping["confidence"]) == ("semapv:LexicalMatching", 0.94)
        assert kb.curate.link(table, "RADLEX") is None
        kb.curate.revert(change.change_id)
        assert kb.diff(before).differences == []

    def test_a_confidence_is_of_the_kind_of_match_and_a_whole_text_that_says_more_is_narrower(self, kb, table) -> None:
        add_concepts(kb, ["pleural effusion", "right pleural effusion", "loculated pleural effusion"])
        links = {link.text: link for link in find_links(kb, read_terminology(table, "RADLEX"), threshold=0.6)}
        exact, side, more = (links[f"{word}pleural effusion"] for word in ("", "right ", "loculated "))
        assert (exact.predicate, exact.confidence) == ("skos:exactMatch", 0.94)
        assert (side.predicate, side.score, side.confidence) == ("skos:broadMatch", 1.0, 0.91)
        assert more.predicate == "skos:broadMatch" and more.confidence <= 0.91

    def test_what_a_curator_reviewed_or_denied_is_left_alone(self, kb, vocabulary, table: Path) -> None:
        of = concept_id("atelectasis")
        kb.curate.link(table, "RADLEX", by="tool")
        kb.curate.map_to(of, "RADLEX:RID28493", by="ada")
        (mapping,) = kb.vocabulary.get(of).mappings
        assert mapping["justification"] == "semapv:LexicalMatching", "ada reviewed what the tool found"
        assert by_name(mapping["details"])["reviewer_label"] == "ada"
        assert kb.curate.link(table, "RADLEX") is None
        kb.curate.map_to(of, "RADLEX:RID28493", by="ada", denied=True)
        assert kb.curate.link(table, "RADLEX") is None
        assert [m["modifier"] for m in kb.vocabulary.get(of).mappings] == ["Not"]

    def test_several_that_are_exactly_one_outside_term_are_told(self, kb, tmp_path: Path, cli) -> None:
        add_concepts(kb, SAME_WORDS)
        path = tmp_path / "x.csv"
        path.write_text("id,label\nX:1,widened fracture\n", encoding="utf-8")
        (shared,) = shared_terms(find_links(kb, read_terminology(path), threshold=0.3))
        assert {link.text for link in shared.links} == set(SAME_WORDS)
        told = cli("vocab", "link", path, "--kb", kb.uri, "--threshold", "0.3", "--dry-run").stderr
        assert "possible duplicates, 1" in told and "are all 'widened fracture' (X:1)" in told

    def test_linking_again_replaces_what_links_left_and_nothing_a_curator_said(self, kb, vocabulary, table) -> None:
        kb.curate.map_to(concept_id("atelectasis"), "RADLEX:RID28493", "skos:closeMatch")
        terms = read_terminology(table, "RADLEX")
        store_links(kb, find_links(kb, terms, threshold=0.5), terms)
        assert kb.vocabulary.get(concept_id("pneumothorax")).mappings
        store_links(kb, find_links(kb, terms), terms)
        assert not kb.vocabulary.get(concept_id("pneumothorax")).mappings
        assert [m["predicate"] for m in kb.vocabulary.get(concept_id("atelectasis")).mappings] == ["skos:closeMatch"]

    def test_linking_some_leaves_the_links_of_others(self, kb, vocabulary, table: Path) -> None:
        kb.curate.link(table, "RADLEX")
        kb.curate.accept(concept_id("atelectasis"))
        assert kb.curate.link(table, "RADLEX", statuses=["accepted"]) is None
        assert kb.vocabulary.get(concept_id("pleural effusion")).mappings

    @pytest.mark.parametrize("prefix", ["RAD LEX", "1", "a/b"])
    def test_a_prefix_that_is_none_is_wrong_usage(self, table: Path, prefix: str) -> None:
        with pytest.raises(UsageError, match="cannot be a prefix"):
            read_terminology(table, prefix)

    def test_an_empty_vocabulary_has_no_links(self, kb: KnowledgeBase, table: Path) -> None:
        assert find_links(kb, read_terminology(table, "RADLEX")) == []

    def test_on_the_command_line(self, vocabulary, kb, table: Path, cli, cli_json) -> None:
        arguments = ("vocab", "link", table, "--terminology", "RADLEX", "--kb", kb.uri)
        assert "would link 4" in cli(*arguments, "--dry-run").stderr
        assert len(cli_json(*arguments)) == 4
        cli("vocab", "export", "x.sssom.tsv", "--kb", kb.uri)
        cli("vocab", "link", table, "--kb", kb.uri, code=2)
