"""The vocabulary in an encoder's space: made in one pass, followed, and re-scored without touching an image."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from encoder.model.checkpoint import load_checkpoint
from encoder.prediction.view import view_of
from encoder.space.concept_matrices import iter_concepts
from encoder.space.concept_space import open_space
from encoder.space.weighting import Weighting, default_weighting
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.embed_concepts import embed_concepts
from schemas.terms import IN_USE
from tests.support.concepts import add_concepts
from tests.support.curated import concept_id
from tests.support.shapes import shapes_study


@pytest.fixture
def study(tmp_path: Path, shapes):
    kb = shapes_study(tmp_path / "s", shapes.embedder, count=30)
    folder = Path(shutil.copytree(shapes.concepts.folder, tmp_path / "e"))
    shutil.rmtree(folder / "space", ignore_errors=True)
    return kb, load_checkpoint(folder)


def stated_weights(kb: KnowledgeBase) -> dict[str, float]:
    """1 / the present concepts of a finding for each of these, 0 for absent ones: said once more."""
    rows = kb.dataset("concepts").to_table(columns=["concept_id", "finding", "assertion", "status"]).to_pylist()
    used = [row for row in rows if row["status"] in IN_USE]
    present = Counter(row["finding"] for row in used if row["assertion"] == "present")
    return {r["concept_id"]: 1 / present[r["finding"]] if r["assertion"] == "present" else 0.0 for r in used}


def assert_is_of(space, kb: KnowledgeBase, checkpoint, weighting: Weighting = "finding") -> None:
    chunks = list(iter_concepts(kb, checkpoint.text_side))
    c, e = (np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("vectors", "embeddings"))
    ids = [concept_id for chunk in chunks for concept_id in chunk.concept_ids]
    assert space.concepts["concept_id"].to_pylist() == ids
    assert np.asarray(space.vectors) == pytest.approx(c, abs=1e-6)
    stated = stated_weights(kb)
    counted = np.array([1.0 if weighting == "each" else stated[concept_id] for concept_id in ids])
    assert space.weights == pytest.approx(counted)
    assert space.projector.matrix == pytest.approx((e.T * counted) @ c, abs=1e-4)
    assert space.gram == pytest.approx(c.T @ c, abs=1e-4)
    directions = np.random.default_rng(0).standard_normal((e.shape[1], 3))
    assert np.asarray(space.alignments(kb, directions)) == pytest.approx(counted[:, None] * (e @ directions), abs=1e-4)


def test_it_is_what_the_vocabulary_says_and_is_kept(study) -> None:
    kb, checkpoint = study
    assert_is_of(open_space(kb, checkpoint), kb, checkpoint)
    kept = next((checkpoint.folder / "space").glob("v*"))
    before = (kept / "vectors.npy").stat().st_mtime_ns
    kb.tag("a")  # a commit that leaves the vocabulary alone moves nothing
    encode(kb, checkpoint)
    assert_is_of(open_space(kb, checkpoint), kb, checkpoint)
    assert (kept / "vectors.npy").stat().st_mtime_ns == before


@pytest.mark.soak
def test_it_follows_curation_and_goes_back(study, shapes) -> None:
    kb, checkpoint = study
    open_space(kb, checkpoint)
    first = kb.commit.commit_id
    ids = [row["concept_id"] for row in kb.vocabulary.list(limit=4)]
    kb.curate.merge(ids[0], into=ids[1])
    kb.curate.retire(ids[2])
    kb.curate.add("hiatal hernia")
    embed_concepts(kb, shapes.embedder)
    assert_is_of(open_space(kb, checkpoint), kb, checkpoint)
    assert_is_of(open_space(kb.at(first), checkpoint), kb.at(first), checkpoint)
    assert len(list((checkpoint.folder / "space").glob("v*"))) == 2


@pytest.mark.soak
def test_each_weighting_has_a_projector_of_its_own_over_the_same_vectors(study, shapes) -> None:
    kb, checkpoint = study
    assert_is_of(open_space(kb, checkpoint), kb, checkpoint, "finding")
    (kept,) = (checkpoint.folder / "space").glob("v*")
    before = (kept / "vectors.npy").stat().st_mtime_ns
    assert_is_of(open_space(kb, checkpoint, weighting="each"), kb, checkpoint, "each")
    assert_is_of(open_space(kb, checkpoint, weighting="finding"), kb, checkpoint, "finding")
    assert (kept / "vectors.npy").stat().st_mtime_ns == before
    kb.curate.retire(kb.vocabulary.list(assertion="present", limit=1)[0]["concept_id"])
    for weighting in ("each", "finding"):
        assert_is_of(open_space(kb, checkpoint, weighting=weighting), kb, checkpoint, weighting)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("objective", "weighting"), [("concepts", "finding"), ("report", "each"), ("imported", "each")]
)
def test_each_finding_counts_by_default_for_an_encoder_that_learned_concepts(study, objective, weighting) -> None:
    _, checkpoint = study
    assert default_weighting(replace(checkpoint, facts=replace(checkpoint.facts, objective=objective))) == weighting


def test_what_stands_aside_is_no_part_of_it_until_it_is_accepted(study, shapes) -> None:
    kb, checkpoint = study
    add_concepts(kb, ["zorbic rim"], status="aside")
    embed_concepts(kb, shapes.embedder)
    rim = concept_id("zorbic rim")
    assert rim not in open_space(kb, checkpoint).concepts["concept_id"].to_pylist()
    kb.curate.accept(rim)
    assert rim in open_space(kb, checkpoint).concepts["concept_id"].to_pylist()
    assert_is_of(open_space(kb, checkpoint), kb, checkpoint)


def test_a_changed_vocabulary_rescores_stored_vectors(study, shapes) -> None:
    kb, checkpoint = study
    encode(kb, checkpoint)
    vectors = read_image_vectors(kb, checkpoint.encoder_id).matrix
    direction = np.random.default_rng(0).standard_normal(384)
    before = view_of("llm", vectors, open_space(kb, checkpoint).projector).along(direction)
    kb.curate.retire(kb.vocabulary.list(assertion="present", limit=1)[0]["concept_id"])
    after = view_of("llm", vectors, open_space(kb, checkpoint).projector).along(direction)
    assert before.shape == after.shape and np.abs(before - after).max() > 1e-4


def test_a_vocabulary_of_another_embedder_is_refused(study, tmp_path: Path) -> None:
    from kb.vectors.embedding import load_embedder
    from tests.support.small_models import tiny_sentence_transformer

    kb, checkpoint = study
    other = load_embedder(str(tiny_sentence_transformer(tmp_path / "m", dimension=384, seed=9)))
    embed_concepts(kb, other)
    with pytest.raises(UsageError, match="was trained against embedder"):
        open_space(kb, checkpoint)
