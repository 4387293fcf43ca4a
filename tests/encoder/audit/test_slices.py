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
QUICK = SliceOptions(slices=4)


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
    found = find_slices(failing(1), WORLD.concepts, {"disease"}, options=QUICK, thresholds=(0.5, None))
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
    assert all(0.05 < one.positives / one.n < 0.8 for one in found)
    assert all(set(one.images) <= set(evidence.rows.units) and len(one.wrong) == 6 for one in found)
    again = find_slices(evidence, WORLD.concepts, {"disease"}, options=QUICK)
    assert again == found


@pytest.mark.soak
def test_nothing_is_low_where_the_model_does_alike_everywhere() -> None:
    called = [
        find_slices(failing(seed, share=0.0), None, (), options=QUICK, thresholds=(0.5, None)) for seed in range(3, 13)
    ]
    assert sum(one.verdict == "low" for found in called for one in found) <= 1


def test_false_alarms_are_a_failure_though_every_slice_ranks_well() -> None:
    """A tube raises the scores of whoever has it, ill or not: no AUROC within a slice shows that."""
    evidence = WORLD.evidence(1, strength=0.3, leaning=0.9, reports=True)
    found = find_slices(evidence, WORLD.concepts, {"disease"}, options=SliceOptions(slices=6), thresholds=(0.5, None))
    low = [one for one in found if one.verdict == "low"]
    first = found[0]
    assert first in low and first.worse_in[0] in ("false alarms", "bpsn") and first.q is not None and first.q < 0.001
    assert first.here is not None and first.elsewhere is not None and first.extra is not None
    assert first.here.specificity.high < first.elsewhere.specificity.low
    assert first.here.bpsn.value < 0.7 and first.extra > 50
    assert first.traits[0].name == "tube" and first.traits[0].share > 0.9
    assert first.concepts[0].finding == "tube"


def test_a_slice_of_negatives_has_no_auroc_and_can_be_low_all_the_same() -> None:
    evidence = WORLD.evidence(1, strength=0.3, leaning=0.9)
    options = SliceOptions(slices=6, min_positives=20)
    found = find_slices(evidence, None, (), options=options, thresholds=(0.5, None))
    low = [one for one in found if one.verdict == "low" and one.auroc is None]
    assert low and "auroc" not in low[0].worse_in


def test_without_a_threshold_scores_are_looked_at_and_errors_are_not() -> None:
    found = find_slices(failing(1), None, (), options=QUICK)
    assert {one.here for one in found} == {None}
    assert {"bnsp", "auroc"} >= {measure for one in found for measure in one.worse_in} != set()


def test_no_interval_is_certain_where_a_model_ranks_perfectly() -> None:
    evidence = WORLD.evidence(2, images=400, leaning=0.0)
    rows = replace(evidence.rows, logit=np.where(evidence.rows.truth, 5.0, -5.0))
    found = find_slices(replace(evidence, rows=rows), None, (), options=QUICK, thresholds=(0.5, None))
    assert all(one.auroc == 1.0 and one.auroc_low < 1.0 for one in found if one.auroc is not None)
    assert not any(one.verdict == "low" for one in found)


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
