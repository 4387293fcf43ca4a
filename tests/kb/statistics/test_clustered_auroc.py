"""The AUROC with an interval that knows patients, without resampling."""

from __future__ import annotations

import numpy as np
import pytest

from kb.statistics.clustered_auroc import clustered_auroc
from kb.statistics.delong import Z95, covariance
from kb.statistics.ranking import Ranking


def scored(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    truth = draw.random(n) < 0.3
    return truth, np.round(draw.standard_normal(n) + truth, 1)


def width_of_logit(interval: tuple[float, float, float]) -> float:
    low, high = (np.log(one / (1 - one)) for one in interval[1:])
    return float(high - low)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_auroc_and_delongs_error_where_every_row_is_a_patient(seed: int) -> None:
    truth, scores = scored(seed)
    found = clustered_auroc(truth, scores, np.arange(len(truth)))
    assert found.value == pytest.approx(Ranking(truth, scores).auroc, abs=1e-12)
    (auroc,), ((variance,),) = covariance(truth, scores[None, :])
    expected = 2 * Z95 * np.sqrt(variance) / (auroc * (1 - auroc))
    assert width_of_logit(found) == pytest.approx(expected, rel=0.02)
    assert found.low < found.value < found.high


def test_rows_told_three_times_tell_no_more() -> None:
    truth, scores = scored(9)
    once = clustered_auroc(truth, scores, np.arange(len(truth)))
    thrice = clustered_auroc(np.tile(truth, 3), np.tile(scores, 3), np.tile(np.arange(len(truth)), 3))
    assert tuple(thrice) == pytest.approx(tuple(once), abs=1e-9)


def test_a_perfect_order_of_few_is_no_certainty() -> None:
    truth = np.array([True] * 6 + [False] * 40)
    found = clustered_auroc(truth, truth.astype(float), np.arange(46))
    assert found.value == found.high == 1.0 and found.low < 0.9
