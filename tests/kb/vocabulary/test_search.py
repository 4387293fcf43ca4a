"""Search: what words, meaning and facets each bring, and what a hit may not contradict."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
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
    "hemothorax",
    "loculated left pleural effusion",
    "no pneumoperitoneum",
    "right apical cavitation",
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


@pytest.mark.parametrize(
    ("query", "expected", "told"),
    [
        ("cor magnum", "cardiomegaly", '"cor magnum" = cardiomegaly'),
        ("kein Pleuraerguss", "no pleural effusion", '"kein" = no, "Pleuraerguss" = pleural effusion'),
        ("a hole in my lung", "right apical cavitation", '"hole in my lung" = cavitation'),
        ("winding aorta", "aortic tortuosity", '"winding aorta" = aortic tortuosity'),
        ("atalectasis", "atelectasis", '"atalectasis" read as "atelectasis"'),
        ("pneumothroax", "pneumothorax", '"pneumothroax" read as "pneumothorax"'),
        ("air under the diaphragm", "no pneumoperitoneum", '"air under the diaphragm" = pneumoperitoneum'),
        ("pleural effusion", "pleural effusion", None),
    ],
)
def test_a_hit_says_by_which_name_it_was_found(kb: KnowledgeBase, query: str, expected: str, told: str | None) -> None:
    hit = kb.search(query, k=1, words_only=True)[0]
    assert (hit.text, hit.found_by) == (expected, told)


def test_a_table_of_ones_own_is_read_too(kb: KnowledgeBase, tmp_path: Path) -> None:
    own = tmp_path / "ours.tsv"
    own.write_text("cardiomegaly\thouse\tvalentine\n", encoding="utf-8")
    assert kb.search("valentine", words_only=True) == []
    assert kb.search("valentine", k=1, words_only=True, names=own)[0].text == "cardiomegaly"


@pytest.mark.parametrize("query", ["zxqv", "pizza", "blue car", "invoice number", "hello world", "asdf qwer"])
def test_what_nothing_is_near_has_no_hits(kb: KnowledgeBase, embedder: Embedder, query: str) -> None:
    assert kb.search(query, embedder=embedder) == []


def test_what_is_not_near_is_counted_and_shown_when_asked_for(kb: KnowledgeBase) -> None:
    found = kb.search("zxqv qqzz fracture", words_only=True)
    assert (list(found), found.farther) == ([], 1)
    (far,) = kb.search("zxqv qqzz fracture", words_only=True, least=0.0)
    assert far.similarity < 0.4


def test_no_finding_is_corrected_into_another(kb: KnowledgeBase, embedder: Embedder) -> None:
    assert top(kb, "haemothorax", embedder)[0] == "hemothorax"
    assert "pneumothorax" not in top(kb, "haemothorax", embedder, k=20)
    assert "no pneumoperitoneum" not in top(kb, "pneumonie", embedder, k=20)


@pytest.mark.parametrize(
    ("query", "found", "left_out"),
    [
        ("effusion NOT left", "small right pleural effusion", "small left pleural effusion"),
        ("left effusion, not loculated", "small left pleural effusion", "loculated left pleural effusion"),
        ("cardiomegaly without mild", "cardiomegaly", "mild cardiomegaly"),
        ("atelectasis but not at the base", "atelectasis", "left basilar atelectasis"),
    ],
)
def test_not_leaves_out(kb: KnowledgeBase, embedder: Embedder, query: str, found: str, left_out: str) -> None:
    hits = top(kb, query, embedder, k=30)
    assert found in hits
    assert left_out not in hits


@pytest.mark.parametrize(
    "query", ["heart not enlarged", "cardiomegaly: none", "cardiomegaly not seen", "no cardiomegaly"]
)
def test_not_denies_where_nothing_else_is_asked(kb: KnowledgeBase, query: str) -> None:
    assert kb.search(query, k=1, words_only=True)[0].text == "no cardiomegaly"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("effu", "pleural effusion"), ("left pleu", "small left pleural effusion"), ("card", "cardiomegaly")],
)
def test_the_beginning_of_a_word_finds_it(kb: KnowledgeBase, typed: str, meant: str) -> None:
    assert meant in [hit.text for hit in kb.search(typed, words_only=True)]


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        ({"severity": "small"}, lambda hit: hit.severity == "small"),
        ({"severity": "none"}, lambda hit: hit.severity is None),
        ({"anatomy": "base"}, lambda hit: "basilar" in hit.text),
        ({"kind": "normal"}, lambda hit: hit.text == "clear lungs"),
        ({"source": "test"}, lambda hit: True),
    ],
)
def test_every_facet_is_a_filter(kb: KnowledgeBase, filters: dict[str, str], holds) -> None:
    hits = [
        hit
        for text in ("effusion", "atelectasis", "clear lungs")
        for hit in kb.search(text, words_only=True, **filters)
    ]
    assert hits
    assert all(holds(hit) for hit in hits)


@given(st.sampled_from(VOCABULARY))
def test_every_concept_is_found_by_its_own_text(kb: KnowledgeBase, text: str) -> None:
    found = kb.search(text, k=1, words_only=True)[0]
    assert (found.concept_id, found.similarity) == (read_query(text).concept_id, 1.0)


@settings(deadline=None)
@given(st.text(min_size=1).filter(str.strip))
def test_any_text_is_searched_and_similarities_lie_between_0_and_1(kb: KnowledgeBase, text: str) -> None:
    hits = kb.search(text, words_only=True, least=0.0)
    assert all(0 < hit.similarity <= 1 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_name_that_a_curator_added_finds_its_concept(tmp_path: Path) -> None:
    kb = KnowledgeBase.create(tmp_path / "named.kb")
    add_all(kb)
    (fracture,) = kb.search("rib fracture", k=1, words_only=True)
    kb.curate.add_synonyms(fracture.concept_id, "wombat shadow")
    assert kb.search("wombat", k=1, words_only=True)[0].concept_id == fracture.concept_id


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


@pytest.mark.parametrize(
    ("query", "denied"),
    [
        ("ptx", "no pneumothorax"),
        ("pneumothorax", "no pneumothorax"),
        ("no ptx", "pneumothorax"),
        ("left effusion not loculated", "no pleural effusion"),
        ("heart not enlarged", "cardiomegaly"),
    ],
)
def test_the_other_assertion_is_no_hit_and_is_shown_where_all_are_asked_for(
    kb: KnowledgeBase, embedder: Embedder, query: str, denied: str
) -> None:
    near = top(kb, query, embedder, k=10)
    assert near and denied not in near
    assert denied in top(kb, query, embedder, k=30, least=0.0)
    only = "absent" if denied.startswith("no ") else "present"
    assert denied in top(kb, query, embedder, k=30, assertion=only)  # nothing that was asked is among them
