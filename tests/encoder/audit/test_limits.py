"""Limits and cards that a lab sets in files: what they hold is checked, and each figure is held against its limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.audit.report.card import read_card
from encoder.audit.report.flags import Judged, check_labels, flags_of
from encoder.audit.report.limits import Limit, Limits, read_limits
from kb.errors import UsageError
from tests.support.made_report import made_report

DATA = made_report()
KNOWN = Judged(
    scored=DATA.evaluation.rows[0],
    segments=DATA.segments[0],
    confounders=DATA.confounders[0],
    slices=DATA.slices[0],
)
"""AUROC 0.8 (0.7 to 0.9); men have a sensitivity of 0.6 where all rows have 0.8; one confounder and one low slice."""


def verdict(measure: str, limit: Limit, by: str = "point", known: Judged = KNOWN) -> str:
    limits = Limits({measure: limit}, by=by)  # type: ignore[arg-type]
    (flag,) = flags_of(limits, {"pneumothorax": known})
    return flag.verdict


def written(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_figure_passes_at_its_limit_and_fails_beyond_it() -> None:
    assert verdict("auroc", Limit(0.8, 0.7)) == "pass"
    assert verdict("auroc", Limit(0.81, 0.8)) == "warn"
    assert verdict("auroc", Limit(0.9, 0.81)) == "fail"
    assert verdict("ece", Limit(None, 0.8)) == "pass"
    assert verdict("ece", Limit(0.5, 0.9)) == "warn"
    assert verdict("subgroup_gap_sensitivity", Limit(None, 0.15)) == "fail"
    assert verdict("confounders", Limit(None, 0)) == "fail"
    assert verdict("harmful_leans", Limit(None, 0)) == "pass"
    assert verdict("low_slices", Limit(1, None)) == "pass"


def test_by_interval_the_end_that_is_nearer_to_the_limit_counts() -> None:
    assert verdict("auroc", Limit(None, 0.75)) == "pass"
    assert verdict("auroc", Limit(None, 0.75), by="interval") == "fail"
    assert verdict("brier", Limit(None, 0.8), by="interval") == "pass", "without an interval the value itself counts"


@given(warn=st.floats(0, 1), fail=st.floats(0, 1), value=st.floats(0, 1), lower=st.floats(0, 1))
def test_a_worse_figure_never_has_a_better_verdict(warn: float, fail: float, value: float, lower: float) -> None:
    warn, fail, value, lower = max(warn, fail), min(warn, fail), max(value, lower), min(value, lower)
    order = ("fail", "warn", "pass")

    def judged(auroc: float) -> int:
        scored = replace(KNOWN.scored, values={"auroc": auroc}, intervals={})
        return order.index(verdict("auroc", Limit(warn, fail), known=replace(KNOWN, scored=scored)))

    assert judged(lower) <= judged(value)


def test_what_could_not_be_computed_does_not_pass() -> None:
    nothing = Judged(
        scored=replace(KNOWN.scored, values={}, confusion=None), segments=None, confounders=None, slices=None
    )
    for measure in ("auroc", "sensitivity", "subgroup_gap_sensitivity", "confounders", "low_slices"):
        assert verdict(measure, Limit(None, 0.5), known=nothing) == "not judged"


def test_the_limits_of_a_label_go_before_the_general_ones_and_failures_come_first(tmp_path: Path) -> None:
    path = written(tmp_path, "auroc: {warn: 0.5}\nece: {fail: 0.1}\nlabels: {Pneumothorax: {auroc: {fail: 0.85}}}\n")
    limits = read_limits(path)
    flags = flags_of(limits, {"hernia": KNOWN, "pneumothorax": KNOWN})
    assert [(one.label, one.measure, one.verdict) for one in flags] == [
        ("hernia", "ece", "fail"),
        ("pneumothorax", "auroc", "fail"),
        ("pneumothorax", "ece", "fail"),
        ("hernia", "auroc", "pass"),
    ]
    check_labels(limits, ["pneumothorax"])
    with pytest.raises(UsageError, match="limits of 'Pneumothorax': the labels that are scored are hernia"):
        check_labels(limits, ["hernia"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("auroc: 0.9", "auroc: {warn: NUMBER, fail: NUMBER} was expected"),
        ("auroc: {fail: high}", "a number was expected, not 'high'"),
        ("auroc: {fail: 90}", "90 is no share"),
        ("auroc: {warn: 0.8, fail: 0.9}", "it would fail (0.9) before it warns (0.8)"),
        ("ece: {warn: 0.2, fail: 0.1}", "it would fail (0.1) before it warns (0.2)"),
        ("auroc: {at: 0.9}", "there is no 'at': it may hold warn, fail"),
        ("accuracy: {fail: 0.9}", "there is no 'accuracy': it may hold auroc,"),
        ("labels: {edema: {acc: {fail: 0.9}}}", "labels: edema: there is no 'acc'"),
        ("labels: [edema]", "the limits of each label were expected"),
        ("by: point", "it sets no limit"),
        ("auroc: {fail: 0.9}\nby: eye", "point or interval was expected, not 'eye'"),
        ("- auroc", "names and their values were expected"),
        ("auroc: {fail: 0.9", "it is no YAML"),
    ],
)
def test_limits_that_make_no_sense_are_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_limits(written(tmp_path, text))
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_a_card_holds_texts_under_known_names(tmp_path: Path) -> None:
    card = read_card(written(tmp_path, "intended_use: triage\nnot_for: [children, lateral views]\nversion: 1.2\n"))
    assert card.stated == {"version": ("1.2",), "intended_use": ("triage",), "not_for": ("children", "lateral views")}
    assert card.missing == ["Name", "Training data", "Known limits", "Contact"]
    for text, told in (("purpose: x", "there is no 'purpose'"), ("limits: {a: b}", "a text was expected")):
        with pytest.raises(UsageError, match=told):
            read_card(written(tmp_path, text))
    with pytest.raises(UsageError, match="there is no file"):
        read_card(tmp_path / "nowhere.yaml")
