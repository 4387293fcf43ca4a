"""The figures against scikit-learn, under ties and weights; thresholds, calibration, resampling."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from encoder.evaluation.thresholds import at_threshold, choose_threshold
from kb.statistics.calibration import brier, calibration_error, equal_mass_bins, reliability
from kb.statistics.ranking import Ranking, sensitivity_at
from kb.statistics.resampling import interval, multiplicities, resampled, two_sided_p

SAMPLES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 8).map(lambda n: n / 8), st.integers(0, 3)), min_size=2, max_size=60
)


def arrays(sample: list[tuple[bool, float, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth, scores, weights = (np.array(column) for column in zip(*sample, strict=True))
    assume(weights[truth].sum() > 0 and weights[~truth].sum() > 0)
    return truth, scores, weights


class TestAgainstScikitLearn:
    @settings(deadline=None, max_examples=150)
    @given(SAMPLES)
    def test_ranking_with_ties_and_weights(self, sample: list[tuple[bool, float, int]]) -> None:
        truth, scores, weights = arrays(sample)
        auroc, auprc = Ranking(truth, scores).scores_of(weights)
        assert auroc == pytest.approx(metrics.roc_auc_score(truth, scores, sample_weight=weights), abs=1e-12)
        assert auprc == pytest.approx(metrics.average_precision_score(truth, scores, sample_weight=weights), abs=1e-12)

    @pytest.mark.soak
    @settings(deadline=None, max_examples=100)
    @given(SAMPLES, st.integers(0, 9).map(lambda n: n / 8))
    def test_at_a_threshold(self, sample: list[tuple[bool, float, int]], threshold: float) -> None:
        truth, scores, weights = arrays(sample)
        found = at_threshold(truth, scores, threshold, weights=weights)
        told = {"y_true": truth, "y_pred": scores >= threshold, "sample_weight": weights}
        assert found["f1"] == pytest.approx(metrics.f1_score(**told, zero_division=0), abs=1e-12)
        assert found["mcc"] == pytest.approx(metrics.matthews_corrcoef(**told), abs=1e-9)
        assert found["sensitivity"] == pytest.approx(metrics.recall_score(**told), abs=1e-12)
        assert found["specificity"] == pytest.approx(metrics.recall_score(**told, pos_label=0), abs=1e-12)
        assert brier(truth, scores, weights) == pytest.approx(
            metrics.brier_score_loss(truth, scores, sample_weight=weights), abs=1e-12
        )

    @settings(deadline=None, max_examples=60)
    @given(SAMPLES)
    def test_weights_are_rows_told_again(self, sample: list[tuple[bool, float, int]]) -> None:
        truth, scores, weights = arrays(sample)
        again = np.repeat(np.arange(len(truth)), weights)
        ones, bins = np.ones(len(again)), equal_mass_bins(scores)
        told = Ranking(truth[again], scores[again]).scores_of(ones)
        assert np.allclose(Ranking(truth, scores).scores_of(weights), told, atol=1e-12)
        assert calibration_error(truth, scores, weights, bins=bins) == pytest.approx(
            calibration_error(truth[again], scores[again], ones, bins=bins[again]), abs=1e-12
        )

    def test_many_weightings_at_once_are_each_of_them(self) -> None:
        random = np.random.default_rng(0)
        truth, scores = random.random(200) < 0.3, random.random(200).round(2)
        weights = random.integers(0, 3, (7, 200))
        ranking = Ranking(truth, scores)
        for at, (auroc, auprc) in enumerate(zip(*ranking.scores_of(weights), strict=True)):
            assert np.allclose((auroc, auprc), ranking.scores_of(weights[at]))

    def test_one_class_has_no_auroc(self) -> None:
        auroc, auprc = Ranking(np.array([True, True]), np.array([0.1, 0.2])).scores_of(np.ones(2))
        assert np.isnan(auroc) and np.isnan(auprc)

    def test_the_curve_is_scikit_learns(self) -> None:
        random = np.random.default_rng(1)
        truth, scores = random.random(300) < 0.4, random.random(300).round(2)
        curve = Ranking(truth, scores).curve()
        fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
        assert np.allclose(curve.false_positive_rate, fpr) and np.allclose(curve.sensitivity, tpr)
        assert sensitivity_at(curve, 1 - float(fpr[40])) == pytest.approx(tpr[fpr == fpr[40]].max())


class TestThresholds:
    @pytest.mark.parametrize("by", ["youden", "f1"])
    def test_none_is_better(self, by: str) -> None:
        random = np.random.default_rng(2)
        truth = random.random(120) < 0.3
        scores = (truth * 0.3 + random.random(120)).round(1)

        def worth(threshold: float) -> float:
            found = at_threshold(truth, scores, threshold, weights=np.ones(120))
            return float(found["f1"] if by == "f1" else found["sensitivity"] + found["specificity"] - 1)

        chosen = choose_threshold(truth, scores, by)  # type: ignore[arg-type]
        assert worth(chosen) == pytest.approx(max(worth(float(score)) for score in scores))


class TestCalibration:
    def test_bins_hold_equally_many_and_ties_stay_together(self) -> None:
        scores = np.random.default_rng(3).random(1000)
        assert set(np.bincount(equal_mass_bins(scores))) == {100}
        tied = equal_mass_bins(np.array([0.1] * 6 + [0.2] * 4))
        assert len(set(tied[:6])) == len(set(tied[6:])) == 1

    def test_the_error_is_the_gap_of_each_bin(self) -> None:
        scores = np.repeat([0.2, 0.8], 50)
        truth = np.concatenate([np.arange(50) < 20, np.arange(50) < 40])
        bins = equal_mass_bins(scores)
        assert calibration_error(truth, scores, np.ones(100), bins=bins) == pytest.approx(0.1)
        means, shares = reliability(truth, scores, bins)
        assert means.tolist() == pytest.approx([0.2, 0.8]) and shares.tolist() == pytest.approx([0.4, 0.8])


class TestResampling:
    def test_every_resample_draws_as_many_patients_as_there_are(self) -> None:
        drawn = multiplicities(50, 20, seed=1)
        assert drawn.shape == (20, 50) and (drawn.sum(axis=1) == 50).all()
        assert (multiplicities(50, 20, seed=1) == drawn).all() and (multiplicities(50, 20, seed=2) != drawn).any()

    def test_rows_of_one_patient_make_a_wider_interval_than_rows_alone_would(self) -> None:
        random = np.random.default_rng(4)
        patient = np.repeat(np.arange(60), 8)
        truth = np.repeat(random.random(60) < 0.4, 8)
        scores = np.repeat(random.normal(0, 1, 60), 8) + truth + random.normal(0, 0.2, 480)
        ranking = Ranking(truth, scores)
        widths = []
        for clusters in (patient, np.arange(480)):
            drawn = multiplicities(len(set(clusters)), 400)
            found = resampled(drawn, clusters, lambda weights: {"auroc": ranking.scores_of(weights)[0]})
            low, high = interval(found["auroc"]) or (0, 0)
            widths.append(high - low)
        assert widths[0] > 2 * widths[1]

    def test_intervals_cover_the_truth_about_as_often_as_they_say(self) -> None:
        from math import erf

        truth_auroc, covered = (1 + erf(0.5)) / 2, 0  # normals 1 apart: Phi(1 / sqrt 2)
        random = np.random.default_rng(5)
        for trial in range(60):
            truth = np.repeat(random.random(60) < 0.5, 2)
            scores = truth + random.normal(0, 1, 60).repeat(2)
            ranking = Ranking(truth, scores)
            drawn = multiplicities(60, 200, seed=trial)
            found = resampled(drawn, np.arange(60).repeat(2), lambda w, r=ranking: {"auroc": r.scores_of(w)[0]})
            low, high = interval(found["auroc"]) or (0, 0)
            covered += low <= truth_auroc <= high
        assert covered >= 51

    def test_ten_thousand_rows_a_thousand_times_take_seconds(self) -> None:
        random = np.random.default_rng(6)
        truth, scores = random.random(10_000) < 0.1, random.random(10_000)
        ranking, began = Ranking(truth, scores), time.perf_counter()
        drawn = multiplicities(5_000, 1000)
        found = resampled(drawn, np.arange(10_000) // 2, lambda w: {"auroc": ranking.scores_of(w)[0]})
        assert len(found["auroc"]) == 1000
        assert time.perf_counter() - began < 10

    def test_p_and_interval_of_nothing(self) -> None:
        assert interval(np.array([np.nan])) is None and two_sided_p(np.array([])) is None
        assert two_sided_p(np.linspace(-1, 1, 999)) == pytest.approx(1.0, abs=0.01)
        assert two_sided_p(np.ones(999)) == pytest.approx(0.002)
