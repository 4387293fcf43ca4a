"""`explain`: contributions that sum to the logit, with their sentences; `--heatmap` falls on what was planted."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.explanation.explanation import Explainer, Explanation
from encoder.explanation.heatmap import concept_quantity, relevance, smoothed
from encoder.explanation.placing import on_square, placed
from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from encoder.prediction.prompts import PromptSet
from encoder.prediction.runs import read_run, store_run
from encoder.prediction.view import view_of
from encoder.prediction.zero_shot import sentence_vectors
from encoder.prediction.zero_shot_run import predict_zero_shot
from encoder.space.concept_matrices import iter_concepts
from encoder.space.concept_space import open_space
from encoder.training.config import read_config
from encoder.training.trainer import train
from encoder.vectors.image_vectors import read_image_vectors
from ingest.demo import PhantomStudy, write_phantom_study
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder

IMAGE = "im0008.png"
KINDS = ["zero-shot-llm", "zero-shot-encoder", "probe-llm", "probe-encoder", "bottleneck"]


@pytest.fixture(scope="module")
def runs(shapes) -> dict[str, str]:
    """A run of each kind, by its kind."""
    for space in ("llm", "encoder"):
        options = PredictOptions(run=f"e-zero-shot-{space}", space=space)
        predict_zero_shot(shapes.now(), shapes.concepts, PromptSet(), options=options, embedder=lambda: shapes.embedder)
        predict_probe(shapes.now(), shapes.concepts, PredictOptions(run=f"e-probe-{space}", space=space))
    predict_bottleneck(shapes.now(), shapes.concepts, PredictOptions(run="e-bottleneck"), count=6)
    return {kind: f"e-{kind}" for kind in KINDS}


def explained(shapes, run: str, **values: object) -> Explanation:
    return Explainer(shapes.now(), shapes.concepts, run).explain(IMAGE, "nodule", **values)


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_contributions_sum_to_the_logit_that_was_stored(shapes, runs, kind: str, absolute: bool) -> None:
    found = explained(shapes, runs[kind], top=5, absolute=absolute)
    stored = (
        shapes.now()
        .dataset("predictions")
        .to_table(filter=f"run = '{runs[kind]}' AND label = 'nodule' AND image_id = '{IMAGE}'")
    )
    (row,) = stored.to_pylist()
    assert found.logit == pytest.approx(row["logit"], abs=1e-5)
    assert found.score == pytest.approx(row["score"], abs=1e-5)
    listed = sum(part.contribution for part in found.top)
    assert found.base + listed + found.others + found.outside + found.residual == pytest.approx(found.logit, abs=1e-9)
    assert abs(found.residual) <= 1e-4


@pytest.mark.parametrize("weighting", ["each", "finding"])
def test_in_the_llm_space_a_concept_contributes_its_weighted_score_times_its_alignment(shapes, weighting) -> None:
    kb = shapes.now()
    name = f"e-probe-{weighting}"
    predict_probe(kb, shapes.concepts, PredictOptions(run=name, space="llm", weights=weighting))
    explainer = Explainer(kb, shapes.concepts, name)
    found = explainer.explain(IMAGE, "nodule", top=400, absolute=True)
    chunks = list(iter_concepts(explainer.kb, shapes.concepts.text_side))
    c, e = (np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("vectors", "embeddings"))
    ids = [concept_id for chunk in chunks for concept_id in chunk.concept_ids]
    f = read_image_vectors(kb, shapes.concepts.encoder_id, [IMAGE]).matrix[0]
    scores = (c @ f) * explainer.space.weights
    z = e.T @ scores
    head = explainer.run.head("nodule")
    expected = dict(zip(ids, scores * (e @ head.weights) / np.linalg.norm(z), strict=True))
    assert len(found.top) == len(ids)
    for part in found.top:
        assert part.contribution == pytest.approx(expected[part.concept_id], abs=1e-4)


def test_a_run_that_does_not_say_how_concepts_counted_is_explained_as_published(shapes, runs) -> None:
    kb = shapes.now()
    predict_probe(kb, shapes.concepts, PredictOptions(run="e-old", space="llm", weights="each"))
    before = Explainer(kb, shapes.concepts, "e-old").explain(IMAGE, "nodule")
    stored = read_run(kb, "e-old")
    images = read_image_vectors(kb, stored.encoder)
    projector = open_space(kb, shapes.concepts, weighting="each").projector
    logits = view_of("llm", images.matrix, projector).logits(stored.heads)
    unsaid = {name: value for name, value in stored.parameters.items() if name != "weights"}
    store_run(kb, dataclasses.replace(stored, parameters=unsaid), images, logits=logits, replace=True)
    assert Explainer(shapes.now(), shapes.concepts, "e-old").explain(IMAGE, "nodule") == before


def test_findings_add_up_their_concepts_and_concepts_have_sentences(shapes, runs) -> None:
    found = explained(shapes, runs["probe-llm"], top=400, evidence=2)
    for group in found.groups:
        parts = [part.contribution for part in found.top if part.finding == group.finding and part.contribution]
        assert group.contribution == pytest.approx(sum(parts), abs=1e-6)
        assert group.concepts == len(parts)
    assert all(1 <= len(part.evidence) <= 2 for part in found.top)
    top = found.top[0]
    assert top.evidence[0].sentence is not None and top.finding.split()[0] in top.evidence[0].sentence.lower()


def test_a_bottleneck_is_explained_by_its_own_concepts(shapes, runs) -> None:
    explainer = Explainer(shapes.now(), shapes.concepts, runs["bottleneck"])
    found = explainer.explain(IMAGE, "nodule", top=50)
    own = {c["concept_id"] for c in explainer.run.parameters["bottlenecks"]["nodule"]["concepts"]}
    assert {part.concept_id for part in found.top if part.contribution} == own


@pytest.mark.soak
def test_predictions_are_explained_by_the_vocabulary_they_were_made_with(shapes, runs) -> None:
    kb = shapes.now()
    predict_probe(kb, shapes.concepts, PredictOptions(run="e-before", space="llm"))
    before = Explainer(kb, shapes.concepts, "e-before").explain(IMAGE, "nodule")
    change = kb.curate.retire(kb.vocabulary.list(limit=1)[0]["concept_id"])
    after = Explainer(shapes.now(), shapes.concepts, "e-before").explain(IMAGE, "nodule")
    assert after == before
    shapes.now().curate.revert(change.change_id)


def test_what_cannot_be_explained_says_why(shapes, runs) -> None:
    explainer = Explainer(shapes.now(), shapes.concepts, runs["probe-llm"])
    with pytest.raises(UsageError, match="predicts no 'edema'"):
        explainer.explain(IMAGE, "edema")
    with pytest.raises(UsageError, match="nothing: no such image"):
        explainer.explain("nothing", "nodule")
    with pytest.raises(UsageError, match="is of encoder"):
        Explainer(shapes.now(), shapes.report, runs["probe-llm"])
    with pytest.raises(UsageError, match="no run 'x'"):
        Explainer(shapes.now(), shapes.concepts, "x")


def test_the_command(shapes, runs, tmp_path: Path, cli: Callable, cli_json: Callable) -> None:
    where = ("--kb", shapes.kb.uri, "--encoder", shapes.concepts.folder, "--run", runs["zero-shot-llm"])
    told = cli_json("explain", IMAGE, "nodule", *where, "--concepts", "--top", 3)
    assert len(told["top"]) == 3 and abs(told["residual"]) <= 1e-4
    done = cli("explain", IMAGE, "nodule", *where, "--heatmap", "h.png", "--concept", "nodule", code=2)
    assert "no concept in use 'nodule'" in done.stderr
    done = cli("explain", IMAGE, "nodule", *where, "--concepts", "--heatmap", "h.png")
    assert (tmp_path / "h.png").read_bytes()[:4] == b"\x89PNG"
    assert "residual" in done.stdout and "by finding" in done.stdout and "evidence" in done.stdout
    assert "go with --concepts" in cli("explain", IMAGE, "nodule", *where, "--absolute", code=2).stderr
    assert "goes with --heatmap" in cli("explain", IMAGE, "nodule", *where, "--concept", "a", code=2).stderr


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory, embedder: Embedder) -> tuple[PhantomStudy, Checkpoint]:
    """A small encoder of phantoms."""
    folder = tmp_path_factory.mktemp("phantoms")
    study = write_phantom_study(folder / "study", 700, size=64, workers=1)
    kb = KnowledgeBase.create(folder / "p.kb")
    ingest_reports(kb, [study.reports], embedder=lambda: embedder)
    ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(64), workers=1)
    config = read_config("cpu-demo").with_values({"size": 64, "epochs": 10})
    result = train(kb, config, folder / "e", device="cpu")
    assert result is not None
    return study, result.checkpoint


@pytest.mark.soak
@pytest.mark.parametrize("finding", ["pleural effusion", "opacity"])
def test_a_heatmap_falls_on_the_planted_finding_of_a_phantom(phantoms, embedder: Embedder, finding: str) -> None:
    from PIL import Image

    study, checkpoint = phantoms
    present, absent = sentence_vectors([finding, f"no {finding}"], "encoder", checkpoint, embedder=embedder)
    boxes: dict[str, list[list[int]]] = {}
    with study.boxes.open() as file:
        for row in csv.DictReader(file):
            if row["finding"] == finding:
                boxes.setdefault(row["image"], []).append([int(row[name]) for name in ("x0", "y0", "x1", "y1")])
    mean = np.mean([np.asarray(Image.open(path)) for path in sorted(study.images.iterdir())[:200]], axis=0)
    inside, area = [], []
    for name in sorted(boxes)[-25:]:
        found = relevance(
            checkpoint, np.asarray(Image.open(study.folder / name)), mean, quantity=concept_quantity(present - absent)
        )
        for_it = np.clip(smoothed(found, 64), 0, None)
        mask = np.zeros((64, 64), bool)
        for x0, y0, x1, y1 in boxes[name]:
            mask[y0:y1, x0:x1] = True
        inside.append(for_it[mask].sum() / for_it.sum())
        area.append(mask.mean())
    assert np.mean(inside) > 2.5 * np.mean(area)


def test_relevance_sums_to_what_the_image_has_above_the_mean(phantoms) -> None:
    from PIL import Image

    study, checkpoint = phantoms
    pixels = np.asarray(Image.open(study.folder / "images/PH0000003.png"))
    mean = np.full((64, 64), 90.0)
    direction = np.eye(64)[0]
    found = relevance(checkpoint, pixels, mean, quantity=concept_quantity(direction))
    with torch.no_grad():
        both = checkpoint.encoder.image(
            torch.from_numpy(np.stack([pixels.astype(np.float32), mean.astype(np.float32)]))
        )
    assert found.sum() == pytest.approx(float(both[0, 0] - both[1, 0]), abs=0.1)


class Eye(torch.nn.Module):
    """An encoder that sees nothing but the mean grey of one patch."""

    def __init__(self, rows: slice, columns: slice):
        super().__init__()
        self.rows, self.columns = rows, columns
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.weight * pixels[:, self.rows, self.columns].mean(dim=(1, 2))[:, None]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from([1.0, -1.0]))
def test_the_strongest_place_is_what_the_encoder_looks_at_and_its_sign_what_it_says(row, column, sign) -> None:
    eye = SimpleNamespace(encoder=SimpleNamespace(image=Eye(slice(row, row + 14), slice(column, column + 14))))
    pixels, mean = np.full((64, 64), 180, np.uint8), np.full((64, 64), 90.0)
    found = relevance(eye, pixels, mean, quantity=concept_quantity(np.array([sign])))
    seen = smoothed(found, 64)
    y, x = np.unravel_index(np.argmax(np.abs(seen)), seen.shape)
    assert abs(y - (row + 6.5)) <= 7 and abs(x - (column + 6.5)) <= 7
    assert np.sign(seen[y, x]) == sign
    assert not relevance(eye, mean.astype(np.uint8), mean, quantity=concept_quantity(np.array([1.0]))).any()
    again = relevance(eye, pixels, mean, quantity=concept_quantity(np.array([sign])))
    assert (again == found).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(16, 60), st.integers(16, 60), st.sampled_from(["pad", "crop", "stretch"]), st.integers(0, 9_999))
def test_a_box_lies_on_the_square_where_the_pixels_that_it_holds_do(width, height, fit, seed) -> None:
    dice = np.random.default_rng(seed)
    left, top = int(dice.integers(0, width - 6)), int(dice.integers(0, height - 6))
    picture = np.zeros((height, width), np.uint8)
    picture[top : top + 6, left : left + 6] = 255
    made = Preprocessing(64, fit)
    x0, y0, x1, y1 = on_square((left, top, left + 6, top + 6), width, height, made)
    if min(x0, y0) >= 0 and max(x1, y1) <= 64:  # cropping may leave some of it out
        rows, columns = np.nonzero(made.apply(picture) > 127)
        assert rows.mean() + 0.5 == pytest.approx((y0 + y1) / 2, abs=1.5)
        assert columns.mean() + 0.5 == pytest.approx((x0 + x1) / 2, abs=1.5)
        assert len(rows) == pytest.approx((x1 - x0) * (y1 - y0), rel=0.35)
    shares = on_square((left / width, top / height, (left + 6) / width, (top + 6) / height), width, height, made)
    assert shares == pytest.approx((x0, y0, x1, y1), abs=1e-6)


def test_a_map_hits_a_box_by_its_strongest_place_and_overlaps_by_what_is_half_as_strong() -> None:
    found = np.zeros((10, 10))
    found[2:4, 2:6] = 1.0
    found[3, 3] = 2.0
    assert placed(found, [(2, 2, 6, 4)]) == (True, 1.0, 0.08)
    assert placed(found, [(6, 6, 8, 8)]) == (False, 0.0, 0.04)
    assert placed(found, [(2, 2, 4, 4), (9, 9, 10, 10)]).overlap == pytest.approx(4 / 9)
    assert placed(-found, [(0, 0, 10, 10)]) == (False, 0.0, 1.0)
