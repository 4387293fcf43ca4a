"""The figures of a group: as scikit-learn has them, with intervals that hold their point and are never certain."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bench.drawn_rows import drawn_rows
from encoder.audit.rows import AuditRows
from encoder.audit.segments.figures import figures_of, mean_interval, shift_interval
from encoder.audit.segments.result import FIGURES
from encoder.audit.segments.sentences import between, percent, wrong
from kb.statistics.interval import Interval


def audit_rows(seed: int, n: int = 400, apart: float = 2.0) -> AuditRows:
    draw = np.random.default_rng(seed)
    truth = draw.random(n) < 0.3
    logit = np.where(truth, apart, -apart) + draw.standard_normal(n)
    return drawn_rows(truth, logit, np.arange(n) // 2)


def test_errors_and_ranking_are_those_of_the_rows() -> None:
    rows = audit_rows(1, apart=0.7)
    chosen = np.arange(len(rows)) % 3 == 0
    found = figures_of(rows, chosen, 0.5)
    truth, flagged = rows.truth[chosen], rows.score[chosen] >= 0.5
    assert (found.n, found.positives) == (chosen.sum(), truth.sum())
    assert found.sensitivity is not None and found.sensitivity.value == pytest.approx(flagged[truth].mean())
    assert found.specificity is not None and found.specificity.value == pytest.approx((~flagged[~truth]).mean())
    assert found.ppv is not None and found.ppv.value == pytest.approx(truth[flagged].mean())
    assert found.npv is not None and found.npv.value == pytest.approx((~truth[~flagged]).mean())
    assert found.alerts is not None and found.alerts.value == pytest.approx(flagged.mean())
    assert found.calibration is not None
    assert found.calibration.value == pytest.approx((truth - rows.score[chosen]).mean())
    assert found.auroc is not None and found.auroc.value == pytest.approx(roc_auc_score(truth, rows.logit[chosen]))
    assert (found.false_alarms, found.missed) == ((flagged & ~truth).sum(), (truth & ~flagged).sum())


def test_background_and_subgroup_are_crossed_as_borkan_and_others_define_it() -> None:
    rows = audit_rows(2, apart=0.7)
    chosen = np.arange(len(rows)) % 4 == 0
    found = figures_of(rows, chosen, 0.5)
    positive_outside = (rows.truth & ~chosen) | (~rows.truth & chosen)
    assert found.bpsn is not None
    assert found.bpsn.value == pytest.approx(roc_auc_score(rows.truth[positive_outside], rows.logit[positive_outside]))
    assert found.bnsp is not None
    assert found.bnsp.value == pytest.approx(
        roc_auc_score(rows.truth[~positive_outside], rows.logit[~positive_outside])
    )


@pytest.mark.parametrize("apart", [0.3, 2.0, 50.0])
def test_every_interval_holds_its_point_and_none_is_certain(apart: float) -> None:
    rows = audit_rows(3, n=90, apart=apart)
    found = figures_of(rows, np.arange(90) < 45, 0.5)
    for name in FIGURES:
        interval = getattr(found, name)
        if name == "slope" and apart > 1:
            continue  # the truths lie apart: no slope is too steep
        assert interval is not None
        assert interval.low <= interval.value <= interval.high
        if name not in ("calibration", "slope"):
            assert 0 <= interval.low < interval.high <= 1, name


def test_what_has_no_rows_has_no_figure() -> None:
    rows = audit_rows(4)
    found = figures_of(rows, ~rows.truth, 0.5)
    assert (found.sensitivity, found.auroc, found.bnsp) == (None, None, None)
    assert found.specificity is not None and found.to_dict()["sensitivity_low"] is None


def test_the_mean_of_patients_who_are_alike_is_less_sure() -> None:
    draw = np.random.default_rng(5)
    values = np.repeat(draw.standard_normal(100), 4)
    apart, alike = mean_interval(values, np.arange(400)), mean_interval(values, np.repeat(np.arange(100), 4))
    assert apart is not None and alike is not None
    assert apart.value == alike.value
    assert alike.high - alike.low == pytest.approx(2 * (apart.high - apart.low), rel=0.1)
    assert mean_interval(values[:4], np.zeros(4, dtype=int)) is None


def test_a_shift_of_scores_is_told_at_the_same_truth() -> None:
    rows = audit_rows(6, n=2000)
    chosen = np.random.default_rng(0).random(2000) < np.where(rows.truth, 0.5, 0.1)
    found = shift_interval(rows, chosen)
    assert found is not None and found.low < 0 < found.high, "more positives in it are no shift"
    rows.logit[chosen] += 1.0
    found = shift_interval(rows, chosen)
    assert found is not None and found.low < 1.0 < found.high and found.low > 0.5


def test_no_interval_reads_as_a_point_however_narrow_it_is() -> None:
    narrow = Interval(0.99997, 0.99994, 0.99999)
    assert between(narrow) == "1.0000 (0.9999-1.0000)"
    assert between(Interval(0.713, 0.66, 0.75)) == "0.71 (0.66-0.75)"
    assert percent(Interval(0.123, 0.1, 0.15)) == "12.3 (10-15)"
    assert wrong(Interval(0.573, 0.53, 0.62)) == "42.7 % (38-47)"
    assert (between(None), percent(None), wrong(None)) == ("-", "-", "-")
