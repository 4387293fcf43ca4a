"""The folded projector: the same as scoring every concept, and kept up with curation without a rebuild."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoder.space.concept_matrices import iter_concepts
from encoder.space.projection import Projector, build_projector, follow, project_explicitly
from encoder.space.text_side import LinearTextSide
from encoder.space.weighting import Weighting, weights_of
from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query
from kb.vectors.embedding import Embedder, EmbeddingError, load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.concepts import add_concepts, many_texts

TEXTS = [f"{side} {text}" for text in many_texts(20) for side in ("left", "right")]
ABSENT = ["no edema", "no nodule", "no left pleural effusion"]
WEIGHTINGS = get_args(Weighting)


def concept_id(text: str) -> str:
    return read_query(text).concept_id


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Embedder:
    return load_embedder(str(tiny_model))


@pytest.fixture
def embedded(kb: KnowledgeBase, model: Embedder) -> KnowledgeBase:
    add_concepts(kb, [*TEXTS, *ABSENT])
    embed_concepts(kb, model)
    return kb


@pytest.fixture(scope="module")
def text_side(model: Embedder) -> LinearTextSide:
    dice = np.random.default_rng(0)
    return LinearTextSide(dice.standard_normal((model.info.dimension, 12)).astype(np.float32))


def images(count: int = 32, dimension: int = 12, seed: int = 1) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), weighting=st.sampled_from(WEIGHTINGS))
def test_it_gives_what_scoring_every_concept_gives(embedded, text_side, seed: int, count: int, weighting) -> None:
    drawn = images(count, seed=seed)
    folded = build_projector(embedded, text_side, weighting).project(drawn)
    explicit = project_explicitly(embedded, text_side, drawn, weighting)
    cosines = (folded * explicit).sum(1) / np.linalg.norm(folded, axis=1) / np.linalg.norm(explicit, axis=1)
    assert cosines.min() >= 0.999999
    assert folded == pytest.approx(explicit, rel=1e-4, abs=1e-4)


@given(st.lists(st.tuples(st.sampled_from(["present", "absent"]), st.sampled_from("abcd")), max_size=30))
def test_each_finding_that_is_present_counts_once_and_what_is_absent_nothing(said: list[tuple[str, str]]) -> None:
    assertions, findings = [a for a, _ in said], [f for _, f in said]
    table = pa.table({"assertion": pa.array(assertions, pa.string()), "finding": pa.array(findings, pa.string())})
    counted: dict[str, float] = defaultdict(float)
    for (assertion, finding), weight in zip(said, weights_of(table, "finding"), strict=True):
        assert (weight > 0) == (assertion == "present")
        counted[finding] += weight
    assert all(counted[f] == pytest.approx(float(("present", f) in said)) for f in findings)
    assert weights_of(table, "each").tolist() == [1.0] * len(said)


def test_it_is_the_sum_that_the_design_says(embedded: KnowledgeBase, text_side: LinearTextSide) -> None:
    chunks = list(iter_concepts(embedded, text_side))
    e, c = (np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("embeddings", "vectors"))
    projector = build_projector(embedded, text_side)
    assert projector.matrix == pytest.approx(e.T @ c, abs=1e-4)
    assert np.linalg.norm(c, axis=1) == pytest.approx(np.ones(len(c)), abs=1e-5)
    assert projector.facts.concepts == len(TEXTS) + len(ABSENT)


ACTS = [
    lambda v: v.merge(concept_id(TEXTS[0]), into=concept_id(TEXTS[2])),
    lambda v: v.retire(concept_id(TEXTS[3])),
    lambda v: v.reject(concept_id(TEXTS[5])),
    lambda v: v.accept(concept_id(TEXTS[7])),
    lambda v: v.rename(concept_id(TEXTS[9]), "spot of nine"),
    lambda v: v.add("hiatal hernia"),
    lambda v: v.set_note(concept_id(TEXTS[11]), "a note moves no vector"),
]


@pytest.mark.soak
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.lists(st.sampled_from(range(len(ACTS))), unique=True, max_size=6),
    weighting=st.sampled_from(WEIGHTINGS),
)
def test_following_a_commit_equals_a_rebuild(tmp_path_factory, model, text_side, order, weighting) -> None:
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("follow") / "a.kb")
    add_concepts(kb, [*TEXTS, *ABSENT])
    embed_concepts(kb, model)
    before = build_projector(kb, text_side, weighting)
    for number in order:
        ACTS[number](kb.curate)
    embed_concepts(kb, model)
    followed, rebuilt = follow(before, kb, text_side), build_projector(kb, text_side, weighting)
    assert followed.matrix == pytest.approx(rebuilt.matrix, abs=1e-5)
    assert followed.facts == rebuilt.facts


def test_concepts_of_a_finding_that_lost_one_count_more_and_only_they(kb: KnowledgeBase, model, text_side) -> None:
    add_concepts(kb, ["left nodule", "right nodule", "edema", "no nodule"])
    embed_concepts(kb, model)
    before = build_projector(kb, text_side, "finding")
    term = terms(kb, text_side)
    kb.curate.retire(concept_id("left nodule"))
    after = follow(before, kb, text_side)
    half = (term[concept_id("left nodule")] + term[concept_id("right nodule")]) / 2
    assert after.matrix - before.matrix == pytest.approx(term[concept_id("right nodule")] - half, abs=1e-6)


def terms(kb: KnowledgeBase, text_side: LinearTextSide) -> dict[str, np.ndarray]:
    """E c^T of every concept."""
    return {
        name: np.outer(e, c)
        for chunk in iter_concepts(kb, text_side)
        for name, e, c in zip(chunk.concept_ids, chunk.embeddings, chunk.vectors, strict=True)
    }


def test_a_concept_without_its_embedding_is_an_error_that_names_it(embedded, text_side) -> None:
    embedded.curate.add("hiatal hernia")
    with pytest.raises(EmbeddingError, match="hiatal hernia"):
        build_projector(embedded, text_side)


def test_what_is_not_embedded_or_empty_has_none(tmp_path: Path, kb: KnowledgeBase, text_side) -> None:
    with pytest.raises(UsageError, match="nothing is embedded"):
        build_projector(kb, text_side)


def test_it_is_saved_and_loaded_for_what_it_was_made_of(embedded, text_side, tmp_path: Path) -> None:
    made = build_projector(embedded, text_side)
    made.save(tmp_path / "p")
    loaded = Projector.load(tmp_path / "p", expect={"commit": embedded.commit.commit_id})
    assert np.array_equal(loaded.matrix, made.matrix) and loaded.facts == made.facts
    with pytest.raises(ClearKbError, match="no projector that can be read"):
        Projector.load(tmp_path / "p", "finding")
    with pytest.raises(ClearKbError, match=r"of commit .*, not abc"):
        Projector.load(tmp_path / "p", expect={"commit": "abc"})
    (tmp_path / "p" / "projector-each.safetensors").write_bytes(b"cut")
    with pytest.raises(ClearKbError, match="no projector that can be read"):
        Projector.load(tmp_path / "p")


def test_another_text_side_needs_a_new_one(embedded: KnowledgeBase, text_side: LinearTextSide) -> None:
    made = build_projector(embedded, text_side)
    with pytest.raises(UsageError, match="build it anew"):
        follow(made, embedded, LinearTextSide(text_side.weights * 2))
    assert follow(made, embedded, text_side) is made
