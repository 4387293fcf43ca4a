"""`explain` by finding: parts that sum, near-duplicates that count once, sides, the study's own report beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.explanation.explanation import Explainer
from encoder.explanation.grouped import GroupedExplainer
from encoder.explanation.grouped_explanation import GroupedExplanation
from encoder.explanation.map_side import side_of_map
from encoder.explanation.spanned import Spans, Spread
from encoder.explanation.study_agreement import agreement
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot_run import predict_zero_shot
from kb.vocabulary.study_statements import Statement

IMAGE = "im0008.png"


@pytest.fixture(scope="module")
def grouped(shapes) -> dict[str, GroupedExplainer]:
    """What explains a probe and a zero-shot run in the LLM space, by finding."""
    predict_probe(shapes.now(), shapes.concepts, PredictOptions(run="g-probe", space="encoder"))
    options = PredictOptions(run="g-llm", space="llm")
    predict_zero_shot(shapes.now(), shapes.concepts, PromptSet(), options=options, embedder=lambda: shapes.embedder)
    return {run: GroupedExplainer(Explainer(shapes.now(), shapes.concepts, run)) for run in ("g-probe", "g-llm")}


@pytest.fixture(scope="module")
def found(grouped) -> GroupedExplanation:
    return grouped["g-probe"].explain(IMAGE, "nodule")


@pytest.mark.soak
@pytest.mark.parametrize("run", ["g-probe", "g-llm"])
def test_the_parts_sum_to_what_the_findings_span_and_the_exact_sum_stays(grouped, run: str) -> None:
    found = grouped[run].explain(IMAGE, "nodule", top=1, maps=0)
    assert sum(one.part for one in found.findings) + found.rest == pytest.approx(found.spanned, abs=1e-9)
    exact = found.exact
    assert exact.base + exact.counted + exact.others + exact.outside + exact.residual == pytest.approx(found.logit)
    assert abs(exact.residual) <= 1e-4
    reached = found.logit - exact.base
    assert found.spanned == pytest.approx(reached, abs=0.15 * max(1.0, abs(reached)))


def test_a_finding_counts_its_concepts_and_their_exact_sum(grouped, found) -> None:
    exact = grouped["g-probe"].explainer.explain(IMAGE, "nodule", top=400)
    for one in found.findings:
        parts = [part.contribution for part in exact.top if part.finding == one.finding]
        assert one.sum == pytest.approx(sum(parts), abs=1e-6)
        assert one.concepts == len(parts) and one.denied == 1


def test_a_denied_concept_stands_under_what_it_denies(found) -> None:
    assert {one.finding for one in found.findings} == {"nodule", "pleural effusion"}


@pytest.mark.soak
def test_the_side_is_the_one_that_was_drawn(shapes, grouped) -> None:
    explainer = grouped["g-probe"]
    right = []
    for number in range(8, 300, 10):
        image = f"im{number:04d}.png"
        found = explainer.explain(image, "pleural effusion", maps=0, nearest=0)
        sides = {said.laterality for said in found.statements if said.assertion == "present"}
        for one in found.findings:
            if one.shown and sides and one.finding in {said.finding for said in found.statements if not said.denied}:
                side = one.facing("side")
                assert side is not None
                if side.name is not None:
                    right.append(side.name in sides)
    assert len(right) > 10 and np.mean(right) >= 0.9


def test_the_own_report_stands_beside_each_finding(found) -> None:
    told = {one.finding: one.report for one in found.findings}
    assert all(report.verdict in ("agrees", "contradicts", "unsure") for report in told.values())
    for finding, report in told.items():
        assert all(finding in (said.sentence or "") for said in report.statements)
        assert all((said.sentence or "")[slice(*said.spans[0])] in said.text for said in report.statements)


def test_the_nearest_images_are_of_other_patients_and_labelled(shapes, found) -> None:
    assert found.nearest is not None
    images = [*found.nearest.positive, *found.nearest.negative]
    assert [one.truth for one in images] == [True] * 3 + [False] * 3
    patients = {f"im{number:04d}.png": number // 2 for number in range(300)}
    assert patients[IMAGE] not in {patients[one.image_id] for one in images}
    for kind in (found.nearest.positive, found.nearest.negative):
        assert [one.similarity for one in kind] == sorted((one.similarity for one in kind), reverse=True)


def test_a_curator_decides_which_concepts_count(shapes) -> None:
    kb = shapes.now()
    before = GroupedExplainer(Explainer(kb, shapes.concepts, "g-probe")).groups
    change = kb.curate.reject(kb.vocabulary.list(findings=[before[0].finding])[0]["concept_id"])
    after = GroupedExplainer(Explainer(shapes.now(), shapes.concepts, "g-probe")).groups
    assert len(after[0].members) == len(before[0].members) - 1
    shapes.now().curate.revert(change.change_id)


@pytest.mark.soak
def test_the_command_tells_findings_and_the_way_to_the_exact_sum(
    shapes, grouped, cli: Callable, cli_json: Callable
) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder, "--run", "g-probe")
    told = cli_json("explain", IMAGE, "nodule", *where)
    assert {"findings", "exact", "statements", "nearest"} <= told.keys()
    assert told["findings"][0]["report"]["verdict"] in ("agrees", "contradicts", "unsure")
    shown = cli("explain", IMAGE, "nodule", *where, "--maps", 0).stdout
    assert "by finding" in shown and "residual" in shown and "--concepts" in shown
    assert max(map(len, cli("explain", IMAGE, "nodule", *where, "--format", "csv").stdout.splitlines())) < 80


def drawn_spans(draw: np.random.Generator, sizes: list[int], d: int) -> tuple[np.ndarray, np.ndarray, Spread]:
    concepts = draw.standard_normal((sum(sizes), d))
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return concepts / np.linalg.norm(concepts, axis=1, keepdims=True), codes, Spread.of(draw.standard_normal((200, d)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_near_duplicates_count_once_and_turning_a_concept_changes_nothing(seed: int, times: int) -> None:
    draw = np.random.default_rng(seed)
    concepts, codes, spread = drawn_spans(draw, [1, 2, 3], 6)
    logit = draw.standard_normal(6)
    once = Spans(concepts, codes, [5, 5, 5], spread).parts(logit)
    doubled = np.concatenate([np.repeat(concepts[:1], times, axis=0), concepts[1:]])
    many = Spans(doubled, np.concatenate([[0] * times, codes[1:]]), [5, 5, 5], spread).parts(logit)
    np.testing.assert_allclose(many, once, atol=1e-8)
    turned = Spans(concepts * np.where(np.arange(6) % 2, -1, 1)[:, None], codes, [5, 5, 5], spread).parts(logit)
    np.testing.assert_allclose(turned, once, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_where_findings_span_all_the_parts_sum_to_the_logit(seed: int) -> None:
    draw = np.random.default_rng(seed)
    concepts, codes, spread = drawn_spans(draw, [4, 5, 6], 4)
    logit = draw.standard_normal(4)
    parts = Spans(concepts, codes, [1, 1, 1], spread).parts(logit, ridge=1e-9)
    np.testing.assert_allclose(parts.sum(axis=0), logit, atol=1e-4)


def test_a_concept_that_takes_no_part_has_none() -> None:
    draw = np.random.default_rng(0)
    concepts, codes, spread = drawn_spans(draw, [2, 2], 4)
    with_more = np.concatenate([concepts, draw.standard_normal((3, 4))])
    logit = draw.standard_normal(4)
    alone = Spans(concepts, codes, [1, 1], spread).parts(logit)
    np.testing.assert_allclose(Spans(with_more, np.append(codes, [-1] * 3), [1, 1], spread).parts(logit), alone)


def said(
    finding: str, assertion: str = "present", side: str = "none", when: str = "current", text: str = ""
) -> Statement:
    return Statement(
        report_id="R",
        section="findings",
        sentence=None,
        spans=(),
        within=(),
        text=text or finding,
        assertion=assertion,
        certainty="definite",
        temporality=when,
        laterality=side,
        severity="",
        concept_id="C",
        concept=finding,
        finding=finding,
        status="candidate",
        denied=assertion == "absent",
    )


@pytest.mark.parametrize(
    ("statements", "shown", "side", "verdict"),
    [
        ([], True, None, "silent"),
        ([said("pleural effusion")], True, None, "agrees"),
        ([said("pleural effusion")], False, None, "contradicts"),
        ([said("pleural effusion", "absent")], True, None, "contradicts"),
        ([said("pleural effusion", "absent")], False, None, "agrees"),
        ([said("pleural effusion", "uncertain")], True, None, "unsure"),
        ([said("pleural effusion")], None, None, "unsure"),
        ([said("pleural effusion", side="left")], True, "right", "contradicts"),
        ([said("pleural effusion", side="bilateral")], True, "right", "agrees"),
        ([said("pleural effusion", side="left")], True, "left", "agrees"),
        ([said("pleural effusion", when="resolved")], True, None, "silent"),
        ([said("pleural abnormality", "absent")], True, None, "contradicts"),
        ([said("abnormality", "absent", text="other acute abnormality")], True, None, "silent"),
        ([said("pleural effusion", side="left"), said("pleural effusion", "absent", "right")], True, "left", "agrees"),
        ([said("pleural effusion"), said("pleural effusion", "absent")], True, None, "unsure"),
        ([said("nodule")], True, None, "silent"),
    ],
)
def test_what_a_report_says_of_a_finding(statements, shown, side, verdict: str) -> None:
    assert agreement("pleural effusion", shown, side, statements).verdict == verdict


@pytest.mark.parametrize(
    ("column", "view", "side"),
    [(9, "PA", "left"), (0, "AP", "right"), (9, None, "left"), (9, "lateral", None), (None, "PA", None)],
)
def test_the_patients_left_is_on_the_right_of_a_frontal_picture(column, view, side) -> None:
    heat = np.zeros((10, 10))
    if column is not None:
        heat[:, column] = 1
    found = side_of_map(heat, view)
    assert (found and found.side) == side
