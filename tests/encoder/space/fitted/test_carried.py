"""Concepts carried over to a foreign encoder: what the algebra says of every concept is what scores would show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from encoder.space.concept_space import ConceptSpace
from encoder.space.fitted.calibration import Calibration
from encoder.space.fitted.carried import best_shrink, carried_directions
from encoder.space.fitted.directions import LEAST
from encoder.space.fitted.folds import FOLDS, folds_of, patient_blocks
from encoder.space.fitted.prior import independent_spread
from encoder.space.fitted.stated import Stated
from encoder.space.fitted.sums import FoldedSums
from encoder.space.projection import Projector, ProjectorFacts
from encoder.vectors.image_vectors import ImageVectors

SILENT = Stated(np.empty(0, dtype=np.int64), [], sparse.csr_matrix((0, 0)), {}, frozenset())
"""No report states anything."""

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
    found = carried_directions("theirs", theirs, "Nours", ours, space=space, told=SILENT)
    assert found is not None and len(found) == CONCEPTS and min(row.value for row in found.findings) > 0.99
    scores = theirs.matrix @ found.vectors.T * found.scale + found.bias
    assert scores == pytest.approx(ours.matrix @ space.vectors.T, abs=0.02)
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(np.ones(CONCEPTS), abs=1e-5)


def test_what_is_said_of_a_concept_is_what_its_scores_show(ours: ImageVectors, space: ConceptSpace) -> None:
    theirs = foreign(ours, 2.0)
    found = carried_directions("theirs", theirs, "Nours", ours, space=space, told=SILENT)
    assert found is not None
    blocks = patient_blocks(ours.patients)
    sums = FoldedSums(theirs.matrix, ours.matrix, folds_of(blocks))
    whole = sums.whole.centred()
    shrink = best_shrink(sums, space.vectors, whole.yy / whole.n)
    truth, told = np.empty((N, CONCEPTS)), np.empty((N, CONCEPTS))
    for fold in range(FOLDS):
        rows, fitted = np.flatnonzero(folds_of(blocks) == fold), sums.without(fold)
        to_f = Calibration(fitted, shrink).every(whole.yy / whole.n)
        told[rows] = (theirs.matrix[rows] - sums.middle - fitted.mean_g) @ to_f.T @ space.vectors.T
        truth[rows] = (ours.matrix[rows] - fitted.mean_y) @ space.vectors.T
    products = [(one * other).sum(axis=0) for one, other in ((told, told), (told, truth), (truth, truth))]
    expected = products[1] ** 2 / (products[0] * products[2])
    for row in found.findings:
        of = [n for n in range(CONCEPTS) if f"finding {n // 3}" == row.finding]
        assert row.value == pytest.approx(float(np.median(expected[of])), abs=1e-6)
        assert row.low < row.value < row.high and row.held == sum(expected[n] >= LEAST["R2"] for n in of)


def test_noise_has_no_concepts(ours: ImageVectors, space: ConceptSpace) -> None:
    noise = images(np.random.default_rng(3).standard_normal((N, FOREIGN)))
    found = carried_directions("theirs", noise, "Nours", ours, space=space, told=SILENT)
    assert found is not None and len(found) == 0 and max(row.value for row in found.findings) < 0.05
    assert "no reports tell what goes with what" in found.told
    assert found.told.startswith("directions of encoder theirs are carried over from encoder Nours")


def test_nothing_is_fitted_on_external_images_or_on_few(ours: ImageVectors, space: ConceptSpace) -> None:
    away = images(foreign(ours, 0.01).matrix, "external")
    assert carried_directions("theirs", away, "Nours", ours, space=space, told=SILENT) is None
    few = foreign(ours, 0.01).chosen(range(90))
    assert carried_directions("theirs", few, "Nours", ours, space=space, told=SILENT) is None, "45 patients"


def test_what_goes_together_in_reports_is_not_expected_together() -> None:
    draw = np.random.default_rng(5)
    disease = draw.random(2000) < 0.4
    tube = draw.random(2000) < np.where(disease, 0.9, 0.1)
    f = np.stack([disease, tube], axis=1) @ np.array([[1.0, 0, 0], [0, 1, 0]]) + 0.1 * draw.standard_normal((2000, 3))
    stated = sparse.csr_matrix(np.stack([disease, tube], axis=1).astype(np.float64))
    told = Stated(np.arange(2000), ["disease", "tube"], stated, {}, frozenset(("disease", "tube")))
    owners = [f"p{n}" for n in range(2000)]
    apart = independent_spread(f, np.arange(2000), told, owners)
    assert apart is not None and np.cov(f.T)[0, 1] > 0.15
    assert np.diag(apart) == pytest.approx(np.diag(np.cov(f.T)), abs=0.02) and abs(apart[0, 1]) < 0.02
    assert independent_spread(f, np.arange(2000), SILENT, []) is None
