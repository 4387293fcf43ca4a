"""`clear-kb train`: to the best epoch, the same weights every time, taken up where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from encoder.model.checkpoint import load_checkpoint
from encoder.training.config import TrainConfig, read_config, shipped_configs
from encoder.training.running_mean import RunningMean
from encoder.training.schedule import rate_at
from encoder.training.train_result import TrainResult
from encoder.training.trainer import train
from encoder.training.validation import Measured
from ingest.images.images import ingest_images
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import EmbeddingError
from tests.support.shapes import CONFIG, VIT, shapes_study


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> KnowledgeBase:
    return shapes_study(tmp_path_factory.mktemp("shapes"), str(tiny_model))


def trained(kb: KnowledgeBase, out: Path, resume: bool = False, **values: object) -> TrainResult:
    result = train(kb, CONFIG.with_values(values), out, resume=resume, device="cpu")
    assert result is not None
    return result


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def same(a: Path, b: Path) -> bool:
    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.soak
@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_it_learns_and_leaves_a_checkpoint_with_its_figures(shapes, tmp_path: Path, objective: str) -> None:
    result = trained(shapes, tmp_path / "e", objective=objective, epochs=6, patience=6)
    losses = [epoch.loss for epoch in result.epochs]
    assert losses[-1] < losses[0]
    checkpoint = load_checkpoint(tmp_path / "e")
    assert checkpoint.facts.vocabulary_commit == shapes.commit.commit_id
    assert checkpoint.facts.objective == objective
    assert (checkpoint.facts.embedder is not None) == (objective == "concepts")
    assert (tmp_path / "e" / "curve.png").stat().st_size > 5_000
    rows = shapes.storage.dataset("training_metrics").to_table(filter=f"training = '{result.training}'").to_pylist()
    assert [
        r["value"] for r in sorted(rows, key=lambda r: r["step"]) if r["name"] == "loss" and r["split"] == "train"
    ] == losses
    assert not (tmp_path / "e" / "resume").exists()


@pytest.mark.soak
def test_the_concepts_objective_tells_images_apart(shapes, tmp_path: Path) -> None:
    assert (trained(shapes, tmp_path / "e", epochs=10, patience=10).best.auroc or 0) > 0.75


@pytest.mark.soak
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(shapes, tmp_path: Path) -> None:
    augmented = {"augment": {"rotate": 5.0, "brightness": 0.1}, "epochs": 1}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        trained(shapes, tmp_path / name, seed=seed, **augmented)
    assert same(tmp_path / "a", tmp_path / "b")
    assert not same(tmp_path / "a", tmp_path / "c")


@pytest.mark.soak
@pytest.mark.parametrize("objective", ["concepts", "report"])
def test_an_interrupted_training_goes_on_to_the_same_weights(shapes, tmp_path: Path, objective: str) -> None:
    values = {"objective": objective, "augment": {"rotate": 5.0}, "epochs": 3, "patience": 9}
    trained(shapes, tmp_path / "whole", **values)

    def stop(epoch: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(shapes, CONFIG.with_values(values), tmp_path / "cut", device="cpu", on_epoch=stop)
    with pytest.raises(UsageError, match="resume it"):
        trained(shapes, tmp_path / "cut", **values)
    with pytest.raises(UsageError, match="has learning_rate"):
        trained(shapes, tmp_path / "cut", resume=True, **values, learning_rate=1.0)
    result = trained(shapes, tmp_path / "cut", resume=True, **values)
    assert [epoch.epoch for epoch in result.epochs] == [2, 3]
    assert same(tmp_path / "whole", tmp_path / "cut")
    rows = shapes.storage.dataset("training_metrics").to_table(filter=f"training = '{result.training}'").to_pylist()
    assert sorted(row["epoch"] for row in rows if row["name"] == "loss" and row["split"] == "train") == [1, 2, 3]


@pytest.mark.soak
def test_it_stops_when_nothing_gets_better_and_restores_the_best(shapes, tmp_path: Path) -> None:
    result = trained(shapes, tmp_path / "e", epochs=40, patience=2, learning_rate=0.5, ema=0.0)
    assert result.stopped_early and len(result.epochs) == result.best_epoch + 2
    metrics = load_checkpoint(tmp_path / "e").facts.metrics
    best = result.epochs[result.best_epoch - 1]
    assert best.best and metrics["validation_loss"] == best.validation_loss
    again = trained(shapes, tmp_path / "b", epochs=40, patience=result.best_epoch, learning_rate=0.5, ema=0.0)
    assert again.best_epoch >= result.best_epoch


@pytest.mark.soak
def test_a_vision_transformer_trains_as_well(shapes, tmp_path: Path) -> None:
    result = trained(shapes, tmp_path / "e", backbone=VIT, epochs=2, micro_batch=8)
    assert result.epochs[1].loss < result.epochs[0].loss


@pytest.mark.parametrize("by_auroc", [True, False])
def test_what_is_better(by_auroc: bool) -> None:
    low, high, none = Measured(1.0, 0.6, 3), Measured(2.0, 0.8, 3), Measured(0.5, None, 0)
    assert low.better_than(None, by_auroc=by_auroc)
    assert high.better_than(low, by_auroc=by_auroc) == by_auroc
    assert none.better_than(low, by_auroc=by_auroc)


def test_the_rate_rises_then_falls_over_optimiser_steps() -> None:
    rates = [rate_at(step, 100, 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert rates[10] == pytest.approx(1.0)
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[55] == pytest.approx(0.5, abs=0.02) and 0 < rates[99] < 0.001
    assert rate_at(0, 1, 0.0) == pytest.approx(1.0)


def test_the_running_mean_follows_the_weights_and_gives_them_back() -> None:
    net = torch.nn.Linear(2, 2)
    mean = RunningMean(net, 0.9)
    before = net.weight.detach().clone()
    with torch.no_grad():
        net.weight += 1
    mean.update(1_000)
    assert torch.allclose(mean.weights["weight"], before + 0.1, atol=1e-6)
    with mean.in_use():
        assert torch.allclose(net.weight, before + 0.1, atol=1e-6)
    assert torch.allclose(net.weight, before + 1)


@pytest.mark.soak
def test_what_cannot_be_trained_is_refused_with_what_to_do(shapes, kb: KnowledgeBase, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no image of .* has a report"):
        trained(kb, tmp_path / "a")
    with pytest.raises(UsageError, match=r"pixels of 120 of 120 images .* \(64 pixels, pad, bicubic\)"):
        trained(shapes, tmp_path / "b", size=64)
    trained(shapes, tmp_path / "c", epochs=1)
    with pytest.raises(UsageError, match="holds a checkpoint already"):
        trained(shapes, tmp_path / "c", epochs=1)
    with pytest.raises(UsageError, match="finished training"):
        trained(shapes, tmp_path / "c", resume=True, epochs=1)


def test_a_concept_without_embedding_is_named(tmp_path: Path, tiny_model: Path) -> None:
    kb = shapes_study(tmp_path / "s", str(tiny_model), count=12)
    concept = kb.vocabulary.list(assertion="present", limit=1)[0]
    kb.curate.rename(concept["concept_id"], "something else")
    with pytest.raises(EmbeddingError, match=concept["concept_id"]):
        trained(kb, tmp_path / "e")


def test_shipped_configurations_are_read() -> None:
    assert shipped_configs() == ["cpu-demo", "many-gpus", "one-gpu"]
    for name in shipped_configs():
        assert isinstance(read_config(name), TrainConfig)
    assert read_config("one-gpu").size == 448


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"where": ""}, "where '': words were expected"),
        ({"backbone": ""}, "a name, a folder or a configuration was expected"),
        ({"mean": []}, "a number, or one for each channel, was expected"),
        ({"views": None}, "frontal, all, or some of them"),
        ({"augment": {"scale": 150}}, "augment.scale 150: a number from 0 to 1 was expected"),
        ({"text": {"heads": 3}}, "text.width 128: a multiple of text.heads"),
        ({"lora": {"targets": [""]}}, "lora.targets: at least one was expected"),
        ({"start": "2024"}, "2024 is no checkpoint"),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_read(values, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_config("cpu-demo").with_values(values)


def test_words_that_look_like_numbers_stay_words() -> None:
    assert read_config("cpu-demo").with_values({"revision": 5, "architecture": "3"}).revision == "5"


def test_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("learning_rate: 1e-3\naugment: {rotate: 1e1}")  # text, to YAML 1.1
    read = read_config(tmp_path / "c.yaml")
    assert (read.learning_rate, read.augment.rotate) == (0.001, 10.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "'epochs' was meant"),
        ("augment: {rotat: 1}", r"'augment\.rotate' was meant"),
        ("objective: clip", "one of concepts, report"),
        ("batch_size: many", "a whole number from 1"),
        ("seed: 1.5", "a whole number from 0"),
        ("compile: maybe", "true or false"),
        ("gradient_checkpointing: 1", "true or false"),
        ("keep_states: 0", "a whole number from 1"),
        ("augment: 3", "names and values were expected"),
        ("augment: {rotate: .nan}", "from 0 to 180"),
        ("backbone: 3", "a name, a folder or a configuration"),
        ("warmup: 2", "from 0 to 1"),
        ("fit: squash", "choose one of"),
        ("[1, 2]", "no names and values"),
        ("a: [", "no YAML"),
    ],
)
def test_a_wrong_configuration_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_config(tmp_path / "c.yaml")
    with pytest.raises(UsageError, match="one of cpu-demo"):
        read_config("nothing")


CONFIG_YAML = """
backbone: {model_type: convnext, num_channels: 1, patch_size: 4, num_stages: 2, hidden_sizes: [16, 32], depths: [1, 1]}
dimension: 16
size: 32
batch_size: 24
epochs: 2
"""


def test_the_command(shapes, tmp_path: Path, cli: Callable, cli_json: Callable) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG_YAML)
    told = cli_json("train", "--config", "c.yaml", "--kb", shapes.uri, "--set", "augment.rotate=1", "--seed", 3)
    assert [epoch["epoch"] for epoch in told["epochs"]] == [1, 2]
    assert told["images"] == {"train": 72, "validation": 24, "test": 24}
    only = ("--where", "image_id < 'im0060.png'", "--epochs", 1)
    done = cli("train", "--config", "c.yaml", "--kb", shapes.uri, "--out", "other", *only)
    assert "60 not where image_id < 'im0060.png'" in " ".join(done.stdout.split())
    assert "epoch   1/1" in done.stderr and "checkpoint" in done.stdout
    assert (
        "'epochs' was meant"
        in cli("train", "--config", "c.yaml", "--kb", shapes.uri, "--set", "epoch=1", code=2).stderr
    )


@pytest.mark.soak
def test_reports_without_text_cannot_be_trained_against(tmp_path: Path, tiny_model: Path) -> None:
    from ingest.reports.ingest import ingest_reports
    from ingest.reports.options import IngestOptions

    kb = shapes_study(tmp_path / "s", str(tiny_model), count=20)
    bare = KnowledgeBase.create(tmp_path / "bare.kb")
    ingest_reports(bare, [tmp_path / "s" / "reports.csv"], IngestOptions(store_text=False))
    table = tmp_path / "s" / "images.csv"
    ingest_images(bare, [tmp_path / "s"], table=table, preprocessing=Preprocessing(32), workers=1)
    with pytest.raises(UsageError, match="20 of 20 images have a report without text"):
        trained(bare, tmp_path / "a", objective="report")
    with pytest.raises(UsageError, match="batch_size has to be 2"):
        trained(kb, tmp_path / "b", objective="report", batch_size=1)


def test_a_device_that_is_not_here_is_named(shapes, tmp_path: Path, cli: Callable) -> None:
    done = cli("train", "--config", "cpu-demo", "--device", "banana", "--kb", shapes.uri, "--out", "o", code=2)
    assert "device 'banana'" in done.stderr
