"""What an image holds is read off a foreign vector without minding what goes with what; patients are judged unseen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from encoder.space.fitted.calibration import Calibration
from encoder.space.fitted.folds import BLOCKS, FOLDS, folds_of, patient_blocks
from encoder.space.fitted.sums import Centred, FoldedSums


def data(
    seed: int = 0, n: int = 400, d: int = 12, t: int = 3, loud: float = 0.3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors far from 0 that hold some findings, of which the first two go together, with noise of their own shape."""
    draw = np.random.default_rng(seed)
    first = draw.random(n) < 0.4
    second = draw.random(n) < np.where(first, 0.9, 0.1)
    y = np.stack([first, second, *(draw.random(n) < 0.3 for _ in range(t - 2))], axis=1).astype(np.float64)
    noise = loud * draw.standard_normal((n, d))
    g = y @ draw.standard_normal((t, d)) + noise + 50
    return g.astype(np.float32), y, folds_of(patient_blocks([f"p{number // 2}" for number in range(n)]))


def centred(g: np.ndarray, y: np.ndarray) -> Centred:
    return FoldedSums(g, y, np.zeros(len(g), dtype=int)).whole.centred()


def test_sums_of_folds_are_those_of_the_rows() -> None:
    g, y, folds = data()
    sums = FoldedSums(g, sparse.csr_matrix(y), folds)
    for fold in range(FOLDS):
        rest, found = np.flatnonzero(folds != fold), sums.without(fold)
        about_g = g[rest].astype(np.float64) - g[rest].mean(axis=0, dtype=np.float64)
        about_y = y[rest] - y[rest].mean(axis=0)
        assert found.n == len(rest)
        assert found.mean_g + sums.middle == pytest.approx(g[rest].mean(axis=0, dtype=np.float64), abs=1e-9)
        assert found.gg == pytest.approx(about_g.T @ about_g, abs=1e-6)
        assert found.gy == pytest.approx(about_g.T @ about_y, abs=1e-6)
        assert found.yy == pytest.approx(about_y.T @ about_y, abs=1e-8)


def test_where_nothing_is_expected_it_is_generalised_least_squares() -> None:
    g, y, _ = data()
    found = Calibration(centred(g, y), 1e-6).every(1e6 * np.eye(3))
    x, h = y - y.mean(axis=0), g - g.mean(axis=0, dtype=np.float64)
    slopes = np.linalg.lstsq(x, h, rcond=None)[0].T
    noise = np.linalg.inv((h - x @ slopes.T).T @ (h - x @ slopes.T) / len(g))
    assert found == pytest.approx(np.linalg.solve(slopes.T @ noise @ slopes, slopes.T @ noise), abs=1e-2)
    assert found @ slopes == pytest.approx(np.eye(3), abs=1e-2), "each answers to its own finding, and to no other"


def test_where_findings_are_expected_to_go_together_it_is_the_regression() -> None:
    g, y, _ = data()
    sums = centred(g, y)
    found = Calibration(sums, 1e-9).every(sums.yy / sums.n)
    assert found == pytest.approx(np.linalg.solve(sums.gg, sums.gy).T, abs=1e-3)


def test_a_direction_does_not_lean_on_what_goes_with_its_finding() -> None:
    g, y, _ = data(1, n=6000, loud=1.5)
    sums = centred(g, y)
    tube, disease = y[:, 1] == 1, y[:, 0] == 1

    def leaning(expected: np.ndarray) -> float:
        """How much more of a tube is seen with the disease than without, the tube itself being the same."""
        scores = (g - g.mean(axis=0)) @ Calibration(sums, 1e-6).every(expected)[1]
        apart = [scores[(tube == side) & disease].mean() - scores[(tube == side) & ~disease].mean() for side in (0, 1)]
        return float(np.mean(apart) / (scores[tube].mean() - scores[~tube].mean()))

    together = sums.yy / sums.n
    assert abs(leaning(np.diag(np.diag(together)))) < 0.12 < 0.3 < leaning(together)


def test_what_stands_over_a_finding_is_not_held_while_that_is_told() -> None:
    draw = np.random.default_rng(2)
    narrow = draw.random(600) < 0.3
    y = np.stack([narrow, narrow | (draw.random(600) < 0.02), draw.random(600) < 0.4], axis=1).astype(np.float64)
    g = y[:, [0, 2]] @ draw.standard_normal((2, 8)) + 0.3 * draw.standard_normal((600, 8))
    calibration = Calibration(centred(g.astype(np.float32), y), 1e-3)
    related = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)
    apart = (g - g.mean(axis=0)) @ calibration.one_by_one(~related).T
    assert np.corrcoef(apart[:, 0], y[:, 0])[0, 1] > 0.9 and np.corrcoef(apart[:, 1], y[:, 1])[0, 1] > 0.85
    held = (g - g.mean(axis=0)) @ calibration.one_by_one(np.ones((3, 3), dtype=bool)).T
    assert np.corrcoef(held[:, 1], y[:, 1])[0, 1] < np.corrcoef(apart[:, 1], y[:, 1])[0, 1]


def test_no_patient_lies_in_two_blocks() -> None:
    owners = [f"p{number % 37}" for number in range(500)]
    blocks = patient_blocks(owners)
    assert len({(owner, block) for owner, block in zip(owners, blocks, strict=True)}) == 37
    assert set(blocks) == set(range(BLOCKS)) and set(folds_of(blocks)) == set(range(FOLDS))
    assert (blocks == patient_blocks(owners)).all(), "the same in every run"
