"""Confounders: what was planted is named first and proven, what was not is not named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.drawn_rows import drawn_rows
from encoder.audit.confounders.comparison import compare
from encoder.audit.confounders.concept_tests import p_values, test_concepts
from encoder.audit.confounders.disease import disease_of, telling_nothing
from encoder.audit.confounders.erasing import centred, erased, without
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import exposures_of
from encoder.audit.confounders.families import Concepts, disease_directions
from encoder.audit.confounders.find import find_confounders, test_all
from encoder.audit.confounders.moments import Cohort, Deviations, moments_of
from encoder.audit.confounders.own_part import own_part
from encoder.audit.confounders.result import LEVEL
from encoder.audit.confounders.sentences import in_general, tell
from encoder.audit.confounders.strata import error_rates, high, strata_of
from kb.errors import UsageError
from tests.support.planted import FINDINGS, world

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


@pytest.mark.parametrize("leaning", [0.25, 1.5])
def test_what_the_model_reads_but_goes_with_nothing_here_is_leaned_on_and_more_where_it_does_harm(
    leaning: float,
) -> None:
    evidence = WORLD.evidence(3, strength=0.5, leaning=leaning, reports=True)
    first = find_confounders(evidence, WORLD.concepts, DISEASE).rows[0]
    assert (first.finding, first.verdict) == ("tube", "leaned on" if leaning < 1 else "harmful lean")


@pytest.mark.soak
def test_on_data_without_a_shortcut_nothing_is_named() -> None:
    named = 0
    for seed in range(40):
        evidence = WORLD.evidence(100 + seed, strength=0.5, leaning=0.0, images=600, reports=seed % 2 == 0)
        found = find_confounders(evidence, WORLD.concepts, DISEASE, limit=40)
        named += any(row.q < LEVEL for row in found.rows)
    assert named <= 2


def leaning_all_alike(seed: int) -> tuple[Evidence, Concepts]:
    """Images that differ in one direction above all, which the model reads, and concepts that all share it.

    The tube alone points the other way: its correlation lies far from that of all others, and further than 1.
    """
    draw = np.random.default_rng(seed)
    evidence = WORLD.evidence(seed, images=600, leaning=0.0)
    common = np.linalg.qr(np.concatenate([WORLD.directions, draw.standard_normal((1, 64))]).T)[0][:, -1]
    amount = draw.standard_normal(600)
    vectors = evidence.vectors + np.outer(amount, common).astype(np.float32)
    share = np.where([finding == "tube" for finding in WORLD.concepts.findings], -1.2, 1.2)[:, None]
    directions = WORLD.concepts.vectors + share * common
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rows = replace(evidence.rows, logit=evidence.rows.logit + 4 * amount)
    concepts = replace(WORLD.concepts, vectors=directions.astype(np.float32))
    return replace(evidence, rows=rows, vectors=vectors), concepts


@pytest.mark.parametrize("seed", range(3))
def test_a_correlation_is_one_and_what_it_is_held_against_stands_beside_it(seed: int) -> None:
    evidence, concepts = leaning_all_alike(seed)
    found = find_confounders(evidence, concepts, DISEASE, limit=100)
    tube = found.rows[0]
    assert (tube.finding, tube.leans.q < LEVEL) == ("tube", True)
    assert tube.leans.excess < -0.5 and tube.leans.value < -0.8
    moments = moments_of(evidence.cohort())
    for row in found.rows:
        assert -1 <= row.leans.low <= row.leans.value <= row.leans.high <= 1
        scores = evidence.vectors @ concepts.vectors[concepts.ids.index(row.concept_id)]
        truth = evidence.rows.truth
        r = np.corrcoef(centred(scores.astype(float), truth), centred(evidence.rows.logit, truth))[0, 1]
        assert row.leans.value == pytest.approx(r, abs=0.02)
        assert row.effect.value == pytest.approx(row.leans.value * moments.logit_spread)
        d = (scores[truth].mean() - scores[~truth].mean()) / centred(scores.astype(float), truth).std()
        assert row.goes_with.value == pytest.approx(d, abs=0.01)
        assert row.leans.usual == tube.leans.usual and row.effect.own is None
    told = tell(tube, "disease")
    own = f"its own part {tube.leans.own:+.2f}, of concepts in general {tube.leans.usual:+.2f}"
    assert f"(correlation {tube.leans}; {own}, q <0.001)" in told
    assert f"own parts of concepts in general have r {tube.leans.usual:+.2f} and d" in in_general(found.rows)


@given(st.integers(0, 10_000), st.sampled_from([1.0, -3.0, 1e-4]))
def test_a_perfect_correlation_is_no_more_than_one(seed: int, times: float) -> None:
    draw = np.random.default_rng(seed)
    truth = np.arange(60) % 2 == 0
    vectors = draw.normal(0, 1, (60, 3)).astype(np.float32)
    logit = vectors[:, 0].astype(np.float64) * times
    tests = test_concepts(moments_of(Cohort(vectors, truth, logit, np.arange(60))), np.eye(3, dtype=np.float32))
    assert np.all(np.abs(tests.lean) <= 1) and abs(tests.lean[0]) > 0.9
    there = vectors[:, 0] > 0
    strata = strata_of(truth, np.where(there, times, 0.0), there, erased=logit)
    assert max(abs(strata.leans), abs(strata.erased_leans)) <= 1


def test_of_reports_nothing_stands_beside_for_they_are_held_against_0() -> None:
    (row, *_) = rows = find_confounders(WORLD.evidence(1, reports=True, vectors=False), None, DISEASE).rows
    assert (row.leans.usual, row.goes_with.usual, in_general(rows)) == (0.0, 0.0, "")
    assert "in general" not in tell(row, "disease")


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
    known = int(stated.known[0].sum())
    assert strata is not None and strata.present + strata.absent == known < len(evidence.rows)


def test_a_curator_counts_a_finding_to_the_disease() -> None:
    found = find_confounders(WORLD.evidence(1), WORLD.concepts, {"disease", "tube"})
    assert all(row.finding != "tube" for row in found.rows)


def test_another_data_set_stands_beside_with_the_q_of_the_difference() -> None:
    here, there = WORLD.evidence(7, reports=True), WORLD.evidence(8, strength=0.5, leaning=0.0, reports=True)
    found = find_confounders(here, WORLD.concepts, DISEASE, limit=5)
    families = test_all(there, WORLD.concepts, DISEASE).families
    tube = compare(found, families, 0.9)[0]
    assert tube.elsewhere is not None and tube.elsewhere.auroc == 0.9
    assert tube.elsewhere.leans.q < 0.001 and tube.elsewhere.goes_with.q < 0.001
    assert abs(tube.elsewhere.leans.value) < 0.15
    unmeasured = compare(replace(found, rows=[replace(found.rows[0], name="nobody knows")]), families, 0.9)[0]
    assert unmeasured.elsewhere is None


def test_with_nothing_to_test_it_says_what_is_missing() -> None:
    evidence = WORLD.evidence(1, vectors=False)
    with pytest.raises(UsageError, match="no image has a vector, no report belongs to these"):
        find_confounders(evidence, None, DISEASE)


class TestErasing:
    """A run whose head is the disease's own direction leans on a thing through it: that must go, and only that."""

    def test_nothing_linear_is_left_of_what_was_erased(self) -> None:
        evidence = WORLD.evidence(9, reports=True)
        there, truth = (
            evidence.exposures[0].column(list(evidence.exposures[0].names).index("tube")),
            evidence.rows.truth,
        )
        left = without(evidence.rows.logit, truth, there)
        assert abs(np.corrcoef(centred(left, truth), centred(there, truth))[0, 1]) < 1e-9
        assert abs(np.corrcoef(centred(evidence.rows.logit, truth), centred(there, truth))[0, 1]) > 0.3

    def test_a_run_that_reads_the_disease_alone_loses_what_came_with_it(self) -> None:
        evidence = WORLD.evidence(10, reports=True)
        truth = evidence.rows.truth
        # An encoder that was led astray: what it calls the disease is in part the tube.
        head = (WORLD.directions[0] + 0.8 * WORLD.directions[1]) * 3
        rows = replace(evidence.rows, logit=evidence.vectors @ head)
        cohort = Evidence(rows, (), evidence.encoded, evidence.vectors).cohort()
        there = evidence.exposures[0].column(list(evidence.exposures[0].names).index("tube"))
        said = erased(cohort, there.astype(float), lambda vectors: vectors @ head)
        assert abs(np.corrcoef(centred(said, truth), centred(there, truth))[0, 1]) < 1e-4
        assert np.mean(said[truth]) - np.mean(said[~truth]) > 1.5, "the disease stays"
        assert said == pytest.approx(erased(cohort, there.astype(float), None), abs=1e-3), "linear: both ways are one"

    def test_the_row_tells_what_is_left(self) -> None:
        for reports in (True, False):
            first = find_confounders(WORLD.evidence(1, reports=reports), WORLD.concepts, DISEASE).rows[0].strata
            assert first is not None and first.leans > 0.3 and abs(first.erased_leans) < 0.15


