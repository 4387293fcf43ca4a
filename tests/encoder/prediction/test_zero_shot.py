"""Zero-shot: sentences for and against a label, in either space; "No Finding" is not turned round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from encoder.prediction.calibration import calibrated
from encoder.prediction.ground_truth import read_truth
from encoder.prediction.head import Head, scores
from encoder.prediction.predicting import PredictOptions, PredictResult, auroc_of
from encoder.prediction.prompts import DEFAULT, NORMAL, Prompts, PromptSet, read_prompts
from encoder.prediction.runs import read_run
from encoder.prediction.view import View, view_of
from encoder.prediction.zero_shot import sentence_vectors, zero_shot_heads
from encoder.prediction.zero_shot_run import predict_zero_shot
from encoder.space.projection import Projector, ProjectorFacts
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.language.label_names import is_no_finding

FINDINGS = ("nodule", "pleural effusion")


def predicted(shapes, run: str, prompts: PromptSet | None = None, encoder: str = "concepts", **values) -> PredictResult:
    contrast = values.pop("contrast", None)
    options = PredictOptions(run=run, **values)
    checkpoint = getattr(shapes, encoder)
    return predict_zero_shot(
        shapes.now(),
        checkpoint,
        prompts or PromptSet(),
        options=options,
        embedder=lambda: shapes.embedder,
        contrast=contrast,
    )


def test_it_tells_findings_apart_without_any_label(shapes) -> None:
    result = predicted(shapes, "zs", space="encoder", contrast="absent")
    aurocs = {row["label"]: row["auroc"] for row in result.rows}
    assert set(aurocs) == set(FINDINGS)
    assert min(aurocs.values()) > 0.8


@pytest.mark.parametrize(("space", "encoder"), [("encoder", "concepts"), ("llm", "concepts"), ("encoder", "report")])
def test_a_head_is_the_difference_of_its_sentences(shapes, space: str, encoder: str) -> None:
    checkpoint = getattr(shapes, encoder)
    prompts = PromptSet(Prompts(("{x}", "a {x}"), ("no {x}",)))
    (head,) = zero_shot_heads(["nodule"], prompts, space, checkpoint=checkpoint, embedder=shapes.embedder)
    one, two, no = sentence_vectors(["nodule", "a nodule", "no nodule"], space, checkpoint, embedder=shapes.embedder)
    mean = (one + two) / np.linalg.norm(one + two)
    assert head.weights == pytest.approx(mean - no, abs=1e-6)
    (alone,) = zero_shot_heads(
        ["nodule"], prompts, space, checkpoint=checkpoint, embedder=shapes.embedder, contrast="none"
    )
    assert alone.weights == pytest.approx(mean, abs=1e-6)


def test_what_is_not_asked_for_is_chosen_by_validation_and_said(shapes) -> None:
    result = predicted(shapes, "chosen")
    measured = result.run.parameters["validation_auroc"]
    assert set(measured) == {"encoder-absent", "encoder-none", "llm-absent", "llm-none"}
    best = max(measured, key=measured.__getitem__)
    assert f"{result.run.space}-{result.run.parameters['contrast']}" == best
    assert f"{measured[best]:.3f}" in result.notes[0]


@pytest.mark.soak
def test_concepts_count_by_finding_unless_asked_otherwise_and_the_run_says_so(shapes, cli: Callable, cli_json) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder, "--space", "llm")
    by_finding = cli_json("predict", "zero-shot", *where, "--run", "by-finding")
    each = cli_json("predict", "zero-shot", *where, "--run", "each", "--weights", "each")
    assert (by_finding["weights"], each["weights"]) == ("finding", "each")
    kb = shapes.now()
    stored = kb.dataset("predictions").to_table(filter="run IN ('by-finding', 'each') AND image_id = 'im0008.png'")
    assert len({row["logit"] for row in stored.to_pylist()}) == 4
    assert (read_run(kb, "by-finding").weighting, read_run(kb, "each").weighting) == ("finding", "each")
    assert "space llm, weights each" in cli("explain", "im0008.png", "nodule", *where[:4], "--run", "each").stdout


@pytest.mark.soak
def test_weights_are_refused_where_concepts_have_none(shapes, cli: Callable) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder, "--weights", "each", "--run", "refused")
    for method in ("zero-shot", "probe"):
        done = cli("predict", method, *where, "--space", "encoder", code=2)
        assert "weights in the LLM space only" in done.stderr and "--space llm" in done.stderr
    nothing = Projector(np.zeros((4, 2)), ProjectorFacts("c", "e", "t", 3, "finding"))
    with pytest.raises(UsageError, match="no concept in use at commit c says that a finding is present"):
        view_of("llm", np.ones((1, 2), dtype=np.float32), nothing)


def test_without_labels_it_predicts_all_the_same_and_says_that_nothing_chose(shapes) -> None:
    result = predicted(shapes, "unlabelled", labels=("edema", "cardiomegaly"))
    assert result.images == 300 and {row["auroc"] for row in result.rows} == {None}
    assert "nothing chose" in result.notes[0] and "no image has a label called edema" in result.notes[1]
    assert (result.run.space, result.run.parameters["contrast"]) == ("encoder", "absent")


def test_no_finding_is_the_opposite_of_the_findings_and_not_turned_round(shapes) -> None:
    kb = shapes.now()
    images = read_image_vectors(kb, shapes.concepts.encoder_id)
    truth = read_truth(kb, images, list(FINDINGS))
    normal = (truth.sum(1) == 0).astype(float)
    for space in ("encoder", "llm"):
        heads = zero_shot_heads(
            [*FINDINGS, "No Finding"], PromptSet(), space, checkpoint=shapes.concepts, embedder=shapes.embedder
        )
        assert heads[2].weights @ heads[0].weights < 0 > heads[2].weights @ heads[1].weights
        if space == "encoder":
            found = auroc_of(view_of("encoder", images.matrix, None).logits([heads[2]])[:, 0], normal)
            assert found is not None and found > 0.8
    naive = PromptSet(labels={"No Finding": Prompts(("no finding",), ("no no finding",))})
    (asked,) = zero_shot_heads(["No Finding"], naive, "encoder", checkpoint=shapes.concepts, embedder=shapes.embedder)
    own = zero_shot_heads(
        [*FINDINGS, "No Finding"], naive, "encoder", checkpoint=shapes.concepts, embedder=shapes.embedder
    )[2]
    assert own.weights == pytest.approx(asked.weights, abs=1e-5)  # who names sentences for it gets these


def test_a_label_of_normal_images_has_sentences_of_its_own() -> None:
    assert PromptSet().of("No Finding") == NORMAL
    assert PromptSet().of("Pleural_Thickening") == Prompts(("pleural thickening",), ("no pleural thickening",))
    assert PromptSet().of("XYZ").present == ("XYZ",)
    assert [
        is_no_finding(x) for x in ("no finding", "Normal", "No_Acute_Abnormality", "Nodule", "Normal heart size")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_scores_are_calibrated_on_validation_and_keep_their_order() -> None:
    dice = np.random.default_rng(0)
    truth = (dice.random(4000) < 0.2).astype(float)
    logit = 0.05 * truth + 0.02 * dice.standard_normal(4000) + 3.0
    head = Head("x", np.array([1.0]))
    fitted = calibrated(head, logit, truth)
    assert fitted is not None and fitted.scale > 0
    after = scores(View("encoder", logit[:, None]).logits([fitted]))[:, 0]
    assert after.mean() == pytest.approx(truth.mean(), abs=0.01)
    for low in (0.0, 0.2, 0.5):
        inside = (after >= low) & (after < low + 0.3)
        assert truth[inside].mean() == pytest.approx(after[inside].mean(), abs=0.06)
    assert np.array_equal(np.argsort(after, kind="stable"), np.argsort(logit, kind="stable"))


def test_nothing_is_calibrated_by_too_few_or_against_the_labels() -> None:
    head, logit = Head("x", np.array([1.0])), np.linspace(0, 1, 100)
    assert calibrated(head, logit, (logit > 0.95).astype(float)) is None
    assert calibrated(head, logit, (logit < 0.5).astype(float)) is None
    assert calibrated(head, logit, np.full(100, np.nan)) is None


@pytest.mark.soak
def test_a_stored_run_holds_all_that_its_scores_are_made_of(shapes) -> None:
    result = predicted(shapes, "stored", space="llm", contrast="none")
    kb = shapes.now()
    run = read_run(kb, "stored")
    assert (run.encoder, run.method, run.space) == (shapes.concepts.encoder_id, "zero-shot", "llm")
    assert run.parameters["prompts"]["nodule"] == {"present": ["nodule"], "absent": ["no nodule"]}
    rows = kb.dataset("predictions").to_table(filter="run = 'stored'").to_pylist()
    assert len(rows) == 600 and all(0 < row["score"] < 1 for row in rows)
    assert result.commit == kb.commit.commit_id
    with pytest.raises(UsageError, match="there is a run 'stored' already"):
        predicted(shapes, "stored", space="llm")
    predicted(shapes, "stored", space="encoder", replace=True)
    assert read_run(shapes.now(), "stored").space == "encoder"
    assert predicted(shapes, "dry", space="encoder", dry_run=True).commit is None
    with pytest.raises(UsageError, match="no run 'dry'"):
        read_run(shapes.now(), "dry")


PROMPTS = """
prompts: {present: ["{x}", "there is {x}"], absent: "no {x}"}
labels:
  Edema: {present: [pulmonary edema], absent: [no pulmonary edema, clear lungs]}
