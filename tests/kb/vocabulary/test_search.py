"""Search: what words, meaning and facets each bring, and what a hit may not contradict."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_embedder
from kb.vocabulary.embed_concepts import embed_concepts

VOCABULARY = [
    "atelectasis",
    "left basilar atelectasis",
    "no atelectasis",
    "cardiomegaly",
    "mild cardiomegaly",
    "no cardiomegaly",
    "pleural effusion",
    "small left pleural effusion",
    "small right pleural effusion",
    "no pleural effusion",
    "no pneumothorax",
    "pneumothorax",
    "clear lungs",
    "low lung volumes",
    "hyperexpanded lungs",
    "rib fracture",
    "tortuous aorta",
    "pacemaker leads in the right ventricle",
]


@pytest.fixture(scope="module")
def kb(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> KnowledgeBase:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("search") / "search.kb")
    add_all(kb)
    embed_concepts(kb, embedder)
    return kb


def add_all(kb: KnowledgeBase) -> None:
    from tests.support.concepts import add_concepts

    add_concepts(kb, VOCABULARY)
    add_concepts(kb, ["hiatal hernia"], status="rejected")


def top(kb: KnowledgeBase, query: str, embedder: Embedder, k: int = 1, **options) -> list[str]:
    return [hit.text for hit in kb.search(query, k=k, embedder=embedder, **options)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("collapsed lung", "atelectasis"),
        ("enlarged heart", "cardiomegaly"),
        ("the heart is enlarged", "cardiomegaly"),
        ("fluid in the pleural space", "pleural effusion"),
        ("no pleural effusion", "no pleural effusion"),
        ("without pneumothorax", "no pneumothorax"),
        ("left effusion", "small left pleural effusion"),
        ("right effusion", "small right pleural effusion"),
        ("broken rib", "rib fracture"),
    ],
)
def test_the_first_hit_is_what_was_meant(kb: KnowledgeBase, embedder: Embedder, query: str, expected: str) -> None:
    assert top(kb, query, embedder) == [expected]


def test_words_alone_find_what_the_lexicon_knows(kb: KnowledgeBase, embedder: Embedder) -> None:
    assert top(kb, "collapsed lung", embedder, words_only=True)[0] == "atelectasis"


def test_scores_fall_and_lie_between_0_and_1(kb: KnowledgeBase, embedder: Embedder) -> None:
    scores = [hit.score for hit in kb.search("pleural effusion", k=10, embedder=embedder)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"assertion": "absent"}, lambda hit: hit.assertion == "absent"),
        ({"laterality": "left"}, lambda hit: hit.laterality == "left"),
        ({"status": "rejected"}, lambda hit: hit.status == "rejected"),
    ],
)
def test_a_filter_holds_for_every_hit(kb: KnowledgeBase, embedder: Embedder, filters: dict[str, str], holds) -> None:
    hits = kb.search("effusion or hernia", k=20, embedder=embedder, **filters)
    assert hits
    assert all(holds(hit) for hit in hits)


def test_rejected_concepts_are_found_only_when_asked_for(kb: KnowledgeBase, embedder: Embedder) -> None:
    assert "hiatal hernia" not in top(kb, "hiatal hernia", embedder, k=20)


def test_a_minimum_count_leaves_out_what_has_no_evidence(kb: KnowledgeBase, embedder: Embedder) -> None:
    assert kb.search("effusion", embedder=embedder, min_count=1) == []


def test_a_query_of_another_embedder_is_refused(kb: KnowledgeBase, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="cannot be compared"):
        kb.search("effusion", embedder=load_embedder(str(tiny_model)))


@pytest.mark.parametrize(("query", "k"), [("", 5), ("   ", 5), ("effusion", 0)])
def test_an_empty_search_is_wrong_usage(kb: KnowledgeBase, query: str, k: int) -> None:
    with pytest.raises(UsageError):
        kb.search(query, k=k)


@pytest.mark.parametrize("query", ["zzz qqq", '"quoted" AND (broken', "*", "' OR 1=1 --", "no", "é漢字"])
def test_odd_queries_are_searched_not_parsed(kb: KnowledgeBase, embedder: Embedder, query: str) -> None:
    assert isinstance(kb.search(query, embedder=embedder), list)


def test_an_empty_vocabulary_finds_nothing(tmp_path: Path) -> None:
    assert KnowledgeBase.create(tmp_path / "empty.kb").search("effusion") == []


def test_an_older_commit_is_searched_as_it_was(kb: KnowledgeBase, embedder: Embedder) -> None:
    assert [hit.text for hit in kb.at("HEAD~1").search("cardiomegaly", k=1, words_only=True)] == ["cardiomegaly"]
    assert kb.at("HEAD~3").search("cardiomegaly", words_only=True) == []


def test_what_was_curated_since_the_index_was_built_is_found_by_words(tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "curated.kb")
    add_all(kb)
    renamed = kb.search("rib fracture", k=1, words_only=True)[0].concept_id
    kb.curate.rename(renamed, "cracked costa")
    kb.curate.add("wombat shadow")
    assert [hit.text for hit in kb.search("costa", k=1, words_only=True)] == ["cracked costa"]
    assert [hit.text for hit in kb.search("wombat", k=1, words_only=True)] == ["wombat shadow"]
