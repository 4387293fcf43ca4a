"""Slices: where a planted failure lies is found and described, and nothing is called where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import exposures_of
from encoder.audit.slices.find import SliceOptions, find_slices
from kb.errors import UsageError
from tests.support.planted import FINDINGS, world

WORLD = world()
QUICK = SliceOptions(slices=4, resamples=200)


def failing(seed: int, share: float = 0.3, *, guesses: bool = True) -> Evidence:
    """Images of which some hold "other 5" in plenty; on those the model guesses. An attribute says which they are."""
    evidence = WORLD.evidence(seed, images=1200, leaning=0.0)
    draw = np.random.default_rng(1_000 + seed)
    bad = draw.random(1200) < share
    vectors = evidence.vectors + np.outer(bad * 4.0, WORLD.directions[FINDINGS.index("other 5")]).astype(np.float32)
    logit = np.where(bad & guesses, draw.standard_normal(1200), evidence.rows.logit)
    site = exposures_of("attribute", [(int(n), "site: B", None) for n in np.flatnonzero(bad)], np.ones(1200, bool))
    return Evidence(replace(evidence.rows, logit=logit), [site], evidence.encoded, vectors)


def test_the_slice_in_which_the_model_guesses_is_low_and_told_apart() -> None:
    found = find_slices(failing(1), WORLD.concepts, {"disease"}, options=QUICK)
    low = [one for one in found if one.verdict == "low"]
    assert found[0] in low and low[0].auroc < 0.65 < min(one.auroc for one in found if one.verdict == "")
    assert sum(one.n for one in low) == pytest.approx(360, rel=0.2)
    assert low[0].against is not None
    assert low[0].concepts[0].finding == "other 5" and low[0].concepts[0].low > 1
    assert all(concept.finding != "disease" for concept in low[0].concepts)
    assert low[0].traits[0].name == "site: B" and low[0].traits[0].share > 0.9 > 0.2 > low[0].traits[0].elsewhere


def test_slices_hold_all_images_once_and_both_truths() -> None:
    evidence = failing(2)
    found = find_slices(evidence, WORLD.concepts, {"disease"}, options=QUICK)
    assert sum(one.n for one in found) == len(evidence.rows)
    assert sum(one.positives for one in found) == evidence.rows.positives
    assert all(0.1 < one.positives / one.n < 0.6 for one in found)
    assert all(set(one.images) <= set(evidence.rows.units) and len(one.wrong) == 6 for one in found)
    again = find_slices(evidence, WORLD.concepts, {"disease"}, options=QUICK)
    assert again == found


def test_nothing_is_low_where_the_model_does_alike_everywhere() -> None:
    called = [find_slices(failing(seed, share=0.0), None, (), options=QUICK) for seed in range(3, 13)]
    assert sum(one.verdict == "low" for found in called for one in found) <= 1


def test_too_few_positives_are_no_auroc() -> None:
    found = find_slices(failing(4), None, (), options=replace(QUICK, min_positives=10_000))
    assert {(one.auroc, one.verdict) for one in found} == {(None, "small")}


def test_two_data_sets_are_cut_in_one_basis_each_by_its_own_labels() -> None:
    good, bad = failing(5, guesses=False), failing(6)
    found = find_slices(good, WORLD.concepts, {"disease"}, options=QUICK, other=bad, names=("A", "B"))
    assert [(one.number, one.data) for one in found] == [(n, data) for n in (1, 2, 3, 4) for data in "AB"]
    assert sum(one.n for one in found if one.data == "A") == len(good.rows)
    low = [one for one in found if one.verdict == "low"]
    assert low and all(one.data == "B" for one in low)
    assert all(one.against == one.number for one in low)


def test_without_vectors_there_is_nothing_to_cut() -> None:
    with pytest.raises(UsageError, match="images that have none"):
        find_slices(WORLD.evidence(1, vectors=False), None, ())
    with pytest.raises(UsageError, match="cannot be cut into 10 slices"):
        find_slices(WORLD.evidence(1, images=8), None, ())
