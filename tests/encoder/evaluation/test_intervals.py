"""What intervals and p values `evaluate` prints: those of SQL, of patients, never a certainty, and floors as floors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from encoder.evaluation import Options, evaluate
from encoder.validation.validate import validate
from kb.knowledge_base import KnowledgeBase
from kb.sql.views import Views
from tests.support.stored_rows import put, put_run


def two_runs(kb: KnowledgeBase, positives: int, *, rows: int = 120, apart: float = 1.0) -> None:
    """`good` and `poor` on images of patients with two each; the positives are the first ones."""
    random = np.random.default_rng(1)
    ids = [{"image_id": f"i{n:03d}", "patient_id": f"p{n // 2:03d}"} for n in range(rows)]
    held = [{**ids[n], "label": "Edema", "value": int(n < positives), "source": "l"} for n in range(rows)]
    put(kb, "labels", held)
    truth, own = np.arange(rows) < positives, np.repeat(random.normal(size=rows // 2), 2)
    for run, by in (("good", apart), ("poor", 0.0)):
        logits = by * truth + 0.2 * (own + random.normal(size=rows)) - 1
        scores = 1 / (1 + np.exp(-logits))
        put_run(kb, run, [{**ids[n], "label": "Edema", "score": float(scores[n])} for n in range(rows)])


def only(kb: KnowledgeBase, **options: Any) -> Any:
    return evaluate(kb, ["good"], Options(min_positives=3, split="all", **options)).get("good", "Edema")


@pytest.mark.soak
def test_an_auroc_has_one_interval_in_evaluate_validate_and_sql(kb: KnowledgeBase) -> None:
    two_runs(kb, 40)
    with Views(kb) as session:
        (row,) = session.run("FROM metrics_by('all') WHERE run = 'good'").rows()
    found = only(kb, bootstrap=0)
    assert found.values["auroc"] == pytest.approx(row["auroc"], abs=1e-12)
    assert found.intervals["auroc"] == pytest.approx((row["auroc_low"], row["auroc_high"]), abs=1e-9)
    validated = validate(kb, ["good"], Options(bootstrap=0, min_positives=3, split="all")).rows[0]
    assert (validated.low, validated.high) == found.intervals["auroc"]


def test_without_resamples_there_is_what_needs_none(kb: KnowledgeBase) -> None:
    two_runs(kb, 40)
    found = only(kb, bootstrap=0, threshold_from=0.4)
    known = {name for name, ends in found.intervals.items() if ends is not None}
    formulas = {"auroc", "sensitivity", "specificity", "ppv", "npv", "alerts"}
    assert known == formulas | {"calibration_slope", "calibration_intercept", "observed_less_expected"}
    assert found.values["ece_by_chance"] is None and found.ece_p is None


def test_shares_at_the_threshold_have_intervals_that_hold_them(kb: KnowledgeBase) -> None:
    two_runs(kb, 40, apart=9.0)
    found = only(kb, bootstrap=60, threshold_from=0.5)
    assert found.values["sensitivity"] == found.intervals["sensitivity"][1] == 1
    assert 0.75 < found.intervals["sensitivity"][0] < 0.95, "40 of 40 are no certainty"
    for name, ends in found.intervals.items():
        assert ends is None or ends[0] <= found.values[name] <= ends[1], name


def test_resamples_that_are_all_alike_give_no_interval_and_that_is_said(kb: KnowledgeBase) -> None:
    two_runs(kb, 40, apart=9.0)
    told = evaluate(kb, ["good"], Options(min_positives=3, split="all", bootstrap=60, threshold_from=0.5))
    found = told.get("good", "Edema")
    assert found.values["f1"] == 1 and found.intervals["f1"] is None
    assert found.values["auprc"] == 1 and 0.6 < found.intervals["auprc"][0] < 0.95
    assert "interval of F1: none, for all resamples are alike (Edema (good))" in told.notes
    assert any(note.startswith("calibration slope: none, for the scores part") for note in told.notes)


def test_few_positives_are_warned_of(kb: KnowledgeBase) -> None:
    two_runs(kb, 12)
    told = evaluate(kb, ["good", "poor"], Options(min_positives=3, split="all", bootstrap=20))
    assert [note for note in told.notes if note.startswith("under 30 positives: Edema (12);")]
    assert not [note for note in told.notes if note.startswith("under 30 negatives")]


def test_the_calibration_error_stands_beside_chance(kb: KnowledgeBase) -> None:
    two_runs(kb, 40)
    told = evaluate(kb, ["good"], Options(min_positives=3, split="all", bootstrap=100))
    found = told.get("good", "Edema")
    assert 0 < found.values["ece_by_chance"] < found.values["ece"] + 0.1
    assert found.intervals["ece_beyond_chance"][0] <= found.values["ece_beyond_chance"] < found.values["ece"]
    row = found.to_dict()
    assert {"ece_p", "ece_p_is_floor", "calibration_slope_low", "observed_less_expected_high"} <= set(row)
    titles = dict(told.tables())
    assert list(titles["calibration, all rows"][0])[-4:] == ["ECE", "by chance", "p", "beyond chance"]
    assert list(titles["recalibration, all rows"][0])[-3:] == ["slope", "intercept", "observed - expected"]


def test_a_p_that_no_resample_came_near_is_below_its_floor(kb: KnowledgeBase) -> None:
    two_runs(kb, 40, apart=2.0)
    options = Options(min_positives=3, split="all", bootstrap=199)
    told = evaluate(kb, ["good"], options, against="poor")
    (row,) = told.comparisons
    assert row.test == "patient bootstrap" and row.p_is_floor and row.p == pytest.approx(0.01)
    assert dict(told.tables())["AUROC compared, all rows"][0]["p"] == "<0.010"
    validated = validate(kb, ["good", "poor"], options, baseline="poor")
    assert [one.told_p for one in validated.rows] == ["<0.010", ""]
