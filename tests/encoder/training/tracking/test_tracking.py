"""What a training writes down at every step, for files, trackers and the knowledge base."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from encoder.training.tracking.choice import check_trackers
from encoder.training.tracking.steps_file import COLUMNS, STEPS, StepsFile, read_steps
from encoder.training.train_result import TrainResult
from encoder.training.trainer import train
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import CONFIG

SHORT = CONFIG.with_values({"epochs": 2, "batch_size": 12})
STEPS_AN_EPOCH = 3


def trained(kb: KnowledgeBase, out: Path, config=SHORT, **options: Any) -> TrainResult:
    result = train(kb, config, out, device="cpu", **options)
    assert result is not None
    return result


@pytest.mark.soak
def test_every_step_is_a_row_and_its_means_are_in_the_knowledge_base(few, tmp_path: Path) -> None:
    clip = 0.5
    result = trained(few, tmp_path / "e", SHORT.with_values({"gradient_clip": clip}))
    rows = read_steps(tmp_path / "e")
    assert [row["step"] for row in rows] == list(range(1, 2 * STEPS_AN_EPOCH + 1))
    assert [row["epoch"] for row in rows] == [1.0] * STEPS_AN_EPOCH + [2.0] * STEPS_AN_EPOCH
    assert all(row.keys() == {*COLUMNS} - {"share_of_peak"} for row in rows)  # a processor's peak is not known
    assert all(row["clipped"] == (row["gradient_norm"] > clip) for row in rows)
    assert all(row["images_per_second"] > 0 and row["scale"] > 0 for row in rows)
    stored = few.storage.dataset("training_metrics").to_table(filter=f"training = '{result.training}'").to_pylist()
    for epoch, entry in enumerate(result.epochs, 1):
        own = [row for row in rows if row["epoch"] == epoch]
        assert sum(row["loss"] for row in own) / len(own) == pytest.approx(entry.loss, rel=1e-5)
        assert own[-1]["learning_rate"] == pytest.approx(entry.learning_rate, rel=1e-5)
        told = {row["name"]: row["value"] for row in stored if row["epoch"] == epoch and row["split"] == "train"}
        assert told["gradient_norm"] == pytest.approx(sum(row["gradient_norm"] for row in own) / len(own), rel=1e-5)
        assert told["clipped"] == sum(row["clipped"] for row in own) / len(own)
        assert (told["scale"], told["bias"]) == pytest.approx((own[-1]["scale"], own[-1]["bias"]), rel=1e-5)
        assert entry.to_dict()["clipped"] == told["clipped"]


@pytest.mark.soak
def test_a_training_that_is_resumed_has_each_step_once(few, tmp_path: Path) -> None:
    def stop(epoch: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(few, tmp_path / "e", on_epoch=stop)
    with (tmp_path / "e" / STEPS).open("a") as file:  # it died in the next epoch, in the middle of a row
        file.write("4,2,1.0,1,1,0,1,1,1,\n5,2,0.")
    trained(few, tmp_path / "e", resume=True)
    assert [row["step"] for row in read_steps(tmp_path / "e")] == list(range(1, 2 * STEPS_AN_EPOCH + 1))


def test_rows_of_an_epoch_that_is_gone_on_with_are_kept_and_later_ones_forgotten(tmp_path: Path) -> None:
    file = StepsFile(tmp_path, 0)
    file.add({"step": step, "epoch": 1, "loss": 0.1 * step} for step in range(1, 5))
    StepsFile(tmp_path, 2)
    assert read_steps(tmp_path) == [{"step": step, "epoch": 1, "loss": pytest.approx(0.1 * step)} for step in (1, 2)]
    StepsFile(tmp_path, 0)
    assert read_steps(tmp_path) == []


@pytest.mark.soak
def test_tensorboard_has_what_the_file_has(few, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = trained(few, tmp_path / "e", track=["tensorboard"])
    events = EventAccumulator(str(tmp_path / "e" / "tensorboard" / result.training))
    events.Reload()
    for name in ("loss", "gradient_norm", "scale"):
        written = {event.step: event.value for event in events.Scalars(f"train/{name}")}
        assert written == pytest.approx({int(row["step"]): row[name] for row in read_steps(tmp_path / "e")}, rel=1e-5)
    aurocs = [event.value for event in events.Scalars("validation/auroc")]
    assert aurocs == pytest.approx([epoch.validation_auroc for epoch in result.epochs], rel=1e-5)


class Heard(ModuleType):
    """Stands in for wandb or mlflow: keeps what it is told."""

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch):
        super().__init__(name)
        self.begun: dict[str, Any] = {}
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.ended = 0
        self.runs: list[Any] = []
        monkeypatch.setitem(sys.modules, name, self)

    def begin(self, **told: Any) -> Heard:
        self.begun = told
        return self

    def take(self, numbers: dict[str, float], step: int) -> None:
        self.logged.append((step, numbers))

    def end(self) -> None:
        self.ended += 1


def assert_heard(heard: Heard, result: TrainResult, folder: Path) -> None:
    losses = {step: numbers["train/loss"] for step, numbers in heard.logged if "train/loss" in numbers}
    assert losses == pytest.approx({int(row["step"]): row["loss"] for row in read_steps(folder)}, rel=1e-5)
    validated = [numbers["validation/loss"] for _, numbers in heard.logged if "validation/loss" in numbers]
    assert validated == [epoch.validation_loss for epoch in result.epochs]
    steps = [step for step, _ in heard.logged]
    assert steps == sorted(steps) and heard.ended == 1


@pytest.mark.soak
def test_wandb_hears_of_every_step(few, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard("wandb", monkeypatch)
    heard.init, heard.log, heard.finish = heard.begin, heard.take, heard.end
    result = trained(few, tmp_path / "e", track=["wandb"])
    assert_heard(heard, result, tmp_path / "e")
    assert heard.begun["id"] == result.training and heard.begun["resume"] == "allow"
    assert heard.begun["config"]["learning_rate"] == SHORT.learning_rate


@pytest.mark.soak
def test_mlflow_hears_of_every_step_and_goes_on_with_its_run(
    few, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard("mlflow", monkeypatch)
    heard.start_run, heard.log_metrics, heard.end_run = heard.begin, heard.take, heard.end
    heard.log_params = lambda params: None
    heard.search_runs = lambda **asked: heard.runs
    result = trained(few, tmp_path / "e", track=["mlflow"])
    assert_heard(heard, result, tmp_path / "e")
    assert heard.begun["tags"] == {"training": result.training}

    def stop(epoch: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(few, tmp_path / "f", SHORT.with_values({"seed": 1}), track=["mlflow"], on_epoch=stop)
    heard.runs = [SimpleNamespace(info=SimpleNamespace(run_id="r1"))]
    trained(few, tmp_path / "f", SHORT.with_values({"seed": 1}), track=["mlflow"], resume=True)
    assert heard.begun == {"run_id": "r1"}


@pytest.mark.parametrize(
    ("name", "module", "install"),
    [
        ("tensorboard", "torch.utils.tensorboard", r'pip install "clear-kb\[training\]"'),
        ("wandb", "wandb", "pip install wandb"),
        ("mlflow", "mlflow", "pip install mlflow"),
    ],
)
def test_a_tracker_that_is_not_here_is_refused_before_the_study_is_read(
    kb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str, install: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf"tracker {name} cannot be imported.*{install}"):
        trained(kb, tmp_path / "e", track=[name])
    with pytest.raises(UsageError, match="one of tensorboard, wandb, mlflow"):
        check_trackers(["clearml"])


@pytest.mark.soak
def test_the_command_tracks(few, tmp_path: Path, cli: Callable) -> None:
    (tmp_path / "c.yaml").write_text(
        "backbone: {model_type: resnet, num_channels: 1, layer_type: basic, embedding_size: 8, hidden_sizes: [8], "
        "depths: [1]}\ndimension: 8\nsize: 32\nbatch_size: 12\nepochs: 1\n"
    )
    done = cli("train", "--config", "c.yaml", "--kb", few.uri, "--track", "tensorboard", "--out", "e")
    assert "gradients" in done.stdout and "of steps clipped" in done.stdout
    assert list((tmp_path / "e" / "tensorboard").rglob("events.*"))