"""


def test_a_prompt_set_is_read_from_yaml(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(PROMPTS)
    read = read_prompts(tmp_path / "p.yaml")
    assert read.of("Mass") == Prompts(("mass", "there is mass"), ("no mass",))
    assert read.of("Edema") == Prompts(("pulmonary edema",), ("no pulmonary edema", "clear lungs"))
    (tmp_path / "e.yaml").write_text("")
    assert read_prompts(tmp_path / "e.yaml").templates == DEFAULT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("promts: 1", "not promts"),
        ("[1]", "`prompts` and `labels` were expected"),
        ("prompts: {present: [a]}", "`present` and `absent` were expected"),
        ("labels: {Edema: {present: [], absent: [b]}}", "one sentence or a list"),
        ("labels: [Edema]", "a mapping of labels"),
        ("a: [", "no YAML"),
    ],
)
def test_a_wrong_prompt_set_says_where(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_prompts(tmp_path / "p.yaml")


def test_the_same_sentences_for_and_against_are_refused(shapes) -> None:
    prompts = PromptSet(Prompts(("{x}",), ("{x}",)))
    with pytest.raises(UsageError, match="are the same"):
        predicted(shapes, "same", prompts, space="encoder")


def test_the_command(shapes, tmp_path: Path, cli: Callable, cli_json: Callable) -> None:
    (tmp_path / "p.yaml").write_text(PROMPTS)
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder)
    told = cli_json("predict", "zero-shot", *where, "--run", "c1", "--label", "Nodule", "--prompts", "p.yaml")
    assert [row["label"] for row in told["labels"]] == ["nodule"]
    done = cli("predict", "zero-shot", *where, "--run", "c2", "--space", "encoder", "--contrast", "none")
    assert "on the test images" in done.stdout and "pleural effusion" in done.stdout
    assert "already" in cli("predict", "zero-shot", *where, "--run", "c2", code=2).stderr
