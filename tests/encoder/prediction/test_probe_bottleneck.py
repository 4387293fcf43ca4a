"""Probes and concept bottlenecks: fitted on some patients, chosen by others, and open to a hand that sets a concept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.prediction.bottleneck import choose_concepts, intervene
from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.concept_list import read_concept_list
from encoder.prediction.correcting import evaluate_corrections
from encoder.prediction.intervention import set_concepts
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe import Examples, fit_probe
from encoder.prediction.probe_run import predict_probe
from encoder.prediction.runs import read_run
from encoder.prediction.view import View, view_of
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError


def examples(count: int, seed: int, unknown: float = 0.0) -> Examples:
    dice = np.random.default_rng(seed)
    x = dice.standard_normal((count, 5)) * np.array([1, 10, 0.1, 1, 0]) + 3
    truth = (x[:, 0] - 3 + (x[:, 2] - 3) * 10 + dice.standard_normal(count) > 0).astype(float)
    truth[dice.random(count) < unknown] = np.nan
    return Examples(x, truth, [f"p{n // 2}" for n in range(count)])


@pytest.mark.parametrize("validation", [200, 8])
def test_a_probe_finds_what_decides_and_folds_its_scaling_in(validation: int) -> None:
    head = fit_probe("x", examples(600, 0, unknown=0.2), examples(validation, 1))
    assert head is not None
    test = examples(500, 2)
    found = View("encoder", test.images).logits([head])[:, 0]
    from sklearn.metrics import roc_auc_score

    assert roc_auc_score(test.truth, found) > 0.85
    assert found[test.truth == 1].mean() > 0 > found[test.truth == 0].mean()
    assert head.weights[4] == pytest.approx(0, abs=1e-6)


def test_a_label_that_hardly_anyone_has_is_not_learned() -> None:
    few = examples(40, 0)
    rare = Examples(few.images, (np.arange(40) < 5).astype(float), few.patients)
    assert fit_probe("x", rare, rare) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_first_concept_is_the_one_most_correlated_with_the_probe(seed: int) -> None:
    dice = np.random.default_rng(seed)
    images = dice.standard_normal((200, 4)) @ dice.standard_normal((4, 4))
    concepts = dice.standard_normal((30, 4)).astype(np.float32)
    concepts /= np.linalg.norm(concepts, axis=1, keepdims=True)
    probe = dice.standard_normal(4)
    chosen = choose_concepts(concepts, probe, np.cov(images.T), count=4)
    correlations = [abs(np.corrcoef(images @ c, images @ probe)[0, 1]) for c in concepts]
    assert chosen[0] == int(np.argmax(correlations))
    for one in chosen:
        for other in chosen:
            if one != other:
                assert abs(np.corrcoef(images @ concepts[one], images @ concepts[other])[0, 1]) < 0.9 + 1e-4


@pytest.mark.soak
def test_a_probe_on_each_space_predicts_and_backbones_ask_for_their_vectors(shapes) -> None:
    kb = shapes.now()
    for space in ("encoder", "llm"):
        result = predict_probe(kb, shapes.concepts, PredictOptions(run=f"probe-of-{space}", space=space))
        assert min(row["auroc"] for row in result.rows) > 0.8
    with pytest.raises(UsageError, match="no image has a vector"):
        predict_probe(kb, shapes.report, PredictOptions(run="b", space="backbone"))
    encode(kb, shapes.report, layer="backbone")
    assert predict_probe(kb, shapes.report, PredictOptions(run="b", space="backbone")).run.encoder.endswith(":backbone")


def test_a_bottleneck_is_sparse_close_to_the_probe_and_says_the_gap(shapes) -> None:
    result = predict_bottleneck(shapes.now(), shapes.concepts, PredictOptions(run="cbm"), count=6)
    for row, bottleneck in zip(result.rows, result.bottlenecks, strict=True):
        assert row["gap"] == pytest.approx(row["probe_auroc"] - row["auroc"])
        assert row["gap"] < 0.1
        assert 1 <= row["concepts"] == len(bottleneck.concepts) <= 6
    kb = shapes.now()
    run = read_run(kb, "cbm")
    images = read_image_vectors(kb, run.encoder)
    stored = kb.dataset("predictions").to_table(filter="run = 'cbm' AND label = 'nodule'").to_pylist()
    folded = View("encoder", images.matrix).logits([run.head("nodule")])[:, 0]
    assert [row["logit"] for row in stored] == pytest.approx(list(folded), abs=1e-9)


def test_setting_a_concept_changes_the_prediction_by_its_weight(shapes) -> None:
    kb = shapes.now()
    result = predict_bottleneck(kb, shapes.concepts, PredictOptions(run="cbm2"), count=6)
    bottleneck = result.bottlenecks[0]
    images = read_image_vectors(kb, shapes.concepts.encoder_id).chosen(range(20))
    from encoder.space.concept_space import open_space

    space = open_space(kb, shapes.concepts)
    vectors = {c.concept_id: np.asarray(space.vectors[space.place(c.concept_id)]) for c in bottleneck.concepts}
    first = bottleneck.concepts[0]
    before, after = intervene(bottleneck, vectors, images.matrix, values={first.concept_id: 2.0})
    assert before == pytest.approx(View("encoder", images.matrix).logits([bottleneck.head])[:, 0], abs=1e-6)
    standard = (images.matrix.astype(float) @ vectors[first.concept_id] - first.mean) / first.deviation
    assert after - before == pytest.approx(first.weight * (2.0 - standard), abs=1e-6)


def test_interventions_are_told_by_image_and_name_what_there_is(shapes) -> None:
    kb = shapes.now()
    predict_bottleneck(kb, shapes.concepts, PredictOptions(run="cbm3"), count=4)
    concept = read_run(kb, "cbm3").parameters["bottlenecks"]["nodule"]["concepts"][0]
    shown = set_concepts(
        kb, shapes.concepts, "cbm3", values={concept["text"]: -3.0}, image_ids=["im0000.png"], labels=["nodule"]
    )
    assert [row["image"] for row in shown.rows] == ["im0000.png"]
    assert (shown.rows[0]["change"] < 0) == (concept["weight"] > 0)
    over_all = set_concepts(kb, shapes.concepts, "cbm3", values={concept["concept_id"]: 0.0})
    assert over_all.rows[0]["image"] == "mean of 60 images"
    with pytest.raises(UsageError, match=r"no concept of run 'cbm3' is called 'edema': .*nodule"):
        set_concepts(kb, shapes.concepts, "cbm3", values={"edema": 0.0})
    for act in (
        lambda: set_concepts(kb, shapes.report, "cbm3", values={concept["concept_id"]: 0.0}),
        lambda: evaluate_corrections(kb, shapes.report, "cbm3", most=1),
    ):
        with pytest.raises(UsageError, match=rf"run 'cbm3' is of encoder {shapes.concepts.encoder_id}, not of"):
            act()


@pytest.mark.soak
def test_a_curators_list_is_what_a_bottleneck_is_made_of(shapes, tmp_path: Path) -> None:
    kb = shapes.now()
    (tmp_path / "list.txt").write_text("# mine\nnodule\nleft pleural effusion\n\n")
    with pytest.raises(UsageError, match="line 2"):
        read_concept_list(kb, tmp_path / "list.txt")
    known = [row["text"] for row in kb.vocabulary.list(limit=3)]
    (tmp_path / "list.txt").write_text("\n".join(known))
    listed = read_concept_list(kb, tmp_path / "list.txt")
    result = predict_bottleneck(kb, shapes.concepts, PredictOptions(run="listed"), concept_ids=listed)
    used = {concept.text for bottleneck in result.bottlenecks for concept in bottleneck.concepts}
    assert used <= set(known) and used


def test_the_commands(shapes, cli: Callable, cli_json: Callable) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder)
    assert "on the test images" in cli("predict", "probe", *where, "--run", "pc").stdout
    told = cli_json("predict", "bottleneck", *where, "--run", "bc", "--count", 4)
    text = told["bottlenecks"]["nodule"]["concepts"][0]["text"]
    shown = cli_json("predict", "bottleneck", *where, "--run", "bc", "--set", f"{text}=0", "--image", "im0001.png")
    assert shown[0]["image"] == "im0001.png"
    assert "a number was expected" in cli("predict", "bottleneck", *where, "--set", "a=b", code=2).stderr
    assert "goes with --set" in cli("predict", "bottleneck", *where, "--image", "a", code=2).stderr
    assert "no label 'edema'" in cli("predict", "probe", *where, "--label", "edema", code=2).stderr


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(1, 12))
def test_the_llm_space_is_read_through_coordinates_without_being_spelt_out(seed: int, d: int, more: int) -> None:
    from encoder.space.projection import Projector, ProjectorFacts

    dice = np.random.default_rng(seed)
    projector = Projector(dice.standard_normal((d + more, d)), ProjectorFacts("c", "e", "t", 1))
    vectors = dice.standard_normal((7, d)).astype(np.float32)
    z = projector.project(vectors).astype(np.float64)
    direction = dice.standard_normal(d + more)
    view = view_of("llm", vectors, projector)
    assert view.matrix.shape == (7, d)
    assert view.along(direction) == pytest.approx(z @ direction / np.linalg.norm(z, axis=1), abs=1e-5)
    learned = dice.standard_normal(d)
    assert view.logits([view.head("x", learned, 0.5)])[:, 0] == pytest.approx(view.matrix @ learned + 0.5, abs=1e-5)
