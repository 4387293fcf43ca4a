"""Concepts carried over to a foreign encoder: what the algebra says of every concept is what scores would show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from encoder.space.concept_space import ConceptSpace
from encoder.space.fitted.carried import carried_directions
from encoder.space.fitted.directions import LEAST
from encoder.space.fitted.folds import folds_of, patient_blocks
from encoder.space.fitted.ridge import GroupedRidge
from encoder.space.projection import Projector, ProjectorFacts
from encoder.vectors.image_vectors import ImageVectors

N, D, FOREIGN, CONCEPTS = 240, 8, 20, 30


def images(matrix: np.ndarray, split: str = "train") -> ImageVectors:
    return ImageVectors(
        image_ids=[f"i{n:03}" for n in range(len(matrix))],
        matrix=matrix.astype(np.float32),
        patients=[f"p{n // 2}" for n in range(len(matrix))],
        splits=[split] * len(matrix),  # type: ignore[list-item]
        studies=[None] * len(matrix),
        patient_ids=[None] * len(matrix),
    )


@pytest.fixture(scope="module")
def ours() -> ImageVectors:
    f = np.random.default_rng(0).standard_normal((N, D))
    return images(f / np.linalg.norm(f, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def space() -> ConceptSpace:
    c = np.random.default_rng(1).standard_normal((CONCEPTS, D))
    vectors = (c / np.linalg.norm(c, axis=1, keepdims=True)).astype(np.float32)
    columns = {
        "concept_id": [f"C{n}" for n in range(CONCEPTS)],
        "text": [f"kind {n % 3} of finding {n // 3}" for n in range(CONCEPTS)],
        "assertion": ["present"] * CONCEPTS,
        "finding": [f"finding {n // 3}" for n in range(CONCEPTS)],
    }
    facts = ProjectorFacts("commit", "embedder", "text side", CONCEPTS)
    return ConceptSpace(Path(), pa.table(columns), vectors, Projector(np.eye(D), facts), vectors.T @ vectors)


def foreign(ours: ImageVectors, noise: float) -> ImageVectors:
    """Vectors of another size and place that hold what ours do, and noise."""
    draw = np.random.default_rng(2)
    mixed = ours.matrix @ draw.standard_normal((D, FOREIGN)) * 4 + 30
    return images(mixed + noise * draw.standard_normal((N, FOREIGN)))


def test_scores_are_told_by_directions_of_a_space_that_holds_them(ours: ImageVectors, space: ConceptSpace) -> None:
    theirs = foreign(ours, 0.01)
    found = carried_directions("theirs", theirs, "Nours", ours, space=space)
    assert found is not None and len(found) == CONCEPTS and min(row.value for row in found.findings) > 0.99
    scores = theirs.matrix @ found.vectors.T * found.scale + found.bias
    assert scores == pytest.approx(ours.matrix @ space.vectors.T, abs=0.02)
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(np.ones(CONCEPTS), abs=1e-5)


def test_what_is_said_of_a_concept_is_what_its_scores_show(ours: ImageVectors, space: ConceptSpace) -> None:
    theirs = foreign(ours, 2.0)
    found = carried_directions("theirs", theirs, "Nours", ours, space=space)
    assert found is not None
    ridge = GroupedRidge(theirs.matrix, ours.matrix, folds_of(patient_blocks(ours.patients)))
    truth, told, mean = np.empty((N, CONCEPTS)), np.empty((N, CONCEPTS)), np.empty((N, CONCEPTS))
    for rows, fitted in ridge.left_out():
        mean[rows] = fitted.mean_y @ space.vectors.T
        told[rows] = (fitted.mean_y + (theirs.matrix[rows] - fitted.mean_x) @ fitted.weights) @ space.vectors.T
        truth[rows] = ours.matrix[rows] @ space.vectors.T
    expected = 1 - ((truth - told) ** 2).sum(axis=0) / ((truth - mean) ** 2).sum(axis=0)
    for row in found.findings:
        of = [n for n in range(CONCEPTS) if f"finding {n // 3}" == row.finding]
        assert row.value == pytest.approx(float(np.median(expected[of])), abs=1e-6)
        assert row.low < row.value < row.high and row.held == sum(expected[n] >= LEAST["R2"] for n in of)


def test_noise_has_no_concepts(ours: ImageVectors, space: ConceptSpace) -> None:
    noise = images(np.random.default_rng(3).standard_normal((N, FOREIGN)))
    found = carried_directions("theirs", noise, "Nours", ours, space=space)
    assert found is not None and len(found) == 0 and max(row.value for row in found.findings) < 0.05
    assert found.told.startswith("directions of encoder theirs are carried over from encoder Nours")


def test_nothing_is_fitted_on_external_images_or_on_few(ours: ImageVectors, space: ConceptSpace) -> None:
    away = images(foreign(ours, 0.01).matrix, "external")
    assert carried_directions("theirs", away, "Nours", ours, space=space) is None
    few = foreign(ours, 0.01).chosen(range(90))
    assert carried_directions("theirs", few, "Nours", ours, space=space) is None, "45 patients"
