"""The scan over time: patients stay together when they are exchanged, what changed is found, what did not is not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from encoder.audit.drift.audit import DriftOptions, find_drift
from encoder.audit.drift.exchange import Exchange
from encoder.audit.drift.measures import measures_of, ranked_within_periods
from encoder.audit.drift.scan import scan
from kb.errors import UsageError
from tests.support.drifting import CHANGED, MONTHS, drifting_rows

OPTIONS = DriftOptions(permutations=399)


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(2, 30))
def test_patients_of_as_many_rows_are_given_the_periods_of_one_another(seed: int, rows: int, patients: int) -> None:
    draw = np.random.default_rng(seed)
    owners = draw.permutation(np.repeat(np.arange(patients), rows))
    at = draw.integers(0, 5, len(owners))

    def sets(periods: np.ndarray) -> Counter[tuple[int, ...]]:
        return Counter(tuple(sorted(periods[owners == one])) for one in range(patients))

    drawn = Exchange(at, owners, seed).draw()
    assert sets(drawn) == sets(at)


@given(st.integers(0, 1000))
def test_patients_of_unlike_numbers_are_given_periods_in_the_order_of_time(seed: int) -> None:
    draw = np.random.default_rng(seed)
    owners = np.repeat(np.arange(6), [1, 2, 3, 5, 8, 13])
    at = draw.integers(0, 4, len(owners))
    drawn = Exchange(at, owners, seed).draw()
    assert set(drawn) <= set(at)
    for one in range(6):
        before, after = at[owners == one], drawn[owners == one]
        order = np.argsort(before, kind="stable")
        assert (np.diff(after[order].astype(int)) >= 0).all()


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60))
def test_the_auroc_of_a_period_is_that_of_its_own_rows_ties_and_all(rows: list[tuple[bool, int, int]]) -> None:
    truth, scores, at = (np.array(column) for column in zip(*rows, strict=True))
    sums, counts = ranked_within_periods(truth, scores, np.arange(len(rows)))(at, 4)
    for period in range(4):
        inside = at == period
        if 0 < truth[inside].sum() < inside.sum():
            assert sums[period] / counts[period] == pytest.approx(roc_auc_score(truth[inside], scores[inside]))
        else:
            assert counts[period] == 0


@pytest.mark.parametrize(
    ("planted", "causes"),
    [
        ("ranking", {"performance lost", "scores at the same truth"}),
        ("prevalence", {"prevalence"}),
        ("scores", {"scores at the same truth"}),
    ],
)
def test_a_change_is_found_in_its_month_and_for_what_it_is(planted: str, causes: set[str]) -> None:
    found = find_drift(drifting_rows(planted, 3), options=OPTIONS)  # type: ignore[arg-type]
    assert found.drifted and set(found.causes) == causes
    assert found.since is not None and found.since.since == MONTHS[CHANGED]
    assert MONTHS[CHANGED] in found.since.within


def test_scores_that_all_move_up_are_no_loss_of_ranking() -> None:
    found = find_drift(drifting_rows("scores", 3), options=OPTIONS)
    ranked, alerts = found.change("AUROC"), found.change("alerts")
    assert ranked is not None and not ranked.sure
    assert alerts is not None and alerts.sure and alerts.change is not None and alerts.change.low > 0


@pytest.mark.soak
def test_where_nothing_changed_nothing_is_called() -> None:
    called = [find_drift(drifting_rows("nothing", seed, rows=400), options=OPTIONS).drifted for seed in range(15)]
    assert sum(called) <= 2


def test_two_changes_are_both_told() -> None:
    found = drifting_rows("nothing", 5, rows=3000)
    at = found.periods.at
    found.rows.logit[:] += np.where((at >= 3) & (at < 6), 1.5, 0)
    found.rows.score[:] = 1 / (1 + np.exp(-found.rows.logit))
    scores = find_drift(found, options=OPTIONS).change("mean score")
    assert scores is not None
    assert [point.since for point in scores.points if point.sure] == [MONTHS[3], MONTHS[6]]
    first, second = scores.points
    assert first.before < first.after and first.after == second.before and second.after < second.before


def test_every_number_is_one_of_its_kind() -> None:
    found = find_drift(drifting_rows("ranking", 1, rows=400), options=OPTIONS)
    for change in found.changes:
        assert 0 < change.p <= 1
        assert change.change is not None and change.change.low <= change.change.value <= change.change.high
        assert all(0 < point.p <= 1 and point.since in point.within for point in change.points)
    assert found.smallest_p <= min(change.p for change in found.changes)
    way = found.scores.wasserstein
    assert 0 <= way.low <= way.value <= way.high
    assert 0 <= found.scores.kolmogorov_smirnov <= 1


def test_a_measure_that_never_varies_has_no_change_and_no_p() -> None:
    found = drifting_rows("nothing", 0, rows=400)
    found.rows.score[:] = 0.7
    scanned = scan(measures_of(found), found.periods.at, found.rows.owners, permutations=50)["mean score"]
    assert scanned.split is None and np.isnan(scanned.p)


def test_so_few_draws_that_nothing_could_be_called_are_refused() -> None:
    with pytest.raises(UsageError, match=r"50 permutations cannot give a p below 0.05 for 19 tests: 380"):
        find_drift(drifting_rows("nothing", rows=400), options=DriftOptions(permutations=50))


def test_the_reference_may_be_another_period_but_not_the_last() -> None:
    options = DriftOptions(permutations=399, reference="2024-03")
    assert find_drift(drifting_rows("nothing", rows=400), options=options).reference == "2024-03"
    for named, said in (("2024-08", "is the last period"), ("2023-01", "there is no period '2023-01'")):
        with pytest.raises(UsageError, match=said):
            find_drift(drifting_rows("nothing", rows=400), options=DriftOptions(reference=named))


def test_a_last_period_that_nobody_has_labelled_yet_is_left_out_of_performance_and_named() -> None:
    whole = drifting_rows("scores", 2, rows=800)
    last = whole.periods.at == len(MONTHS) - 1
    found = find_drift(replace(whole, labelled=~last), options=OPTIONS)
    ranked, scores = found.change("AUROC"), found.change("mean score")
    assert ranked is not None and ranked.last is None and ranked.change is None and np.isnan(ranked.p)
    assert ranked.point is not None and scores is not None and scores.last is not None
    assert found.timeline[-1].auroc is None and found.timeline[-1].mean_score is not None
    assert any(f"no label speaks of {MONTHS[-1]}" in note for note in found.notes)
    assert found.to_dict()["changes"][-1]["p"] is None


def test_a_handful_of_patients_is_refused() -> None:
    whole = drifting_rows("nothing", 0, rows=200)
    few = replace(whole, rows=replace(whole.rows, owners=whole.rows.owners % 5))
    with pytest.raises(UsageError, match="5 patients are too few"):
        find_drift(few, options=OPTIONS)
