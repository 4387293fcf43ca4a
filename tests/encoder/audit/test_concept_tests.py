"""Every concept from moments: as from all scores, patients as clusters, against the bulk, FDR-controlled."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from encoder.audit.confounders.concept_tests import bulk_of, p_values, test_concept, test_concepts
from encoder.audit.confounders.erasing import centred
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.moments import Cohort, Deviations, moments_of
from encoder.audit.confounders.own_part import EVEN, own_part
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


def test_one_concept_alone_is_tested_as_among_others() -> None:
    moments, concepts = moments_of(random_cohort(4)), np.random.default_rng(2).standard_normal((5, 6))
    together = test_concepts(moments, concepts)
    for at in range(5):
        alone, row = test_concept(moments, concepts[at]), together.row(at)
        for name in FIELDS:
            assert getattr(alone, name) == pytest.approx(getattr(row, name), rel=1e-4)


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


def test_the_own_part_of_a_score_is_what_regression_on_the_disease_leaves_of_its_matched_filter() -> None:
    cohort = random_cohort(7, images=400)
    draw = np.random.default_rng(8)
    disease, concepts = draw.standard_normal((6, 2)), draw.standard_normal((5, 6))
    own = own_part(Deviations.of(cohort), disease)
    found = test_concepts(own.moments, concepts)
    within = moments_of(cohort).within
    even = np.trace(within) / 6
    filtered = np.linalg.inv((1 - EVEN) * within / even + EVEN * np.eye(6))
    design = np.column_stack([np.ones(len(cohort)), cohort.truth, cohort.vectors @ filtered @ disease])
    fitted = np.linalg.lstsq(design, cohort.vectors @ filtered @ concepts.T, rcond=None)[0]
    assert found.shift * found.spread == pytest.approx(fitted[1], rel=1e-3, abs=1e-4)
    scores = np.stack([cohort.vectors @ own.direction(concept) for concept in concepts], axis=1)
    for number in range(5):
        beyond, said = centred(scores[:, number], cohort.truth), centred(cohort.logit, cohort.truth)
        assert found.lean[number] == pytest.approx(np.corrcoef(beyond, said)[0, 1], abs=0.02)
        assert found.spread[number] == pytest.approx(beyond.std(), rel=0.01)
    assert test_concepts(own.moments, disease.T).spread == pytest.approx(np.zeros(2), abs=1e-3)


def test_the_errors_of_own_parts_are_their_spread_over_samples() -> None:
    draw = np.random.default_rng(1)
    mixing, concepts = draw.standard_normal((6, 6)), draw.standard_normal((8, 6))
    direction = draw.standard_normal(6)
    lean, shift, errors = [], [], []
    for _ in range(250):
        truth = draw.random(200) < 0.4
        owners = np.arange(200) // 2
        person = draw.standard_normal((100, 6))[owners]
        vectors = (draw.standard_normal((200, 6)) + person) @ mixing + np.outer(truth, direction)
        logit = vectors @ direction + 3 * draw.standard_normal(200) + 2 * truth
        cohort = Cohort(vectors.astype(np.float32), truth, logit, owners)
        own = own_part(Deviations.of(cohort), direction[:, None])
        tests = test_concepts(own.moments, concepts)
        lean.append(tests.lean)
        shift.append(tests.shift)
        errors.append([tests.lean_error, tests.shift_error])
    for values, error in zip((lean, shift), np.mean(errors, axis=0), strict=True):
        ratio = float(np.mean(np.std(values, axis=0) / error))
        assert 0.85 < ratio < 1.15, ratio


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
