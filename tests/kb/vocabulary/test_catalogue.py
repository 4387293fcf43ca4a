"""The catalogue in memory: found by words and facets as somebody types, and kept true by acts of curation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.catalogue import Asked, Catalogue
from kb.vocabulary.word_index import WordIndex, words_in
from tests.support.concepts import add_concepts, many_texts
from tests.support.curated import ACTS, TEXTS
from tests.support.examples import examples
from tests.support.mined import concept_id, mined_in

WORDS = ("pleural effusion", "small left pleural effusion", "no pleural effusion", "left rib fracture", "pneumothorax")


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    return mined_in(tmp_path_factory.mktemp("catalogue"))


def texts(catalogue: Catalogue, words: str = "", **facets: Any) -> list[str]:
    return [row["text"] for row in catalogue.find(Asked(words=words, facets=facets)).rows]


def test_words_are_found_by_how_they_begin_in_any_order(kb: KnowledgeBase) -> None:
    add_concepts(kb, WORDS)
    catalogue = Catalogue.of(kb)
    assert texts(catalogue, "eff left") == ["small left pleural effusion"]
    assert set(texts(catalogue, "pleu")) == {
        "pleural effusion",
        "small left pleural effusion",
        "no pleural effusion",
    }
    assert texts(catalogue, "zxqv") == []


def test_what_is_the_words_comes_before_what_begins_with_them_and_what_holds_them(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["small left pleural effusion", "pleural effusion of the fissure", "pleural effusion"])
    found = texts(Catalogue.of(kb), "pleural effusion")
    assert found == ["pleural effusion", "fissure pleural effusion", "small left pleural effusion"]


def test_the_most_mentioned_comes_first(mined: KnowledgeBase) -> None:
    found = Catalogue.of(mined).find(Asked(words="no p"))
    counted = [(row["text"], row["mentions"], row["reports"]) for row in found.rows]
    assert counted == [("no pneumothorax", 4, 4), ("no pleural effusion", 2, 2)]


def test_another_word_for_a_finding_finds_it_and_says_so(mined: KnowledgeBase) -> None:
    found = Catalogue.of(mined).find(Asked(words="ptx"))
    assert (found.meant, [row["text"] for row in found.rows]) == ("pneumothorax", ["no pneumothorax"])
    assert Catalogue.of(mined).find(Asked(words="pneumothorax")).meant is None


def test_other_names_are_found_too(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["cardiomegaly"], synonyms=["cor magnum"])
    assert texts(Catalogue.of(kb), "magn") == ["cardiomegaly"]


def test_facets_filter_and_count_what_could_be_chosen(mined: KnowledgeBase) -> None:
    catalogue = Catalogue.of(mined)
    found = catalogue.find(Asked(facets={"laterality": ["left"], "assertion": ["present"]}))
    assert {row["laterality"] for row in found.rows} == {"left"}
    assert found.choices["laterality"]["right"] > 0  # what choosing it in place of the left would give
    assert sum(found.choices["finding"].values()) == found.total
    assert {row["kind"] for row in catalogue.find(Asked(facets={"kind": ["device"]})).rows} == {"device"}


def test_only_concepts_in_use_are_listed_unless_a_status_is_asked_for(kb: KnowledgeBase) -> None:
    add_concepts(kb, ["pneumothorax"])
    add_concepts(kb, ["mass"], status="rejected")
    catalogue = Catalogue.of(kb)
    assert texts(catalogue) == ["pneumothorax"]
    assert texts(catalogue, status=["rejected"]) == ["mass"]


def test_pages_follow_each_other_without_gap_or_repetition(kb: KnowledgeBase) -> None:
    add_concepts(kb, many_texts(38))
    catalogue = Catalogue.of(kb)
    pages = [catalogue.find(Asked(), limit=7, offset=offset).rows for offset in range(0, 42, 7)]
    ids = [row["concept_id"] for page in pages for row in page]
    assert len(ids) == len(set(ids)) == 38


def test_an_empty_vocabulary_is_an_empty_list(kb: KnowledgeBase) -> None:
    found = Catalogue.of(kb).find(Asked(words="effusion"))
    assert (found.rows, found.total) == ([], 0)


@pytest.mark.parametrize("act", ACTS, ids=range(len(ACTS)))
def test_after_an_act_it_says_what_one_read_anew_says(kb: KnowledgeBase, act: Any) -> None:
    add_concepts(kb, TEXTS)
    earlier = Catalogue.of(kb)
    act(kb.curate)
    change = kb.changes()[-1]
    later = earlier.after(kb, change.concept_ids, recount=True)
    if act is ACTS[6]:
        assert later is None  # a concept that was not there: it has to be read anew
        return
    assert later is not None
    assert everything(later) == everything(Catalogue.of(kb))


def test_what_takes_the_place_of_another_takes_its_mentions(tmp_path: Path) -> None:
    base = mined_in(tmp_path)
    earlier, one, other = Catalogue.of(base), concept_id("cardiomegaly"), concept_id("left rib fracture")
    change = base.curate.retire(one, other)
    assert change is not None
    later = earlier.after(base, change.concept_ids, recount=True)
    assert later is not None
    rows = [catalogue.get(other) for catalogue in (earlier, later)]
    assert [row and row["mentions"] for row in rows] == [1, 4]


def everything(catalogue: Catalogue) -> Any:
    statuses = {"status": catalogue.values("status")}
    found = catalogue.find(Asked(facets=statuses), limit=10_000)
    words = {word for row in found.rows for word in words_in(row["text"])}
    said = {word: sorted(texts(catalogue, word)) for word in words}
    return sorted(found.rows, key=lambda row: row["concept_id"]), found.choices, said


LETTERS = st.text("abß é-1.", min_size=0, max_size=8)


@settings(max_examples=examples(80), deadline=None)
@given(st.lists(LETTERS, max_size=6), st.lists(st.text("abé1", min_size=1, max_size=3), max_size=3))
def test_the_index_finds_what_looking_at_every_text_would(held: list[str], asked: list[str]) -> None:
    index = WordIndex(pa.array(held, pa.string()), np.arange(len(held)), len(held))
    expected = [all(any(own.startswith(word) for own in words_in(text)) for word in asked) for text in held]
    assert index.holding(asked).tolist() == expected
