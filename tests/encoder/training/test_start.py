"""A training that starts from a checkpoint: what it takes over, what is new, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from encoder.model.backbones.choice import BackboneChoice
from encoder.model.backbones.opening import open_backbone
from encoder.model.checkpoint import load_checkpoint
from encoder.model.frozen import freeze
from encoder.release.importing import import_release
from encoder.training.beginning import Beginning
from encoder.training.config import read_config
from encoder.training.train_result import TrainResult
from encoder.training.trainer import train
from kb.errors import ClearKbError, UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.clip_merges import MERGES, written
from tests.support.plain_release import random_release
from tests.support.shapes import CONFIG, NET
from tests.support.small_backbones import small, write_small

STILL = {"epochs": 1, "batch_size": 12, "learning_rate": 1e-9}
"""A training that moves nothing that can be seen."""


def started(kb: KnowledgeBase, start: Path, out: Path, **values: object) -> TrainResult:
    config = read_config("cpu-demo", str(start)).with_values({**STILL, "text": CONFIG.text, **values})
    result = train(kb, config, out, device="cpu")
    assert result is not None
    return result


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A small file of the published architecture, imported for pictures of 32 pixels."""
    state = random_release(width=64, layers=2, patch=8, grid=4, text_layers=1, context=12, dimension=24)
    torch.save(state, tmp_path / "best_model.pt")
    import_release(
        tmp_path / "best_model.pt",
        tmp_path / "released",
        written(tmp_path / "merges.txt", MERGES),
        preprocessing=Preprocessing(32),
    )
    return tmp_path / "released"


@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_a_start_from_our_checkpoint_is_at_first_as_good_as_that_was(
    few, begun, tmp_path: Path, objective: str
) -> None:
    before = load_checkpoint(begun[objective])
    values = {} if objective == "concepts" else {"text": before_text(begun[objective])}
    result = started(few, begun[objective], tmp_path / "e", objective=objective, **values)
    beginning = result.beginning
    assert beginning.origin.source == before.encoder_id
    assert set(beginning.origin.taken) == {"backbone", "projection", "text", "scale"} and not beginning.origin.new
    assert beginning.measured is not None
    metrics = before.facts.metrics
    assert beginning.measured.loss == pytest.approx(metrics["validation_loss"], rel=1e-6)
    assert beginning.measured.auroc == pytest.approx(metrics["validation_auroc"], rel=1e-6)
    old, new = weights(begun[objective]), weights(tmp_path / "e")
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)
    told = load_checkpoint(tmp_path / "e").facts
    assert told.training["started_from"] == before.encoder_id
    said = result.to_dict()["beginning"]
    assert said["source"] == before.encoder_id and said["trained"] == said["numbers"]
    assert said["validation"]["loss"] == beginning.measured.loss
    assert told.architecture == before.facts.architecture


def before_text(folder: Path) -> dict[str, int]:
    """The values of `text` that a checkpoint's transformer has."""
    made = load_checkpoint(folder).facts.architecture["text"]["transformer"]
    return {"tokens": made["vocab_size"], "width": 32, "layers": 1, "heads": 2, "context": 32}


@pytest.mark.parametrize(("first", "second"), [("concepts", "report"), ("report", "concepts")])
def test_another_objective_has_the_image_tower_and_a_new_text_side(few, begun, tmp_path: Path, first, second) -> None:
    beginnings: list[Beginning] = []
    config = read_config("cpu-demo", str(begun[first])).with_values({**STILL, "objective": second, "text": CONFIG.text})
    train(few, config, tmp_path / "e", device="cpu", on_begin=beginnings.append)
    told = beginnings[0].origin.told()
    assert told.startswith(f"image tower and projection from {load_checkpoint(begun[first]).encoder_id}; ")
    assert "text side, scale and bias new: the checkpoint's " in told
    old, new = weights(begun[first]), weights(tmp_path / "e")
    image = [name for name in old if name.startswith("image.")]
    assert image and all(torch.allclose(old[name], new[name], atol=1e-6) for name in image)
    assert float(new["log_scale"].exp()) == pytest.approx(10.0, rel=1e-4)


@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_a_start_from_the_published_release(few, released: Path, tmp_path: Path, objective: str) -> None:
    config = read_config("cpu-demo", str(released)).with_values(
        {**STILL, "objective": objective, "learning_rate": 1e-3}
    )
    result = train(few, config, tmp_path / "e", device="cpu")
    assert result is not None
    assert result.beginning.origin.taken == (
        ("backbone", "projection", "text", "scale") if objective == "report" else ("backbone", "projection")
    )
    if objective == "concepts":
        assert "the checkpoint's was a transformer" in result.beginning.origin.told()
    after = load_checkpoint(tmp_path / "e")
    assert after.facts.architecture["image"] == load_checkpoint(released).facts.architecture["image"]
    assert after.encoder.architecture.image.dimension == 24


def test_a_sigmoid_loss_does_not_begin_with_the_bias_of_infonce(few, released: Path, tmp_path: Path) -> None:
    config = read_config("cpu-demo", str(released)).with_values(
        {**STILL, "objective": "report", "report_loss": "sigmoid"}
    )
    result = train(few, config, tmp_path / "e", device="cpu")
    assert result is not None
    assert result.beginning.origin.taken == ("backbone", "projection", "text")
    assert "scale and bias new: the checkpoint's are of the softmax loss" in result.beginning.origin.told()
    assert result.checkpoint.encoder.bias.item() < -1
    assert result.checkpoint.facts.training["text"]["width"] == config.text.width == 64
    assert result.checkpoint.facts.training["precision"] == "float32"
    assert result.checkpoint.facts.training["device"] == "cpu"


