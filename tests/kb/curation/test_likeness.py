"""Names that look alike: every name of a terminology is compared, and the likest come first."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.curation.likeness import CANDIDATES, names_alike
from kb.curation.terminology import Term, Terminology
from tests.support.examples import examples

WORDS = ("pleural", "effusion", "effusions", "left", "lung", "opacity", "opacities", "apical", "nodule", "rib")
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)


def terminology(*labels: str, synonyms: tuple[str, ...] = ()) -> Terminology:
    return Terminology({f"X:{i}": Term(f"X:{i}", label, synonyms, ()) for i, label in enumerate(labels)})


@given(st.lists(NAMES, min_size=1, max_size=40), st.lists(NAMES, min_size=1, max_size=10, unique=True))
@settings(max_examples=examples(30), deadline=None)
def test_a_name_that_is_the_same_is_the_likest_and_all_are_sorted(labels: list[str], names: list[str]) -> None:
    found = names_alike(terminology(*labels), names)
    assert list(found) == names
    for name, candidates in found.items():
        likenesses = [candidate.likeness for candidate in candidates]
        assert likenesses == sorted(likenesses, reverse=True)
        assert all(-1e-6 <= likeness <= 1 + 1e-6 for likeness in likenesses)
        if name in labels:
            assert likenesses[0] == pytest.approx(1)


def test_case_does_not_matter_and_a_name_of_two_concepts_is_a_candidate_for_both() -> None:
    found = names_alike(terminology("Effusion", "EFFUSION"), ["effusion"])
    assert [(concept, alias) for concept, alias, _ in found["effusion"]] == [("X:0", "effusion"), ("X:1", "effusion")]


def test_a_synonym_leads_to_its_concept() -> None:
    (candidate, *_) = names_alike(
        terminology("fluid in the pleura", synonyms=("pleural effusion",)), ["pleural effusion"]
    )["pleural effusion"]
    assert candidate[:2] == ("X:0", "pleural effusion")


def test_without_names_there_is_nothing_to_compare() -> None:
    assert names_alike(terminology("effusion"), []) == {}


@pytest.mark.skipif(
    find_spec("scispacy") is None or find_spec("nmslib") is None, reason="scispaCy's candidate generator is not here"
)
@given(st.lists(NAMES, min_size=CANDIDATES, max_size=40, unique=True), st.lists(NAMES, min_size=1, unique=True))
@settings(max_examples=examples(10), deadline=None)
def test_what_scispacys_approximate_index_finds_is_found(labels: list[str], names: list[str]) -> None:
    import nmslib
    from scispacy.candidate_generation import CandidateGenerator
    from scispacy.linking_utils import Entity, KnowledgeBase
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32).fit([*labels, *names])
    index = nmslib.init(method="hnsw", space="cosinesimil_sparse", data_type=nmslib.DataType.SPARSE_VECTOR)
    index.addDataPointBatch(vectoriser.transform(labels))
    index.createIndex()
    base = KnowledgeBase([Entity(f"X:{i}", label, [], [], None) for i, label in enumerate(labels)])
    theirs = CandidateGenerator(index, vectoriser, labels, base)(names, CANDIDATES)
    ours = names_alike(terminology(*labels), names)
    for name, candidates in zip(names, theirs, strict=True):
        likest = sorted((max(candidate.similarities) for candidate in candidates), reverse=True)
        exact = [candidate.likeness for candidate in ours[name]][: len(likest)]
        assert all(own >= their - 1e-5 for own, their in zip(exact, likest, strict=True))
