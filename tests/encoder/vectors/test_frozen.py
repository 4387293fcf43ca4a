"""`encode --backbone`: a pretrained backbone without a training, an encoder of its own, and what then works on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import encoder
from encoder.vectors.encoders import find_encoder
from encoder.vectors.image_vectors import read_image_vectors
from ingest.labels.labels import ingest_labels
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import SIZE, shapes_study
from tests.support.small_backbones import small, write_small

COUNT = 120


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights: what it gives still tells squares from discs."""
    return write_small(tmp_path_factory.mktemp("b") / "vit", small("vit"))


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, backbone: Path) -> KnowledgeBase:
    folder = tmp_path_factory.mktemp("frozen")
    kb = shapes_study(folder / "study", str(tiny_model), count=COUNT)
    ingest_labels(kb, folder / "study" / "labels.csv")
    encoder.encode_backbone(kb, str(backbone), out=folder / "kept")
    encoder.predict_probe(kb, run="probe")
    return kb


def now(kb: KnowledgeBase) -> KnowledgeBase:
    return KnowledgeBase.open(kb.uri)


@pytest.mark.soak
def test_it_is_an_encoder_found_by_its_name_its_folder_and_its_id(encoded: KnowledgeBase, backbone: Path) -> None:
    stored = find_encoder(encoded, str(backbone))
    assert stored.backbone == str(backbone) and stored.without_concepts
    assert {find_encoder(encoded, one).encoder for one in (None, stored.encoder, str(stored.folder))} == {
        stored.encoder
    }
    vectors = read_image_vectors(encoded, stored.encoder)
    assert vectors.matrix.shape == (COUNT, 32)
    assert np.linalg.norm(vectors.matrix, axis=1).std() > 0  # the features as they are, not of length 1
    again = encoder.encode_backbone(now(encoded), str(backbone), out=stored.folder, dry_run=True).encoding
    assert (again.encoder, again.encoded, again.known) == (stored.encoder, 0, COUNT)


def test_a_probe_reads_it_and_says_that_nothing_here_taught_it(encoded: KnowledgeBase) -> None:
    rows = encoder.predict_probe(now(encoded), dry_run=True).rows
    assert {row["split"] for row in rows} == {"test"}
    assert min(row["auroc"] for row in rows) > 0.6


@pytest.mark.soak
def test_a_bottleneck_takes_concepts_fitted_to_training_reports_alone(encoded: KnowledgeBase) -> None:
    found = encoder.predict_bottleneck(now(encoded), dry_run=True)
    told = next(note for note in found.notes if note.startswith("directions of encoder"))
    train = read_image_vectors(encoded, found.run.encoder).numbers_of("train")
    assert f"fitted to what reports state of {len(train)} images" in told
    assert {concept.text for one in found.bottlenecks for concept in one.concepts} <= {"pleural effusion", "nodule"}


@pytest.mark.soak
def test_audits_and_image_search_work_on_it(encoded: KnowledgeBase) -> None:
    kb = now(encoded)
    assert any("directions of encoder" in note for note in encoder.audit.confounders(kb, "probe", "nodule").notes)
    assert encoder.audit.slices(kb, "probe", "nodule").n == 24
    assert encoder.audit.segments(kb, "probe", "nodule")
    found = encoder.search_images(kb, "im0003.png", k=3).hits.rows()
    assert [row["image_id"] for row in found] and "im0003.png" not in {row["image_id"] for row in found}


def test_sentences_and_explanations_say_that_it_has_no_text_side(encoded: KnowledgeBase, backbone: Path) -> None:
    kb = now(encoded)
    for attempt in (
        lambda: encoder.predict_zero_shot(kb),
        lambda: encoder.explain(kb, "im0003.png", "nodule", run="probe"),
        lambda: encoder.predict_probe(kb, space="llm"),
    ):
        with pytest.raises(UsageError, match=f"is the frozen backbone {backbone}: it has no text side"):
            attempt()
    with pytest.raises(UsageError, match="of sentences it knows nothing"):
        encoder.search_images(kb, "a large effusion on the left", k=3)
    with pytest.raises(UsageError, match="there is no projection to look before"):
        encoder.encode(kb, layer="backbone")


def test_it_is_refused_before_anything_is_kept(kb: KnowledgeBase, encoded: KnowledgeBase, backbone: Path) -> None:
    with pytest.raises(UsageError, match="does not read pictures of 50 x 50"):
        encoder.encode_backbone(kb, str(backbone), size=50)  # before it is seen that there are no images
    with pytest.raises(UsageError, match=r"not in .* as they are wanted here \(48 pixels, pad, bicubic\)"):
        encoder.encode_backbone(now(encoded), str(backbone), size=48)
    kept = find_encoder(encoded).folder
    with pytest.raises(UsageError, match=r"holds encoder N.* already"):
        encoder.encode_backbone(now(encoded), str(backbone), pooling="mean", out=kept)
    with pytest.raises(UsageError, match=r"deviation 0.0: grey levels above 0 were expected"):
        encoder.encode_backbone(now(encoded), str(backbone), deviation=0)
    with pytest.raises(UsageError, match="mean: 2 grey levels, for a backbone that reads 3 channels"):
        encoder.encode_backbone(now(encoded), str(backbone), mean=[1, 2], deviation=3)


def test_a_training_starts_from_what_was_kept_with_a_projection_of_its_own(encoded: KnowledgeBase, tmp_path) -> None:
    values = {"start": str(find_encoder(encoded).folder), "dimension": 8, "epochs": 1, "batch_size": 16, "ema": 0.0}
    result = encoder.train(now(encoded), tmp_path / "e", config="cpu-demo", values={**values, "freeze": "backbone"})
    image = result.checkpoint.facts.architecture["image"]
    assert (image["dimension"], image.get("projected", True), image["pooling"]) == (8, True, "class")
    assert result.beginning.to_dict()["taken"] == ["backbone"]


def test_the_command(cli: Callable, cli_json: Callable, encoded: KnowledgeBase, backbone: Path, tmp_path) -> None:
    wrong = cli("encode", "--kb", encoded.uri, "--pooling", "mean", code=2)
    assert "--pooling is of a frozen backbone: name one with --backbone" in wrong.stderr
    missing = cli("encode", "--kb", encoded.uri, "--backbone", backbone, "--size", 48, code=2)
    assert "(48 pixels, pad, bicubic)" in missing.stderr and "clear-kb ingest images" in missing.stderr
    asked = ("encode", "--kb", encoded.uri, "--backbone", backbone, "--mean", "100,90,80", "-o", tmp_path / "k")
    told = cli(*asked).stdout
    assert f"{SIZE} x {SIZE}, pad, bicubic" in told and "mean 100.00 90.00 80.00, deviation 83.44" in told
    found = cli_json(*asked)
    assert (found["known"], found["pooling"], found["dimension"], found["network"]) == (COUNT, "class", 32, "vit")