@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_a_start_from_a_frozen_backbone_projects_it_anew(few, tmp_path: Path, objective: str) -> None:
    told = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.2, 0.3], "size": {"height": 32, "width": 32}}
    folder = write_small(tmp_path / "vit", small("vit"), processor=told)
    backbone = open_backbone(BackboneChoice(name=str(folder), size=32))
    frozen = freeze(backbone, Preprocessing(32), tmp_path / "frozen", named=True)
    config = read_config("cpu-demo", str(frozen.folder)).with_values(
        {**STILL, "objective": objective, "freeze": "backbone", "dimension": 12, "learning_rate": 1e-2}
    )
    result = train(few, config, tmp_path / "e", device="cpu")
    assert result is not None
    assert result.beginning.origin.taken == ("backbone",)
    assert "the checkpoint is a frozen backbone" in result.beginning.origin.told()
    old, new = weights(frozen.folder), weights(tmp_path / "e")
    assert all(torch.equal(new[name], tensor) for name, tensor in old.items() if name.startswith("image.backbone."))
    assert new["image.projection.weight"].shape[0] == result.checkpoint.encoder.architecture.image.dimension == 12
    assert result.checkpoint.encoder.architecture.image.mean == frozen.encoder.architecture.image.mean
    pixels = torch.rand(2, 32, 32) * 255
    assert torch.equal(result.checkpoint.encoder.image.features(pixels), frozen.encoder.image.features(pixels))


def test_pictures_of_another_size_are_read_by_the_same_weights(few, begun, tmp_path: Path) -> None:
    result = started(few, begun["concepts"], tmp_path / "e", size=48)
    assert result.checkpoint.preprocessing == Preprocessing(48)
    assert result.beginning.measured is not None and result.beginning.measured.auroc is not None
    with pytest.raises(ClearKbError, match=r"pixels of 60 of 60 images .*64 pixels"):
        started(few, begun["concepts"], tmp_path / "f", size=64)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"dimension": 24}, r"dimension comes from the checkpoint in .* \(16\), and is another here: leave it out"),
        ({"backbone": NET}, r"backbone comes from the checkpoint"),
        ({"backbone": "facebook/dinov2-base"}, r"backbone comes from the checkpoint"),
        ({"fit": "crop"}, r"fit comes from the checkpoint in .* \(pad\)"),
        ({"resample": "lanczos"}, r"resample comes from the checkpoint in .* \(bicubic\)"),
        ({"mean": 3}, "mean comes from the checkpoint"),
        ({"revision": "main"}, "revision comes from the checkpoint"),
    ],
)
def test_what_contradicts_the_checkpoint_is_refused(begun, tmp_path: Path, values, message: str) -> None:
    start = str(begun["concepts"])
    with pytest.raises(UsageError, match=message):
        read_config("cpu-demo", start).with_values(values)
    import yaml

    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"start": start, **values}))
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "own.yaml")
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "own.yaml", start)


def test_what_agrees_with_the_checkpoint_and_what_it_does_not_decide_may_be_said(begun) -> None:
    config = read_config("cpu-demo", str(begun["concepts"]))
    said = config.with_values({"dimension": 16, "size": 48, "epochs": 2})
    assert (said.dimension, said.size, said.epochs, said.learning_rate) == (
        16,
        48,
        2,
        read_config("cpu-demo").learning_rate,
    )
    assert said.with_values({"epochs": 3}).size == 48


def test_no_checkpoint_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no checkpoint"):
        read_config("cpu-demo", str(tmp_path))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"backbone": NET, "freeze": ["backbone"]}, "the image tower is new here, and would stay random"),
        ({"backbone": NET, "freeze": ["1 layer"]}, "the image tower is new here"),
        ({"backbone": "some/name", "freeze": ["image"]}, "freeze 'image': the projection is new here"),
        ({"backbone": NET, "freeze": ["text"]}, "the text side is new here"),
        ({"backbone": NET, "lora": {}}, "lora: the image tower is new here"),
    ],
)
def test_what_would_stay_random_is_not_frozen(few, tmp_path: Path, values, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(few, CONFIG.with_values(values), tmp_path / "e", device="cpu")


def test_another_embedder_means_a_new_text_side(few, begun, tmp_path: Path) -> None:
    import json
    import shutil

    shutil.copytree(begun["concepts"], tmp_path / "other")
    facts = json.loads((tmp_path / "other" / "encoder.json").read_text())
    (tmp_path / "other" / "encoder.json").write_text(json.dumps({**facts, "embedder": "E0000"}))
    result = started(few, tmp_path / "other", tmp_path / "e")
    assert "text side, scale and bias new: the checkpoint's reads embeddings of E0000, not of E" in (
        result.beginning.origin.told()
    )


@pytest.mark.soak
def test_the_command_tells_what_is_taken_over_before_the_first_epoch(few, begun, cli: Callable) -> None:
    start = begun["report"]
    asked = ["train", "--config", "cpu-demo", "--from", start, "--kb", few.uri, "--epochs", 1, "--batch-size", 12]
    lines = cli(*asked, "--out", "e", "--freeze", "backbone").stderr.splitlines()
    begins = next(number for number, line in enumerate(lines) if "image tower and projection from N" in line)
    assert lines[begins + 1] == "text side, scale and bias new: the checkpoint's was a transformer"
    assert "numbers; the others stay as they are" in lines[begins + 2]
    assert "before the first step: validation loss" in lines[begins + 3]
    assert begins < next(number for number, line in enumerate(lines) if line.startswith("epoch   1/1"))
    refused = cli(*asked, "--out", "g", "--set", "dimension=5", code=2)
    assert "dimension comes from the checkpoint" in refused.stderr
