"""Calibration beyond chance, slope and intercept: they hold the truth, know of patients, and never explode."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from kb.statistics.calibration_beyond_chance import beyond_chance
from kb.statistics.p_values import told_p
from kb.statistics.recalibration import recalibrate
from tests.support.examples import examples

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]
MANY = 160
"""Samples of each setting: `python -m bench coverage` draws more, and states what it finds."""


def drawn(seed: int, *, rows: int = 300, images: int = 1, slope: float = 1.0, shift: float = 0.0) -> Sample:
    """Truths that come by chances, and scores whose logits are those of the chances, stretched and shifted."""
    random = np.random.default_rng(seed)
    patient = np.repeat(random.normal(size=(rows // images, 2)), images, axis=0).T
    own = random.normal(size=(2, rows))
    base, luck = patient if images == 1 else (patient + own) / math.sqrt(2)
    chances = expit(-1.5 + 1.5 * base)
    truth = luck < logit_normal(chances)
    return truth, expit(slope * logit(chances) + shift), np.repeat(np.arange(rows // images), images)


def logit_normal(chances: np.ndarray) -> np.ndarray:
    from scipy.stats import norm

    found: np.ndarray = norm.ppf(chances)
    return found


def true_error(*, slope: float, shift: float) -> float:
    """The ECE of so many rows that chance adds nothing, truth by its chance itself."""
    base = np.random.default_rng(0).normal(size=200_000)
    chances = np.sort(expit(-1.5 + 1.5 * base))
    gaps = expit(slope * logit(chances) + shift) - chances
    return float(np.abs(gaps.reshape(10, -1).mean(axis=1)).mean())


@pytest.mark.soak
@pytest.mark.parametrize("images", [1, 3], ids=["a patient a row", "three rows a patient"])
def test_a_calibrated_model_is_rarely_called_anything_else(images: int) -> None:
    held = significant = 0
    for seed in range(MANY):
        found = beyond_chance(*drawn(seed, images=images), draws=200)
        assert found is not None
        held += found.beyond.low == 0
        significant += found.p <= 0.05
        assert abs(found.error - found.by_chance) < 0.1
    assert held == MANY - significant, "the interval leaves 0 out where p says so"
    assert 0.9 <= held / MANY <= 0.99


@pytest.mark.soak
@pytest.mark.parametrize(
    ("slope", "shift", "images"), [(1.0, 0.8, 1), (2.0, 0.0, 1), (0.5, 0.0, 3)], ids=["high", "extreme", "timid"]
)
def test_the_error_of_a_miscalibrated_model_lies_in_its_interval(slope: float, shift: float, images: int) -> None:
    truth = true_error(slope=slope, shift=shift)
    found = [beyond_chance(*drawn(n, images=images, slope=slope, shift=shift), draws=200) for n in range(MANY)]
    held = [one is not None and one.beyond.low <= truth <= one.beyond.high for one in found]
    assert 0.88 <= np.mean(held) <= 0.99
    values = [one.beyond.value for one in found if one is not None]
    assert np.mean(values) == pytest.approx(truth, abs=0.012), "what chance adds is taken off"


@pytest.mark.parametrize("images", [1, 3])
def test_slope_intercept_and_calibration_in_the_large_cover(images: int) -> None:
    held = np.zeros(3)
    for seed in range(MANY):
        found = recalibrate(*drawn(seed, images=images, slope=0.5, shift=0.0))
        assert found.slope is not None and found.in_the_large is not None
        held[0] += found.slope.low <= 2 <= found.slope.high
        right = recalibrate(*drawn(seed, images=images))
        assert right.intercept is not None and right.in_the_large is not None
        held[1] += right.intercept.low <= 0 <= right.intercept.high
        held[2] += right.in_the_large.low <= 0 <= right.in_the_large.high
    assert (held / MANY >= 0.9).all() and (held / MANY <= 0.99).all()


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    truth, scores, clusters = drawn(1, slope=0.7, shift=0.4)
    fit = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(scores)[:, None], truth)
    found = recalibrate(truth, scores, clusters)
    assert found.slope is not None and found.intercept is not None
    assert found.slope.value == pytest.approx(fit.coef_[0, 0], abs=1e-5)
    assert expit(logit(scores) + found.intercept.value).mean() == pytest.approx(truth.mean(), abs=1e-9)


ODD = {
    "all positive": (np.ones(20, bool), np.linspace(0.1, 0.9, 20), "all rows are positive"),
    "0 and 1": (np.arange(20) < 9, (np.arange(20) < 11) * 1.0, "20 of 20 scores are 0 or 1, which have no logit"),
    "parted": (np.arange(20) < 9, np.linspace(0.9, 0.1, 20), "part positives from negatives"),
    "parted the wrong way": (np.arange(20) < 9, np.linspace(0.1, 0.9, 20), "part positives from negatives"),
    "one score": (np.arange(20) < 9, np.full(20, 0.3), "all scores are the same"),
}


@pytest.mark.parametrize("name", ODD)
def test_where_there_is_no_slope_the_reason_is_said(name: str) -> None:
    truth, scores, reason = ODD[name]
    found = recalibrate(truth, scores, np.arange(20))
    assert found.slope is None
    assert reason in found.reason
    assert found.in_the_large is not None and found.in_the_large.low < found.in_the_large.high


def test_a_row_in_a_hundred_may_have_no_logit_and_is_counted() -> None:
    truth, scores, clusters = drawn(4)
    scores[[3, 5]] = 0.0, 1.0
    found = recalibrate(truth, scores, clusters)
    assert (found.left_out, found.reason) == (2, "")
    others = np.delete(np.arange(300), [3, 5])
    assert found.slope == recalibrate(truth[others], scores[others], clusters[others]).slope
    scores[:10] = 0.0
    assert "scores are 0 or 1" in recalibrate(truth, scores, clusters).reason


def test_logits_stand_in_for_scores_that_are_all_1_as_numbers() -> None:
    truth, scores, clusters = drawn(2)
    far = logit(scores) * 30
    found = recalibrate(truth, expit(far), clusters, logits=far)
    assert found.slope is not None
    assert 0.02 < found.slope.value < 0.05


rows = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=examples(150))
@given(rows, st.integers(0, 1))
def test_every_interval_holds_its_point_and_is_finite(found: list[tuple[bool, int, int]], inside: int) -> None:
    truth, levels, clusters = (np.array(column) for column in zip(*found, strict=True))
    scores = (levels + inside) / (6 + 2 * inside)
    beyond = beyond_chance(truth, scores, clusters, draws=30)
    assert beyond is not None
    assert 0 <= beyond.beyond.low <= beyond.beyond.value <= beyond.beyond.high <= 1
    assert 0 < beyond.p <= 1
    assert 0 <= beyond.by_chance <= 1
    calibration = recalibrate(truth, scores, clusters)
    for one in (calibration.slope, calibration.intercept, calibration.in_the_large):
        if one is not None:
            assert np.isfinite(one).all()
            assert one.low <= one.value <= one.high
    assert (calibration.slope is None or calibration.intercept is None) == bool(calibration.reason)


def test_a_p_that_no_draw_came_near_is_below_its_floor() -> None:
    found = beyond_chance(*drawn(3, shift=3.0), draws=499)
    assert found is not None and found.p_is_floor and found.p == pytest.approx(0.002)
    assert (told_p(found.p, is_floor=True), told_p(0.0134), told_p(0.0001), told_p(None)) == (
        "<0.002",
        "0.013",
        "<0.001",
        "",
    )
    again = beyond_chance(*drawn(3, shift=3.0), draws=499)
    assert again == found, "the same seed gives the same figures"