class TestHonesty:
    """What the tests must not do, by simulation."""

    def test_a_rare_thing_of_a_rare_label_is_not_tested(self) -> None:
        evidence = WORLD.evidence(12, vectors=False)
        draw = np.random.default_rng(0)
        truth = np.zeros(1500, dtype=bool)
        truth[:30] = True
        rows = replace(evidence.rows, truth=truth)
        rare = exposures_of("report", [(int(n), "thing", "thing") for n in draw.choice(1500, 40)], np.ones(1500, bool))
        assert len(rare.common(rows, 10)) == 0
        assert len(rare.common(evidence.rows, 10)) == 1

    @pytest.mark.soak
    @pytest.mark.parametrize("prevalence", [0.03, 0.1, 0.4])
    def test_things_that_go_with_nothing_are_rarely_called(self, prevalence: float) -> None:
        draw = np.random.default_rng(int(100 * prevalence))
        called, tested = 0, 0
        for _ in range(40):
            truth = draw.random(700) < prevalence
            found = [
                (int(r), f"t{k}", f"t{k}") for k in range(20) for r in np.flatnonzero(draw.random(700) < 0.02 * (k + 1))
            ]
            stated = exposures_of("report", found, np.ones(700, bool))
            there = stated.column(5)
            logit = draw.normal(0, 1, 700) + truth + 2.0 * there  # it leans on one of them, which goes with nothing
            rows = drawn_rows(truth, logit, np.arange(700) // 2)
            result = find_confounders(Evidence(rows, [stated], np.empty(0, np.int64), None), None, (), limit=30)
            called += any(row.verdict == "confounder" for row in result.rows)
            tested += result.tested["report"]
        assert tested > 40 * 5 and called <= 4

    @pytest.mark.soak
    def test_leaning_on_what_the_model_does_not_read_is_rarely_called_however_alike_patients_are(self) -> None:
        draw = np.random.default_rng(5)
        for holding in (12, 40):
            called = 0
            for _ in range(250):
                owners = np.repeat(np.arange(100), draw.integers(1, 6, 100))
                count = len(owners)
                have = np.isin(owners, draw.choice(100, holding, replace=False))
                rows = replace(WORLD.evidence(1, images=count, vectors=False).rows, owners=owners)
                rows = replace(rows, logit=2 * draw.standard_normal(100)[owners] + draw.standard_normal(count))
                found = [(int(n), "thing", "thing") for n in np.flatnonzero(have)]
                tests, (patients, _) = exposures_of("report", found, np.ones(count, dtype=bool)).tests(rows)
                called += int(p_values(tests.lean, tests.lean_error, patients=patients)[0] < 0.05)
            assert called <= 0.08 * 250, (holding, called)

    @pytest.mark.soak
    def test_the_error_of_going_with_the_label_is_its_spread_over_samples(self) -> None:
        values, errors = [], []
        for seed in range(150):
            evidence = WORLD.evidence(2_000 + seed, images=500)
            own = own_part(Deviations.of(evidence.cohort()), disease_directions(WORLD.concepts, DISEASE))
            tests = test_concepts(own.moments, WORLD.concepts.vectors[40:60])
            values.append(tests.shift)
            errors.append(tests.shift_error)
        ratio = np.std(values, axis=0) / np.mean(errors, axis=0)
        assert 0.9 < float(np.mean(ratio)) < 1.12

    @pytest.mark.soak
    def test_two_draws_of_one_population_do_not_differ(self) -> None:
        called = 0
        for seed in range(20):
            here, there = (WORLD.evidence(3_000 + 2 * seed + k, images=500, reports=True) for k in (0, 1))
            found = find_confounders(here, WORLD.concepts, DISEASE, limit=30)
            rows = compare(found, test_all(there, WORLD.concepts, DISEASE).families, None)
            called += any(
                row.elsewhere is not None and min(row.elsewhere.leans.q, row.elsewhere.goes_with.q) < LEVEL
                for row in rows
            )
        assert called <= 3

    def test_with_few_findings_no_concept_is_called(self) -> None:
        few = WORLD.concepts
        kept = np.array([finding in FINDINGS[:6] for finding in few.findings])
        numbers = np.flatnonzero(kept)
        some = Concepts(
            [few.ids[n] for n in numbers],
            [few.texts[n] for n in numbers],
            [few.findings[n] for n in numbers],
            few.present[kept],
            few.vectors[kept],
        )
        found = find_confounders(WORLD.evidence(1), some, DISEASE)
        assert found.rows[0].finding == "tube" and all(row.verdict == "" for row in found.rows)
        assert any("fewer than 8 findings" in note for note in found.notes)
        assert found.rows[0].to_dict()["q"] is None

    def test_what_is_the_label_itself_is_said_and_not_lost(self) -> None:
        evidence = WORLD.evidence(1, vectors=False)
        there = [(int(n), "site: B", None) for n in np.flatnonzero(evidence.rows.truth)]
        twin = exposures_of("attribute", there, np.ones(1500, bool))
        stated = WORLD.evidence(1, reports=True).exposures
        found = find_confounders(replace(evidence, exposures=[twin, *stated]), None, DISEASE)
        assert any("cannot be told apart from the label: site: B" in note for note in found.notes)

    def test_a_kind_without_positives_does_not_stop_the_others(self) -> None:
        evidence = WORLD.evidence(1, reports=True)
        (stated,) = evidence.exposures
        nobody = exposures_of("attribute", [(0, "a: b", None)], ~evidence.rows.truth)
        found = find_confounders(replace(evidence, exposures=[nobody, stated]), WORLD.concepts, DISEASE)
        assert found.rows[0].finding == "tube"


class TestStrata:
    def test_two_heaps_are_parted_between_them(self) -> None:
        values = np.concatenate(
            [np.random.default_rng(0).normal(0, 1, 900), np.random.default_rng(1).normal(8, 1, 100)]
        )
        assert high(values).tolist() == [False] * 900 + [True] * 100
        assert not high(np.ones(5)).any()

    def test_a_truth_without_images_has_no_auroc(self) -> None:
        truth, present = np.array([True, True, False, False]), np.array([True, True, False, False])
        strata = strata_of(truth, np.array([0.9, 0.8, 0.2, 0.1]), present, erased=np.array([0.9, 0.8, 0.2, 0.1]))
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
        assert {"hiatal hernia", "diaphragmatic hernia"} <= disease_of("hernia")
        assert {"rib fracture", "sternal fracture", "compression fracture"} <= disease_of("fracture")
        assert {"pacemaker", "esophageal stent", "loop recorder"} <= disease_of("Support Devices")
        assert "pneumonia" not in disease_of("Atelectasis"), "what stands under a sign is no sign"

    def test_what_nobody_knows_is_the_finding_of_its_own_name(self) -> None:
        assert "silicosis" in disease_of("silicosis")
        assert disease_of("A") == {"a"}
        assert disease_of("No Finding", (), ["nodule", "chest tube"]) == {"nodule"}, (
            "a device may be a confounder of it"
        )

    def test_statements_that_all_is_well_are_nothing_to_lean_on(self) -> None:
        assert {"clear lungs", "normal heart size", "pulmonary abnormality"} <= telling_nothing()
        assert "nodule" not in telling_nothing()

    def test_every_finding_of_the_table_is_one_of_the_lexicon(self) -> None:
        from encoder.audit.confounders.disease import _table
        from kb.language.wider_terms import wider_findings

        known = wider_findings().direct.keys()
        assert {finding for findings in _table().values() for finding in findings} <= known
