"""The ridge regression from moments: the same as one that sees every row, and judged on patients it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from encoder.space.fitted.folds import BLOCKS, FOLDS, folds_of, patient_blocks
from encoder.space.fitted.ridge import PENALTIES, GroupedRidge


def data(seed: int = 0, n: int = 300, d: int = 12, t: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = (draw.standard_normal((n, d)) + 50).astype(np.float32)
    y = x @ draw.standard_normal((d, t)) + 3 * draw.standard_normal((n, t)) + 7
    return x, y, folds_of(patient_blocks([f"p{number // 2}" for number in range(n)]))


def by_sklearn(x: np.ndarray, y: np.ndarray, penalty: float) -> Ridge:
    spread = np.cov(x.T.astype(np.float64), bias=True) * len(x)
    return Ridge(alpha=penalty * float(np.trace(spread)) / x.shape[1]).fit(x.astype(np.float64), y)


def test_it_is_the_ridge_regression_of_every_row() -> None:
    x, y, folds = data()
    ridge = GroupedRidge(x, y, folds)
    found, expected = ridge.whole(), by_sklearn(x, y, ridge.penalty)
    assert found.weights == pytest.approx(expected.coef_.T, abs=1e-6)
    predicted = found.mean_y + (x - found.mean_x) @ found.weights
    assert predicted == pytest.approx(expected.predict(x), abs=1e-5)


def test_the_penalty_is_the_one_that_tells_patients_left_out_best() -> None:
    x, y, folds = data(1, n=60, d=40)
    errors = []
    for penalty in PENALTIES:
        left = [
            y[folds == k] - by_sklearn(x[folds != k], y[folds != k], penalty).predict(x[folds == k]) for k in range(5)
        ]
        errors.append(float((np.concatenate(left) ** 2 / y.var(axis=0)).sum()))
    chosen = GroupedRidge(x, y, folds).penalty
    assert chosen == PENALTIES[int(np.argmin(errors))] and len(set(np.round(errors, 3))) > 3


def test_no_row_is_judged_by_a_map_that_has_seen_its_fold() -> None:
    x, y, folds = data(2)
    ridge = GroupedRidge(x, y, folds)
    met = np.zeros(len(x), dtype=int)
    for rows, found in ridge.left_out():
        others = np.setdiff1d(np.arange(len(x)), rows)
        assert found.weights == pytest.approx(by_sklearn(x[others], y[others], ridge.penalty).coef_.T, abs=1e-6)
        met[rows] += 1
    assert (met == 1).all()


def test_a_sparse_matrix_of_targets_is_the_same() -> None:
    x, y, folds = data(3)
    marks = (y > y.mean(axis=0)).astype(np.float64)
    dense, thin = GroupedRidge(x, marks, folds), GroupedRidge(x, sparse.csr_matrix(marks), folds)
    assert dense.penalty == thin.penalty
    assert dense.whole().weights == pytest.approx(thin.whole().weights, abs=1e-9)


def test_no_patient_lies_in_two_blocks() -> None:
    owners = [f"p{number % 37}" for number in range(500)]
    blocks = patient_blocks(owners)
    assert len({(owner, block) for owner, block in zip(owners, blocks, strict=True)}) == 37
    assert set(blocks) == set(range(BLOCKS)) and set(folds_of(blocks)) == set(range(FOLDS))
    assert (blocks == patient_blocks(owners)).all(), "the same in every run"
