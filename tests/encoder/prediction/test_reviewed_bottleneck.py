"""Bottlenecks that a curator reviews: accepted, forbidden and merged concepts, stability, the sheet, corrections."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.prediction.bottleneck import choose_concepts, fit_bottleneck
from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.concept_review import read_review, write_review
from encoder.prediction.correcting import Readable, evaluate_corrections
from encoder.prediction.gap import auroc_gap
from encoder.prediction.ground_truth import read_truth
from encoder.prediction.intervention import set_concepts
from encoder.prediction.predicting import PredictOptions, PredictResult
from encoder.prediction.probe import Examples
from encoder.prediction.runs import read_run
from encoder.prediction.sheet import points_of, write_sheet
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from tests.support.shapes import Shapes


def trained(shapes: Shapes, run: str, **values: object) -> PredictResult:
    return predict_bottleneck(shapes.now(), shapes.concepts, PredictOptions(run=run, replace=True), count=5, **values)


def written(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["label,concept_id,concept,status,merge_into,note", *rows]) + "\n", encoding="utf-8")
    return path


def used(result: PredictResult, label: str) -> dict[str, float]:
    found = next(one for one in result.bottlenecks if one.label == label)
    return {one.concept_id: one.weight for one in found.concepts}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_forbidden_concepts_are_never_taken_and_accepted_ones_always(seed: int) -> None:
    dice = np.random.default_rng(seed)
    images, concepts = dice.standard_normal((100, 5)), dice.standard_normal((20, 5)).astype(np.float32)
    forbidden, first = dice.permutation(20)[:8], dice.permutation(20)[8:10]
    chosen = choose_concepts(
        concepts, dice.standard_normal(5), np.cov(images.T), count=4, first=first.tolist(), forbidden=forbidden.tolist()
    )
    assert chosen[:2] == first.tolist() and not set(chosen[2:]) & set(forbidden.tolist())
    assert len(set(chosen)) == len(chosen) <= 4


def test_merged_concepts_share_a_weight_and_the_head_says_the_same_as_its_concepts() -> None:
    dice = np.random.default_rng(0)
    images, vectors = dice.standard_normal((400, 6)) * [1, 5, 0.1, 1, 1, 1] + 2, dice.standard_normal((4, 6))
    logit = images @ vectors[0] + images @ vectors[2] + dice.standard_normal(400)
    truth = (logit > np.median(logit)).astype(float)
    train = Examples(images, truth, [str(n) for n in range(400)])
    named = [{"concept_id": f"C{n}", "text": f"c{n}"} for n in range(4)]
    found = fit_bottleneck("x", vectors, named, train=train, validation=train, groups=[[0, 2], [1], [3]])
    assert found is not None
    by_id = {one.concept_id: one for one in found.concepts}
    assert by_id["C0"].weight == pytest.approx(by_id["C2"].weight) and by_id["C2"].merged_into == "C0"
    assert by_id["C0"].merged_into is None
    logit = found.bias + sum(
        one.weight * (images @ vectors[int(one.concept_id[1:])] - one.mean) / one.deviation for one in found.concepts
    )
    assert images @ found.head.weights + found.head.bias == pytest.approx(logit, abs=1e-6)


@pytest.mark.soak
def test_decisions_hold_in_training_and_stay_in_the_table_with_its_figures(shapes: Shapes, tmp_path: Path) -> None:
    kb, path = shapes.now(), tmp_path / "review.csv"
    first = trained(shapes, "rb", review=read_review(kb, path), resamples=3)
    write_review(path, read_review(kb, path), first.bottlenecks)
    rows = list(csv.DictReader(path.open()))
    assert {row["status"] for row in rows} == {"proposed"} and all(0 <= float(row["selected"]) <= 1 for row in rows)
    assert {row["concept_id"] for row in rows if row["label"] == "nodule"} == set(used(first, "nodule"))
    assert all(float(row["selected"]) <= float(row["alike"]) for row in rows)
    gone = max(used(first, "nodule"), key=lambda one: abs(used(first, "nodule")[one]))
    texts = [row["concept_id"] for row in kb.vocabulary.list(limit=60) if row["concept_id"] != gone]
    a, b = [one for one in texts if one not in used(first, "nodule")][:2]
    written(path, f"nodule,{gone},,Forbidden,,not what I see", f",{a},,accepted,,", f"nodule,{b},,merged,{a},")
    review = read_review(kb, path)
    second = trained(shapes, "rb", review=review)
    weights = used(second, "nodule")
    assert gone not in weights and weights.get(a, 0) == pytest.approx(weights.get(b, 0))
    write_review(path, review, second.bottlenecks)
    kept = {(row["label"], row["concept_id"]): row for row in csv.DictReader(path.open())}
    assert kept["nodule", gone]["status"] == "forbidden" and kept["nodule", gone]["note"] == "not what I see"
    assert kept["nodule", b]["merge_into"] == a and kept["", a]["status"] == "accepted"
    again = read_review(kb, path)
    assert {(one.label, one.concept_id, one.status, one.into, one.note) for one in again.decisions} == {
        (one.label, one.concept_id, one.status, one.into, one.note) for one in review.decisions
    }
    assert trained(shapes, "rb", review=again).bottlenecks[0].to_dict() == second.bottlenecks[0].to_dict()


def test_what_is_no_review_says_the_line(shapes: Shapes, tmp_path: Path) -> None:
    kb, path = shapes.now(), tmp_path / "review.csv"
    one, two, three = (row["concept_id"] for row in kb.vocabulary.list(limit=3))
    for rows, said in (
        ([f"nodule,{one},,maybe,,"], "line 2: status 'maybe'"),
        ([f"nodule,{one},,accepted,,", "nodule,nothing such,,accepted,,"], "line 3: .*no concept"),
        ([f"nodule,{one},,merged,,"], "merge_into"),
        ([f"nodule,{one},,merged,{one},"], "into itself"),
        ([f"nodule,{one},,accepted,,", f",{one},,forbidden,,"], "accepted and forbidden|forbidden and accepted"),
        ([f"nodule,{one},,merged,{two},", f"nodule,{two},,merged,{three},"], "which is merged itself"),
    ):
        with pytest.raises(UsageError, match=said):
            read_review(kb, written(path, *rows))
    path.write_text("text\nnodule\n")
    with pytest.raises(UsageError, match="no review"):
        read_review(kb, path)
    path.write_bytes(f"\ufefflabel;concept_id;concept;status\nnodule;{one};;Accepted\n".encode())
    assert read_review(kb, path).accepted("Nodule") == [one], "as a spreadsheet writes it"


def test_the_gap_to_the_probe_has_a_paired_interval(shapes: Shapes) -> None:
    result = trained(shapes, "rb-gap")
    for row in result.rows:
        assert row["gap"] == pytest.approx(row["probe_auroc"] - row["auroc"])
        assert row["gap_low"] is None or row["gap_low"] <= row["gap"] <= row["gap_high"]
    dice = np.random.default_rng(0)
    truth = (dice.random(300) < 0.4).astype(float)
    good, noise = truth + dice.standard_normal(300), dice.standard_normal(300)
    owners = [f"p{n // 3}" for n in range(300)]
    found = auroc_gap(truth, good, noise, owners, resamples=200)
    assert found is not None and found.low > 0.1
    assert auroc_gap(truth, good, 2 * good, owners, resamples=50) is None, "the same order: nothing scatters"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_corrections_move_a_logit_by_weight_times_what_is_set_right(seed: int) -> None:
    dice = np.random.default_rng(seed)
    standard, right = dice.standard_normal((6, 4)), dice.choice([-1.0, 1.0, np.nan], (6, 4))
    weights = dice.standard_normal(4)
    readable = Readable(standard, right, dice.random((6, 4)))
    found = readable.looked_at(weights, 5)
    assert found.logits[0] == pytest.approx(standard @ weights) and found.corrected[0] == 0
    whole = np.where(np.isnan(right), standard, right) @ weights
    assert found.logits[5] == pytest.approx(whole) and found.logits[4] == pytest.approx(whole)
    assert found.corrected[5] == pytest.approx((~np.isnan(right)).sum(axis=1).mean())
    assert readable.looked_at(weights, 5, shuffled=dice).logits[5] == pytest.approx(whole)
    one = readable.looked_at(weights, 1).logits[1] - standard @ weights
    moves = np.where(np.isnan(right), 0, (right - standard) * weights)
    assert all(np.isclose(one[n], [*moves[n], 0]).any() for n in range(6)), "one concept moved, or none"


@pytest.mark.soak
def test_a_reader_who_corrects_concepts_makes_a_bottleneck_better(shapes: Shapes) -> None:
    trained(shapes, "rb-set")
    found = evaluate_corrections(shapes.now(), shapes.concepts, "rb-set", most=3, resamples=100)
    for label in ("nodule", "pleural effusion"):
        rows = [row for row in found.rows if row["label"] == label]
        assert [row["k"] for row in rows] == [0, 1, 2, 3] and rows[0]["change"] == 0 and rows[0]["corrected"] == 0
        assert rows[-1]["auroc"] >= rows[0]["auroc"] - 0.01
        assert rows[-1]["corrected"] <= 3 and rows[0]["n"] == 60
    kb, run = shapes.now(), read_run(shapes.now(), "rb-set")
    images = read_image_vectors(kb, run.encoder).of_split("test")
    plain = images.matrix.astype(float) @ run.head("nodule").weights
    from kb.statistics.ranking import Ranking

    truth = read_truth(kb, images, ["nodule"])[:, 0]
    assert found.rows[[row["label"] for row in found.rows].index("nodule")]["auroc"] == pytest.approx(
        Ranking(truth, plain).auroc
    )
    with pytest.raises(UsageError, match="no 'edema'"):
        evaluate_corrections(kb, shapes.concepts, "rb-set", most=1, labels=["edema"])


@pytest.mark.soak
def test_the_sheet_tells_each_concept_with_points_that_double_the_odds(shapes: Shapes, tmp_path: Path) -> None:
    result = trained(shapes, "rb-sheet", resamples=2)
    for name in ("s.html", "s.csv"):
        write_sheet(shapes.now(), result, tmp_path / name)
    page = (tmp_path / "s.html").read_text()
    for bottleneck in result.bottlenecks:
        assert f"<h2>{bottleneck.label}</h2>" in page
        for concept in bottleneck.concepts:
            assert f"<td>{concept.text}" in page
    assert "10 points double the odds" in page and "<script" not in page and "//" not in page
    assert points_of(np.log(2)) == 10 and points_of(-np.log(4)) == -20
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert len(rows) == sum(len(one.concepts) for one in result.bottlenecks)
    assert all(int(row["points_per_sd"]) == points_of(float(row["weight_per_sd"])) for row in rows)
    assert any(row["example"] for row in rows) and re.search(r"<q>[^<]+</q>", page)
    write_sheet(shapes.now(), result, tmp_path / "s.html", evidence=False)
    assert "<q>" not in (tmp_path / "s.html").read_text()
    with pytest.raises(UsageError, match=r"ends in \.html or \.csv"):
        write_sheet(shapes.now(), result, tmp_path / "s.docx")


def test_a_bottleneck_stored_before_has_no_selection_and_can_still_be_set(shapes: Shapes) -> None:
    trained(shapes, "rb-old")
    stored = read_run(shapes.now(), "rb-old").parameters["bottlenecks"]["nodule"]["concepts"]
    assert {one["selected"] for one in stored} == {None}
    shown = set_concepts(shapes.now(), shapes.concepts, "rb-old", values={stored[0]["concept_id"]: 0.0})
    assert shown.rows


@pytest.mark.soak
def test_the_command_reviews_writes_the_sheet_and_evaluates_corrections(
    shapes: Shapes, tmp_path: Path, cli: Callable, cli_json: Callable
) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder, "--run", "rb-cli")
    kept = ("--review", "r.csv", "--sheet", "s.html", "--resamples", 2, "--count", 3)
    said = cli("predict", "bottleneck", *where, *kept, "--replace").stdout
    assert "gap" in said and max(map(len, said.splitlines())) <= 80
    assert (tmp_path / "r.csv").exists() and "</html>" in (tmp_path / "s.html").read_text()
    told = cli_json("predict", "bottleneck", *where, "--interventions", 2)
    assert [row["k"] for row in told if row["label"] == "nodule"] == [0, 1, 2]
    both = ("--concepts", "r.csv", "--review", "r.csv")
    assert "name one" in cli("predict", "bottleneck", *where, *both, code=2).stderr
