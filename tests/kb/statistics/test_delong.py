"""DeLong's test by midranks against the definition, pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kb.statistics.delong import covariance, delong_test, midranks
from tests.support.examples import examples


def by_pairs(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs and their covariance as DeLong, DeLong and Clarke-Pearson (1988) define them: O(n^2)."""
    aurocs, v10, v01 = [], [], []
    for model in scores:
        x, y = model[truth], model[~truth]
        psi = (x[:, None] > y).astype(float) + 0.5 * (x[:, None] == y)
        aurocs.append(psi.mean())
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    return np.array(aurocs), np.cov(v10) / len(v10[0]) + np.cov(v01) / len(v01[0])


@settings(deadline=None, max_examples=examples(60))
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6)),
        min_size=4,
        max_size=50,
    )
)
def test_it_is_the_definition_with_ties_too(sample: list[tuple[bool, int, int]]) -> None:
    truth = np.array([row[0] for row in sample])
    assume(truth.sum() >= 2 and (~truth).sum() >= 2)
    scores = np.array([[row[1] for row in sample], [row[2] for row in sample]], dtype=float)
    for found, told in zip(covariance(truth, scores), by_pairs(truth, scores), strict=True):
        assert np.allclose(found, told, atol=1e-12)


def test_difference_interval_and_p() -> None:
    random = np.random.default_rng(0)
    truth = random.random(300) < 0.3
    good, bad = truth + random.normal(0, 1, 300), 0.3 * truth + random.normal(0, 1, 300)
    aurocs, spread = by_pairs(truth, np.stack([good, bad]))
    error = math.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    found = delong_test(truth, good, bad)
    assert found.difference == pytest.approx(aurocs[0] - aurocs[1])
    assert (found.low, found.high) == pytest.approx(
        (found.difference - 1.959964 * error, found.difference + 1.959964 * error), abs=1e-6
    )
    assert found.p == pytest.approx(math.erfc(found.difference / error / math.sqrt(2)))
    assert found.p is not None and found.p < 0.01
    back = delong_test(truth, bad, good)
    assert back.difference == pytest.approx(-found.difference) and back.p == pytest.approx(found.p)


def test_a_model_beside_itself() -> None:
    truth = np.arange(20) % 3 == 0
    scores = np.random.default_rng(1).random(20)
    assert delong_test(truth, scores, scores).p == 1
    assert delong_test(truth, scores, 2 * scores).difference == 0


def test_two_models_of_which_each_ranks_all_rows_alike_are_not_certain_to_differ() -> None:
    truth = np.arange(20) < 8
    right, wrong = truth.astype(float), 1.0 - truth
    assert delong_test(truth, right, wrong) == (1.0, None, None, None)
    assert delong_test(truth, right, right * 2) == (0.0, None, None, 1.0)


def test_midranks_share() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1, 3.5, 2]
