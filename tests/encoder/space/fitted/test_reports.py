"""What reports state: directions are fitted to it, and directions that came from elsewhere are held against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from encoder.space.fitted.activation import activation_directions
from encoder.space.fitted.checked import checked_by_reports
from encoder.space.fitted.directions import COLUMNS, FittedDirections, FittedFinding
from encoder.space.fitted.stated import Stated, read_stated
from encoder.vectors.image_vectors import ImageVectors
from kb.display import Listing
from kb.knowledge_base import KnowledgeBase
from tests.support.tables import fill

FINDINGS = ("chest tube", "hernia", "nodule", "pneumothorax")
N = 160
HELD = np.random.default_rng(0).random((N, 4)) < 0.35
PATTERNS = np.linalg.qr(np.random.default_rng(1).standard_normal((10, 4)))[0].T
VECTORS = HELD @ PATTERNS + 0.3 * np.random.default_rng(2).standard_normal((N, 10)) + 5


def images(matrix: np.ndarray = VECTORS, splits: list[str] | None = None) -> ImageVectors:
    count = len(matrix)
    return ImageVectors(
        image_ids=[f"i{n:03}" for n in range(count)],
        matrix=matrix.astype(np.float32),
        patients=[f"p{n}" for n in range(count)],
        splits=splits or ["test"] * count,  # type: ignore[arg-type]
        studies=[f"s{n:03}" for n in range(count)],
        patient_ids=[None] * count,
    )


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """Reports that state what images hold."""
    kb = KnowledgeBase.create(tmp_path_factory.mktemp("reported") / "r.kb", by="tester")
    rows: dict[str, list[dict[str, Any]]] = {"concepts": [], "reports": [], "observations": []}
    for finding in FINDINGS:
        facts = {"concept_id": f"C {finding}", "text": finding, "normal_form": finding, "finding": finding}
        rows["concepts"].append({**facts, "assertion": "present", "status": "accepted"})
    for n in range(N):
        rows["reports"].append({"report_id": f"r{n}", "study_id": f"s{n:03}"})
        for at in np.flatnonzero(HELD[n]):
            said = {"report_id": f"r{n}", "concept_id": f"C {FINDINGS[at]}", "text": FINDINGS[at]}
            rows["observations"].append({**said, "assertion": "present", "temporality": "current"})
        said = {"report_id": f"r{n}", "concept_id": "C hernia", "text": "hernia"}
        rows["observations"].append({**said, "assertion": "uncertain", "temporality": "current"})
        rows["observations"].append({**said, "assertion": "present", "temporality": "historical"})
    return KnowledgeBase.open(fill(kb, **rows).uri)


def test_what_is_present_and_current_is_stated_with_what_it_stands_under(reported: KnowledgeBase) -> None:
    told = read_stated(reported, images())
    assert set(FINDINGS) <= set(told.findings) <= set(told.bearers) and len(told.rows) == N
    for at, finding in enumerate(FINDINGS):
        stated = told.stated[:, [told.findings.index(finding)]].toarray()[:, 0]
        assert np.array_equal(stated > 0, HELD[:, at]), finding


def test_external_images_teach_nothing(reported: KnowledgeBase) -> None:
    splits = ["external" if n < 100 else "test" for n in range(N)]
    assert read_stated(reported, images(splits=splits)).rows.tolist() == list(range(100, N))


def test_findings_are_told_of_patients_left_out(reported: KnowledgeBase) -> None:
    found = activation_directions("theirs", images(), read_stated(reported, images()))
    assert found is not None and len(found) == 4 and min(row.value for row in found.findings) > 0.9
    assert (found.images, found.patients, found.origin, found.untried) == (N, N, "reports", 0)
    for at, text in enumerate(found.concepts["text"].to_pylist()):
        scores = VECTORS @ found.vectors[at] * found.scale[at] + found.bias[at]
        assert scores.mean() == pytest.approx(HELD[:, FINDINGS.index(text)].mean(), abs=1e-5)


def test_noise_tells_nothing_and_few_patients_are_not_tried(reported: KnowledgeBase) -> None:
    noise = images(np.random.default_rng(4).standard_normal((N, 10)))
    found = activation_directions("theirs", noise, read_stated(reported, noise))
    assert found is not None and len(found) == 0 and found.fitted == 4
    few = images().chosen(range(30))
    assert activation_directions("theirs", few, read_stated(reported, few)) is None
    nothing = Stated(np.empty(0, dtype=np.int64), [], sparse.csr_matrix((0, 0)), {}, frozenset())
    assert activation_directions("theirs", images(), nothing) is None


def carried(vectors: np.ndarray) -> FittedDirections:
    rows = [
        FittedFinding(finding=f, concepts=1, held=1, patients=N, measure="R2", value=0.9, low=0.8, high=0.95)
        for f in FINDINGS
    ]
    columns = {"concept_id": [f"C {f}" for f in FINDINGS], "text": FINDINGS, "assertion": ["present"] * 4}
    return FittedDirections(
        encoder="theirs",
        origin="Nours",
        images=N,
        patients=N,
        measure="R2",
        concepts=pa.table({**columns, "finding": FINDINGS}),
        vectors=vectors.astype(np.float32),
        scale=np.ones(4),
        bias=np.zeros(4),
        fitted=4,
        findings=Listing(rows, COLUMNS),
    )


def test_directions_that_tell_what_reports_state_are_kept(reported: KnowledgeBase) -> None:
    found = checked_by_reports(reported, carried(PATTERNS), images(), learned=True)
    assert len(found) == 4 and not found.doubt
    assert all(row.stated is not None and row.stated.low > 0.8 for row in found.findings)


def test_one_that_tells_nothing_goes_and_the_others_stay(reported: KnowledgeBase) -> None:
    wrong = PATTERNS.copy()
    wrong[1] = -PATTERNS[1]
    found = checked_by_reports(reported, carried(wrong), images(), learned=True)
    assert found.concepts["text"].to_pylist() == ["chest tube", "nodule", "pneumothorax"] and not found.doubt
    assert {row.finding: row.held for row in found.findings}["hernia"] == 0


def test_a_map_that_is_true_to_an_encoder_which_knows_nothing_is_refused(reported: KnowledgeBase) -> None:
    found = checked_by_reports(reported, carried(np.tile(PATTERNS[0], (4, 1))), images(), learned=True)
    assert len(found) == 0 and found.doubt.startswith("of 4 findings that reports can judge, encoder Nours tells 3 no")


def test_images_that_the_encoder_learned_from_judge_nothing(reported: KnowledgeBase) -> None:
    trained = images(splits=["train"] * N)
    found = checked_by_reports(reported, carried(-PATTERNS), trained, learned=True)
    assert len(found) == 4 and all(row.stated is None for row in found.findings)
    assert len(checked_by_reports(reported, carried(-PATTERNS), trained, learned=False)) == 0
