"""Every concept from moments: as from all scores, patients as clusters, against the bulk, FDR-controlled."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from encoder.audit.confounders.concept_tests import bulk_of, p_values, test_concepts
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.moments import Cohort, moments_of
from kb.errors import UsageError
from tests.support.plain_tests import explicit_tests, random_cohort

FIELDS = ("spread", "lean", "lean_error", "shift", "shift_error")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 5]), st.integers(2, 9))
def test_moments_say_what_the_matrix_of_all_scores_says(seed: int, per_patient: int, dimension: int) -> None:
    cohort = random_cohort(seed, dimension=dimension, per_patient=per_patient)
    concepts = np.random.default_rng(seed + 1).standard_normal((7, dimension))
    ours, plain = test_concepts(moments_of(cohort), concepts), explicit_tests(cohort, concepts)
    for name in FIELDS:
        assert getattr(ours, name) == pytest.approx(getattr(plain, name), rel=2e-4, abs=2e-5), name


def test_images_in_parts_are_the_same_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = random_cohort(3, images=200, per_patient=7)
    concepts = np.eye(6)
    whole = test_concepts(moments_of(cohort), concepts)
    monkeypatch.setattr(import_module("encoder.audit.confounders.moments"), "AT_ONCE", 16)
    monkeypatch.setattr(import_module("encoder.audit.confounders.concept_tests"), "AT_ONCE", 2)
    parts = test_concepts(moments_of(cohort), concepts)
    for name in FIELDS:
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-5)


def test_the_same_images_again_of_the_same_patients_make_nothing_surer() -> None:
    cohort = random_cohort(5)
    twice = Cohort(
        *(np.concatenate([part, part]) for part in (cohort.vectors, cohort.truth, cohort.logit, cohort.owners))
    )
    once, again = (test_concepts(moments_of(one), np.eye(6)) for one in (cohort, twice))
    assert again.lean == pytest.approx(once.lean, rel=1e-2)
    assert again.lean_error == pytest.approx(once.lean_error, rel=2e-2)
    assert again.shift_error == pytest.approx(once.shift_error, rel=2e-2)
    others = Cohort(twice.vectors, twice.truth, twice.logit, np.concatenate([cohort.owners, cohort.owners + 1_000]))
    apart = test_concepts(moments_of(others), np.eye(6))
    assert np.all(apart.shift_error < 0.8 * once.shift_error)


def test_beyond_the_disease_is_what_regression_on_its_scores_leaves() -> None:
    cohort = random_cohort(7, images=400)
    draw = np.random.default_rng(8)
    disease, concepts = draw.standard_normal((6, 2)), draw.standard_normal((5, 6))
    found = test_concepts(moments_of(cohort).beyond(disease), concepts)
    told = cohort.vectors @ disease
    design = np.column_stack([np.ones(len(cohort)), cohort.truth, told])
    fitted = np.linalg.lstsq(design, cohort.vectors @ concepts.T, rcond=None)[0]
    assert found.shift * found.spread == pytest.approx(fitted[1], rel=1e-3, abs=1e-4)
    own = test_concepts(moments_of(cohort).beyond(disease), disease.T)
    assert own.shift == pytest.approx(np.zeros(2), abs=1e-4)


@settings(deadline=None)
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=60))
def test_q_values_are_those_of_scipy(p: list[float]) -> None:
    assert q_values(np.array(p)) == pytest.approx(false_discovery_control(p), rel=1e-9)
    with_gap = np.array([np.nan, *p])
    assert np.isnan(q_values(with_gap)[0])
    assert q_values(with_gap)[1:] == pytest.approx(false_discovery_control(p), rel=1e-9)
    assert np.all(q_values(np.array(p), families=3) >= false_discovery_control(p) - 1e-12)


def test_what_leans_like_all_others_is_not_called_and_what_stands_out_is() -> None:
    draw = np.random.default_rng(0)
    estimates, errors = draw.normal(0.1, 0.1, 400), np.full(400, 0.02)
    estimates[7] = 0.9
    groups = np.arange(400) // 2
    against_zero = q_values(p_values(estimates, errors))
    bulk = bulk_of(estimates, errors, groups)
    against_bulk = q_values(p_values(estimates, errors, bulk))
    assert (against_zero < 0.05).sum() > 250
    assert against_bulk[7] < 1e-4 and (against_bulk < 0.05).sum() <= 2
    assert (
        bulk is not None and bulk.centre == pytest.approx(0.1, abs=0.03) and bulk.width == pytest.approx(0.1, abs=0.03)
    )


def test_a_finding_of_many_concepts_has_one_vote() -> None:
    draw = np.random.default_rng(1)
    estimates = np.concatenate([draw.normal(0, 0.1, 40), np.full(400, 0.8)])
    groups = np.concatenate([np.arange(40), np.full(400, 40)])
    bulk = bulk_of(estimates, np.full(440, 0.01), groups)
    assert bulk is not None and abs(bulk.centre) < 0.06 and bulk.width < 0.2
    assert bulk_of(estimates[:5], np.full(5, 0.01), groups[:5]) is None


@pytest.mark.parametrize(
    ("truth", "logit", "owners", "message"),
    [
        ([1, 0, 0, 0], [1, 2, 3, 4], [0, 1, 2, 3], "1 positives and 3 negatives"),
        ([1, 1, 0, 0], [1, 2, 3, 4], [0, 0, 0, 0], "of 1 patients"),
        ([1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 2, 3], "says the same of all images of one truth"),
    ],
)
def test_too_little_says_so(truth: list[int], logit: list[float], owners: list[int], message: str) -> None:
    cohort = Cohort(np.eye(4, dtype=np.float32), np.array(truth, bool), np.array(logit, float), np.array(owners))
    with pytest.raises(UsageError, match=message):
        moments_of(cohort)
