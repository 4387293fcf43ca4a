"""The search for segments: a planted fault is named as it was planted, the simpler one where a pair adds nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.audit.segments.attributes import attribute_of, categories
from encoder.audit.segments.conditions import conditions_of, edges
from encoder.audit.segments.outcomes import strata_of, tail_z
from encoder.audit.segments.search import Judged, SearchOptions, search_segments
from tests.support.segment_tables import drawn_table

QUICK = SearchOptions(draws=99)


@pytest.mark.parametrize("owners", [None, 3600])
def test_women_of_seventy_and_over_are_named_and_not_all_of_eighty_and_over(owners: int | None) -> None:
    judged, attributes = drawn_table(1, owners=owners, fault="old women")
    found = search_segments(judged, attributes, QUICK)
    assert len(found.named) == 1
    first = found.named[0]
    sex, age = first.conditions
    assert (sex.text, age.side) == ("sex F", ">=") and abs(age.edge - 70) <= 3
    assert first.text == f"sex F and age >= {age.edge:g}"
    assert first.p <= 0.05 and first.deviate > first.critical
    assert any("age >=" in text and "sex" not in text for text in first.covers), "its parts are worse only by it"


def test_of_a_fault_of_one_attribute_no_pair_is_named() -> None:
    judged, attributes = drawn_table(2, n=3000, fault="old")
    found = search_segments(judged, attributes, QUICK)
    assert [len(one.conditions) for one in found.named] == [1]
    edge = found.named[0].conditions[0].edge
    assert found.named[0].text == f"age >= {edge:g}" and abs(edge - 70) <= 3
    assert found.named[0].measure in ("false alarms", "bpsn")


def test_the_core_of_a_fault_is_worse_than_the_rest_of_it() -> None:
    """What goes with a faulty view is no fault of its own, however many of its rows are of that view."""
    draw = np.random.default_rng(5)
    n = 1500
    truth, bedside = draw.random(n) < 0.2, draw.random(n) < 0.5
    logit = np.where(truth, 1.2, -1.2) + draw.standard_normal(n) + 2.0 * bedside
    grey = draw.standard_normal(n) - 1.5 * bedside
    noise = draw.standard_normal(n) - 1.5 * bedside
    judged = Judged(truth=truth, logit=logit, flagged=logit >= 0, owners=np.arange(n))
    attributes = [attribute_of("grey", list(grey)), attribute_of("noise", list(noise))]
    view = categories("view", ["AP" if one else "PA" for one in bedside])
    found = search_segments(judged, [view, *[one for one in attributes if one is not None]], QUICK)
    assert [one.text for one in found.named] == ["view AP"]


def test_of_a_border_that_few_pictures_have_the_others_are_one_part() -> None:
    assert edges(np.array([0.0] * 95 + [3.0, 4.0, 4.0, 6.0, 9.0]), 10) == [3.0]
    assert edges(np.zeros(50), 10) == [] == edges(np.array([]), 10)


def test_an_interval_of_a_number_is_found() -> None:
    draw = np.random.default_rng(4)
    n = 3000
    truth, dose = draw.random(n) < 0.3, draw.uniform(0, 100, n)
    logit = np.where(truth, 1.5, -1.5) + draw.standard_normal(n) + 2.0 * ((dose >= 40) & (dose < 60))
    judged = Judged(truth=truth, logit=logit, flagged=logit >= 0, owners=np.arange(n))
    attribute = attribute_of("dose", list(dose))
    assert attribute is not None
    first, *more = search_segments(judged, [attribute], QUICK).named
    low, high = sorted(one.edge for one in first.conditions)
    assert not more and abs(low - 40) < 4 and abs(high - 60) < 4
    assert first.text == f"{low:.4g} <= dose < {high:.4g}"


def test_nothing_is_named_where_nothing_is_wrong() -> None:
    named = []
    for seed in range(8):
        judged, attributes = drawn_table(100 + seed, n=900, owners=500)
        named.append(search_segments(judged, attributes, replace(QUICK, seed=seed)).named)
    assert sum(bool(one) for one in named) <= 1


def test_many_images_of_one_patient_are_one_patient() -> None:
    draw = np.random.default_rng(7)
    owners = np.repeat(np.arange(60), 30)
    patient_level = draw.standard_normal(60)[owners]
    truth = draw.random(1800) < 0.3
    logit = np.where(truth, 1.0, -1.0) + 2.5 * patient_level
    ward = categories("ward", [f"w{one}" for one in draw.integers(0, 6, 60)[owners]])
    judged = Judged(truth=truth, logit=logit, flagged=logit >= 0, owners=owners)
    assert search_segments(judged, [ward], QUICK).named == ()
    as_if_apart = replace(judged, owners=np.arange(1800))
    assert search_segments(as_if_apart, [ward], QUICK).named, "taken for independent rows the wards do differ"


def test_small_categories_are_looked_at_together_and_unknown_ones_too() -> None:
    values = ["a"] * 100 + [f"rare {n}" for n in range(8) for _ in range(10)] + [None] * 60
    texts = {one.text: int(one.rows.sum()) for one in conditions_of([categories("unit", values)], 30)}
    assert texts == {"unit a": 100, "unit other values": 80, "unit unknown": 60}


def test_few_rows_of_a_rare_error_are_no_proof() -> None:
    """Where 2 % of rows are wrong, 4 of 30 are met by chance more often than a normal deviate says."""
    z = tail_z(np.array([4.0]), np.array([30.0]), np.array([0.02]), np.array([3000.0]), np.array([1.0]))
    assert 2.0 < z[0] < 3.5
    assert z[0] < (4 - 0.6) / np.sqrt(0.6 * 0.98)
    nothing = tail_z(np.array([0.0]), np.array([30.0]), np.array([0.02]), np.array([3000.0]), np.array([1.0]))
    assert nothing[0] <= 0


def test_where_all_rows_are_right_or_all_are_wrong_nothing_is_beyond_chance() -> None:
    n, ones = np.array([30.0, 30.0, 0.0]), np.ones(3)
    z = tail_z(np.array([0.0, 30.0, 0.0]), n, np.array([0.0, 1.0, 0.3]), 100 * ones, ones)
    assert (z < 0).all() and np.isfinite(z).all()


def test_of_very_many_rows_the_worst_segment_is_still_told_from_the_next() -> None:
    """Chances that no number can hold are ordered all the same, and go on from those that one can."""
    n = np.array([50.0, 400.0, 600.0, 5000.0, 9000.0])
    z = tail_z(n * 0.6, n, np.full(5, 0.1), np.full(5, 1e6), np.ones(5))
    assert (np.diff(z) > 1).all() and z[1] < 37 < z[3]
    assert z[3] / z[1] == pytest.approx(np.sqrt(5000 / 400), rel=0.05)


def test_rows_of_a_patient_who_are_alike_are_seen_to_be() -> None:
    draw = np.random.default_rng(3)
    owners = np.repeat(np.arange(300), 4)
    shared = draw.standard_normal(300)[owners]
    truth = np.zeros(1200, dtype=bool)
    (alike,) = strata_of(truth, shared, shared > 1, owners)
    (apart,) = strata_of(truth, draw.permutation(shared), draw.permutation(shared) > 1, owners)
    assert alike.likeness(alike.outcomes[1]) > 0.95
    assert apart.likeness(apart.outcomes[1]) < 0.1
