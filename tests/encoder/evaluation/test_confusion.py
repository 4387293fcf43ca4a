"""Counts of what is called positive, and the shares they make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.evaluation.confusion import confusion_of

ROWS = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


@given(ROWS)
def test_counts_sum_to_the_rows_and_shares_lie_within_their_intervals(rows: list[tuple[bool, bool, int]]) -> None:
    truth, called, clusters = (np.array(column) for column in zip(*rows, strict=True))
    found = confusion_of(truth, called, clusters)
    assert found.n == len(rows) and found.positives == truth.sum() and found.called == called.sum()
    for one in (found.sensitivity, found.specificity, found.ppv, found.npv, found.alerts):
        assert one is None or 0 <= one.low <= one.value <= one.high <= 1
    assert (found.sensitivity is None) == (not truth.any())
    assert (found.ppv is None) == (not called.any())


def test_shares_are_those_of_the_table() -> None:
    truth = np.repeat([True, False], (10, 90))
    called = np.concatenate([np.arange(10) < 8, np.arange(90) < 9])
    found = confusion_of(truth, called, np.arange(100))
    shares = [found.sensitivity, found.specificity, found.ppv, found.npv, found.alerts]
    assert [one.value for one in shares if one] == pytest.approx([0.8, 0.9, 8 / 17, 81 / 83, 0.17])
