"""Confounders: what was planted is named first and proven, what was not is not named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kb.audit.confounder import LEVEL
from kb.audit.confounders import Evidence, compare, find_confounders, test_all
from kb.audit.disease import disease_of, telling_nothing
from kb.audit.erasing import Eraser, without
from kb.audit.families import disease_directions
from kb.audit.strata import error_rates, high, strata_of
from kb.audit.telling import tell
from kb.errors import UsageError
from tests.audit.planted import FINDINGS, world

WORLD = world()
DISEASE = {"disease"}


@pytest.mark.parametrize("reports", [False, True])
def test_the_planted_thing_is_named_first_with_its_proof(reports: bool) -> None:
    found = find_confounders(WORLD.evidence(1, reports=reports), WORLD.concepts, DISEASE)
    first = found.rows[0]
    assert (first.finding, first.verdict, first.kind) == ("tube", "confounder", "report" if reports else "image")
    assert first.q < LEVEL and first.leans.low > 0 and first.goes_with.low > 0 and first.effect.value > 0.5
    assert [row.verdict for row in found.rows].count("confounder") == 1
    assert all(row.finding != "disease" for row in found.rows)
    strata = first.strata
    assert strata is not None and strata.auroc_against < strata.auroc - 0.05
    assert strata.erased_against > strata.auroc_against + 0.05
    assert strata.errors.false_positives_present > 2 * strata.errors.false_positives_absent
    assert strata.erased_errors.false_positives_present < strata.errors.false_positives_present
    assert "False alarms" in tell(first, "disease")


def test_what_goes_with_the_label_is_not_named_where_the_model_does_not_read_it() -> None:
    for reports in (False, True):
        found = find_confounders(WORLD.evidence(2, leaning=0.0, reports=reports), WORLD.concepts, DISEASE)
        assert [row for row in found.rows if row.verdict == "confounder"] == []


def test_what_the_model_reads_but_goes_with_nothing_here_is_leaned_on() -> None:
    found = find_confounders(WORLD.evidence(3, strength=0.5, reports=True), WORLD.concepts, DISEASE)
    assert (found.rows[0].finding, found.rows[0].verdict) == ("tube", "leaned on")


def test_on_data_without_a_shortcut_nothing_is_named() -> None:
    named = 0
    for seed in range(40):
        evidence = WORLD.evidence(100 + seed, strength=0.5, leaning=0.0, images=600, reports=seed % 2 == 0)
        found = find_confounders(evidence, WORLD.concepts, DISEASE, limit=40)
        named += any(row.q < LEVEL for row in found.rows)
    assert named <= 2


def test_a_foreign_model_is_audited_by_reports_alone() -> None:
    evidence = WORLD.evidence(4, reports=True, vectors=False)
    found = find_confounders(evidence, None, DISEASE)
    assert found.tested == {"report": len(FINDINGS) - 1}
    assert (found.rows[0].name, found.rows[0].verdict) == ("tube", "confounder")
    strata = found.rows[0].strata
    assert strata is not None and strata.erased_against > strata.auroc_against


def test_findings_that_reports_state_stand_once() -> None:
    found = find_confounders(WORLD.evidence(5, reports=True), WORLD.concepts, DISEASE, limit=100)
    names = [row.finding for row in found.rows]
    assert len(names) == len(set(names))
    assert {row.kind for row in found.rows} == {"report"}


def test_rows_without_a_report_are_left_out_of_what_reports_say() -> None:
    evidence = WORLD.evidence(6, reports=True, vectors=False)
    (stated,) = evidence.exposures
    strata = find_confounders(evidence, None, DISEASE).rows[0].strata
    assert strata is not None and strata.present + strata.absent == int(stated.known.sum()) < len(evidence.rows)


def test_a_curator_counts_a_finding_to_the_disease() -> None:
    found = find_confounders(WORLD.evidence(1), WORLD.concepts, {"disease", "tube"})
    assert all(row.finding != "tube" for row in found.rows)


def test_another_data_set_stands_beside_with_the_q_of_the_difference() -> None:
    here, there = WORLD.evidence(7, reports=True), WORLD.evidence(8, strength=0.5, leaning=0.0, reports=True)
    found = find_confounders(here, WORLD.concepts, DISEASE, limit=5).rows
    families = [family for family, _ in test_all(there, WORLD.concepts, DISEASE)]
    tube = compare(found, families, 0.9)[0]
    assert tube.elsewhere is not None and tube.elsewhere.auroc == 0.9
    assert tube.elsewhere.leans.q < 0.001 and tube.elsewhere.goes_with.q < 0.001
    assert abs(tube.elsewhere.leans.value) < 0.15
    unmeasured = compare([replace(found[0], name="nobody knows")], families, 0.9)[0]
    assert unmeasured.elsewhere is None


def test_with_nothing_to_test_it_says_what_is_missing() -> None:
    evidence = WORLD.evidence(1, vectors=False)
    with pytest.raises(UsageError, match="no image has a vector, no report belongs to these"):
        find_confounders(evidence, None, DISEASE)


class TestErasing:
    def test_nothing_linear_is_left_of_what_was_erased(self) -> None:
        evidence = WORLD.evidence(9, reports=True)
        cohort, truth = evidence.cohort(), evidence.rows.truth
        values = cohort.vectors @ WORLD.concepts.vectors[4]
        left = without(evidence.rows.logit, truth, values)
        for name, side in (("positives", truth), ("negatives", ~truth)):
            assert abs(np.corrcoef(left[side], values[side])[0, 1]) < 0.12, name
        pooled = [a - np.where(truth, a[truth].mean(), a[~truth].mean()) for a in (left, values)]
        assert abs(np.corrcoef(*pooled)[0, 1]) < 1e-6

    def test_a_linear_model_of_ours_loses_what_its_slope_says(self) -> None:
        evidence = WORLD.evidence(10)
        weights = np.random.default_rng(0).standard_normal(evidence.vectors.shape[1])
        logit = evidence.vectors @ weights
        rows = replace(evidence.rows, logit=logit)
        cohort = Evidence(rows, (), evidence.encoded, evidence.vectors).cohort()
        direction = WORLD.concepts.vectors[4].astype(np.float64)
        eraser = Eraser(cohort, None)
        through = eraser.without(direction, lambda vectors: vectors @ weights)
        assert through == pytest.approx(eraser.without(direction), rel=1e-3, abs=1e-3)

    def test_the_scores_of_the_disease_stay(self) -> None:
        evidence = WORLD.evidence(11)
        directions = disease_directions(WORLD.concepts, DISEASE)
        assert directions is not None and directions.shape[1] == 3
        main = directions[:, 0]
        told: list[np.ndarray] = []

        def rescore(vectors: np.ndarray) -> np.ndarray:
            told.append(vectors)
            return vectors @ main

        kept = Eraser(evidence.cohort(), directions).without(WORLD.concepts.vectors[4].astype(np.float64), rescore)
        assert kept == pytest.approx(evidence.vectors @ main, abs=1e-3)
        assert not np.allclose(told[0], evidence.vectors)


class TestStrata:
    def test_two_heaps_are_parted_between_them(self) -> None:
        values = np.concatenate(
            [np.random.default_rng(0).normal(0, 1, 900), np.random.default_rng(1).normal(8, 1, 100)]
        )
        assert high(values).tolist() == [False] * 900 + [True] * 100
        assert not high(np.ones(5)).any()

    def test_a_truth_without_images_has_no_auroc(self) -> None:
        truth, present = np.array([True, True, False, False]), np.array([True, True, False, False])
        strata = strata_of(truth, np.array([0.9, 0.8, 0.2, 0.1]), present, np.array([0.9, 0.8, 0.2, 0.1]))
        assert (strata.auroc, strata.auroc_present, strata.auroc_absent, strata.auroc_against) == (
            1.0,
            None,
            None,
            None,
        )

    def test_error_rates_are_counted_at_the_best_cut(self) -> None:
        truth = np.array([True, True, True, False, False, False, False])
        present = np.array([True, False, False, True, True, False, False])
        rates = error_rates(truth, np.array([3.0, 2.0, -9.0, 1.5, -2.0, -3.0, 2.5]), present)
        assert (rates.false_positives_present, rates.false_positives_absent) == (0.0, 0.5)
        assert (rates.false_negatives_present, rates.false_negatives_absent) == (0.0, 0.5)


class TestDisease:
    def test_signs_of_a_disease_count_to_it_and_devices_do_not(self) -> None:
        assert {"pulmonary edema", "vascular congestion"} <= disease_of("Edema")
        assert {"pneumothorax", "hydropneumothorax"} <= disease_of("Pneumothorax")
        assert "chest tube" not in disease_of("Pneumothorax")
        assert disease_of("Pleural_Effusion") == disease_of("pleural effusion")
        assert "chest tube" in disease_of("pneumothorax", ["Chest tubes"])

    def test_what_nobody_knows_is_the_finding_of_its_own_name(self) -> None:
        assert "silicosis" in disease_of("silicosis")
        assert disease_of("A") == {"a"}
        assert disease_of("No Finding") == frozenset()

    def test_statements_that_all_is_well_are_nothing_to_lean_on(self) -> None:
        assert {"clear lungs", "normal heart size", "pulmonary abnormality"} <= telling_nothing()
        assert "nodule" not in telling_nothing()

    def test_every_finding_of_the_table_is_one_of_the_lexicon(self) -> None:
        from kb.audit.disease import _table
        from kb.lexicon import load_lexicon

        known = {label for label, _, _ in load_lexicon().rows()}
        assert {finding for findings in _table().values() for finding in findings} <= known
