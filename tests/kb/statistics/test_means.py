"""Intervals of means: they hold their mean, know of patients, and cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from kb.statistics.means import mean_difference, mean_interval

numbers = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.booleans()), min_size=1, max_size=40)


@given(numbers)
def test_an_interval_holds_its_mean_and_there_is_none_of_one_patient(rows):
    values, clusters, later = (np.array(column) for column in zip(*rows, strict=True))
    found = mean_interval(values, clusters)
    if len(set(clusters)) < 2:
        assert found is None
    else:
        assert found is not None and found.low <= found.value <= found.high
        assert found.value == pytest.approx(values.mean())
    difference = mean_difference(values, later, clusters)
    if difference is not None:
        assert difference.value == pytest.approx(values[later].mean() - values[~later].mean())
        turned = mean_difference(values, ~later, clusters)
        assert turned is not None
        assert (turned.low, turned.high) == (pytest.approx(-difference.high), pytest.approx(-difference.low))


def test_of_independent_rows_it_is_the_usual_interval() -> None:
    values = np.random.default_rng(0).normal(0.3, 0.1, 50)
    found, usual = mean_interval(values, np.arange(50)), ttest_1samp(values, 0).confidence_interval()
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(usual.low, abs=1e-4), pytest.approx(usual.high, abs=1e-4))


def test_nineteen_of_twenty_hold_the_truth_where_rows_of_a_patient_are_alike() -> None:
    draw = np.random.default_rng(1)
    clusters = np.repeat(np.arange(60), 4)
    later = np.arange(240) % 4 >= 2
    held = apart = 0
    for _ in range(300):
        values = draw.normal(0, 1, 60)[clusters] + draw.normal(0, 0.5, 240)
        mean, difference = mean_interval(values, clusters), mean_difference(values, later, clusters)
        assert mean is not None and difference is not None
        held += mean.low <= 0 <= mean.high
        apart += difference.low <= 0 <= difference.high
    assert 0.92 <= held / 300 <= 0.98
    assert 0.92 <= apart / 300 <= 0.98
