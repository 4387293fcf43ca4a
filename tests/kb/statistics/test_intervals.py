"""Intervals of shares and of AUROCs: they hold their estimate, know of patients, and cover what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import t_quantile
from kb.statistics.shares import difference_interval, share_interval, wilson

rows = st.lists(
    st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 4)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(rows)
def test_an_interval_holds_its_estimate_and_stays_where_estimates_can_be(found):
    truth, scores, clusters = (np.array(column) for column in zip(*found, strict=True))
    share = share_interval(truth, clusters)
    assert share is not None
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.low < share.high, "no sample is so small that it is certain"
    auroc = auroc_interval(truth, scores, clusters)
    if truth.all() or not truth.any():
        assert auroc is None
    else:
        assert auroc is not None
        assert auroc.value == pytest.approx(roc_auc_score(truth, scores))
        assert 0 <= auroc.low <= auroc.value <= auroc.high <= 1
        assert auroc.low < auroc.high


@settings(deadline=None)
@given(rows)
def test_each_row_twice_under_its_patient_says_no_more_than_once(found):
    truth, scores, _ = (np.array(column) for column in zip(*found, strict=True))
    alone, patients = np.arange(len(truth)), np.repeat(np.arange(len(truth)), 2)
    once, twice = share_interval(truth, alone), share_interval(np.repeat(truth, 2), patients)
    assert once is not None
    assert twice is not None
    assert twice.high - twice.low >= once.high - once.low - 1e-9
    ranked, again = (
        auroc_interval(truth, scores, alone),
        auroc_interval(np.repeat(truth, 2), np.repeat(scores, 2), patients),
    )
    if ranked is not None and min(truth.sum(), (~truth).sum()) > 2:
        assert again is not None
        assert again.high - again.low >= 0.95 * (ranked.high - ranked.low)


def test_wilson_is_that_of_the_textbook():
    # Newcombe (1998), table I: 81 of 263 and 0 of 20.
    assert wilson(81 / 263, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20)[1:] == pytest.approx((0, 0.1611), abs=1e-4)


def test_a_difference_of_shares_is_that_of_the_textbook():
    # Newcombe (1998), table II, method 10: 56 of 70 less 48 of 80.
    found = difference_interval(wilson(56 / 70, 70), wilson(48 / 80, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_a_perfect_ranking_is_no_certainty():
    truth = np.arange(20) < 7
    found = auroc_interval(truth, truth.astype(float), np.arange(20))
    assert found is not None
    assert found.value == found.high == 1
    assert 0.6 < found.low < 0.9


@pytest.mark.parametrize("freedom", [3, 6, 12, 99])
def test_the_quantile_of_t_is_near_the_exact_one(freedom):
    assert t_quantile(freedom) == pytest.approx(t.ppf(0.975, freedom), abs=0.03 if freedom < 6 else 0.002)


def draw(random: np.random.Generator, patients: int, images: int, positives: int | None) -> tuple[np.ndarray, ...]:
    clusters = np.repeat(np.arange(patients), images)
    alike = random.permutation(patients) < positives if positives else random.random(patients) < 0.2
    truth = np.repeat(alike, images)
    own = np.repeat(random.normal(size=patients), images)
    noise = own if images == 1 else (own + random.normal(size=patients * images)) / math.sqrt(2)
    return truth, noise, clusters


@pytest.mark.parametrize(
    ("patients", "images", "positives", "auroc"),
    [(300, 1, None, 0.85), (100, 3, None, 0.85), (200, 1, 12, 0.95)],
    ids=["300 rows", "100 patients of 3 images", "12 positives of 200"],
)
def test_the_interval_of_an_auroc_covers(patients, images, positives, auroc):
    random = np.random.default_rng(5)
    apart = math.sqrt(2) * norm.ppf(auroc)
    held = 0
    for _ in range(400):
        truth, noise, clusters = draw(random, patients, images, positives)
        found = auroc_interval(truth, noise + apart * truth, clusters)
        assert found is not None
        held += found.low <= auroc <= found.high
    assert 0.93 <= held / 400 <= 0.985


@pytest.mark.parametrize(("patients", "images"), [(60, 1), (20, 3), (100, 3)])
def test_the_interval_of_a_share_covers(patients, images):
    random = np.random.default_rng(6)
    held = 0
    for _ in range(400):
        _, noise, clusters = draw(random, patients, images, None)
        found = share_interval(noise < norm.ppf(0.8), clusters)
        assert found is not None
        held += found.low <= 0.8 <= found.high
    assert 0.93 <= held / 400 <= 0.985
