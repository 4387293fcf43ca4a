"""A training that is stopped, killed or in part killed: it goes on to the weights of one that was left in peace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from encoder.training.config import TrainConfig, read_config
from encoder.training.train_result import TrainResult
from encoder.training.trainer import train
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent
from tests.support.command_process import start_command
from tests.support.shapes import CONFIG, shapes_study

ALONE = {k: v for k, v in os.environ.items() if not k.startswith("CLEAR_KB")} | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> KnowledgeBase:
    return shapes_study(tmp_path_factory.mktemp("shapes"), str(tiny_model))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in the processes that are compared with: more of them add numbers up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(kb: KnowledgeBase, config: TrainConfig, out: Path, *, resume: bool = False) -> TrainResult:
    result = train(kb, config, out, resume=resume, device="cpu")
    assert result is not None
    return result


def assert_same(one: Path, other: Path, most: float = 0.0) -> None:
    here, there = (load_file(folder / "weights.safetensors") for folder in (one, other))
    assert here.keys() == there.keys()
    assert max(float((here[name] - there[name]).abs().max()) for name in here) <= most


class Death(Silent):
    """Ends a training after some steps, in the midst of an epoch."""

    def __init__(self, steps: int):
        self.steps = steps

    def advance(self, done: int, count: int) -> None:
        self.steps -= 1
        if self.steps == 0:
            raise KeyboardInterrupt


@pytest.mark.soak
@pytest.mark.parametrize("objective", ["concepts", "report"])
@pytest.mark.parametrize("steps", [5, 17])
def test_a_death_within_an_epoch_costs_the_steps_since_the_last_state_and_not_a_bit(
    shapes, tmp_path: Path, objective: str, steps: int
) -> None:
    config = CONFIG.with_values(
        {"objective": objective, "batch_size": 6, "augment": {"rotate": 5.0}, "epochs": 2, "save_every_minutes": 0}
    )
    whole = trained(shapes, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(shapes, config, tmp_path / "cut", device="cpu", watcher=Death(steps))
    (_, newest) = sorted((tmp_path / "cut" / "resume").iterdir())
    assert newest.name == f"epoch-0000{steps // 12}-step-{steps - 1:08d}", "twelve steps an epoch, each with its state"
    often = config.with_values({"save_every_minutes": 5, "keep_states": 1, "reader_threads": 1})
    result = trained(shapes, often, tmp_path / "cut", resume=True)
    assert_same(tmp_path / "whole", tmp_path / "cut")
    assert [epoch.loss for epoch in result.epochs] == [epoch.loss for epoch in whole.epochs[steps // 12 :]]


@pytest.mark.soak
def test_it_goes_on_from_the_state_before_a_damaged_one_to_the_same_weights(shapes, tmp_path: Path, caplog) -> None:
    config = CONFIG.with_values({"batch_size": 12, "epochs": 1, "save_every_minutes": 0})
    trained(shapes, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(shapes, config, tmp_path / "cut", device="cpu", watcher=Death(5))
    (_, newest) = sorted((tmp_path / "cut" / "resume").iterdir())
    (newest / "state.safetensors").write_bytes(b"")
    trained(shapes, config, tmp_path / "cut", resume=True)
    assert "going on from step 3" in caplog.text
    assert_same(tmp_path / "whole", tmp_path / "cut")


def written(config: dict[str, object], folder: Path) -> Path:
    path = folder / "c.yaml"
    backbone = {"augment": {"rotate": 3.0}, **config}
    path.write_text(yaml.safe_dump({**CONFIG.to_dict(), **backbone}))
    return path


def wait_for_step(out: Path, step: int) -> None:
    """Until a state of this step or a later one stands."""
    until = time.monotonic() + 200
    while not any(int(path.name[-8:]) >= step for path in (out / "resume").glob("epoch-*")):
        assert time.monotonic() < until, "no state came"
        time.sleep(0.002)


@pytest.mark.soak
def test_sigterm_ends_it_in_order_and_sigkill_at_once_and_it_goes_on_from_either(shapes, tmp_path: Path) -> None:
    path = written({"batch_size": 4, "epochs": 6, "patience": 6, "save_every_minutes": 0}, tmp_path)
    command = ["train", "--config", "c.yaml", "--kb", shapes.uri, "--out", "cut"]
    running = start_command(command, folder=tmp_path, environment=ALONE, captured=folder(tmp_path / "first"))
    wait_for_step(tmp_path / "cut", 3)
    running.tell(signal.SIGTERM)
    running.tell(signal.SIGTERM)
    done = running.end(100)
    assert done.returncode == 1 and "told to end after step" in done.stderr and "(say --resume)" in done.stderr
    step = int(done.stderr.split("after step ")[1].split()[0])
    assert step < 108 and (tmp_path / "cut" / "resume" / f"epoch-{step // 18:05d}-step-{step:08d}").is_dir()
    command = [*command, "--resume", "--set", "save_every_minutes=0"]
    running = start_command(command, folder=tmp_path, environment=ALONE, captured=folder(tmp_path / "second"))
    wait_for_step(tmp_path / "cut", step + 5)
    running.tell(signal.SIGKILL)
    assert running.end(100).returncode == -signal.SIGKILL
    config = read_config(path)
    trained(shapes, config, tmp_path / "cut", resume=True)
    trained(shapes, config, tmp_path / "whole")
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_sigterm_is_heard_after_an_epoch_of_one_step(shapes, tmp_path: Path) -> None:
    config = replace(CONFIG, batch_size=500, epochs=3, patience=3)
    with pytest.raises(ClearKbError, match="told to end after step 1 of 3"):
        train(shapes, config, tmp_path / "e", device="cpu", on_epoch=lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert trained(shapes, config, tmp_path / "e", resume=True).checkpoint.facts.metrics["epoch"] >= 1
    trained(shapes, config, tmp_path / "whole")
    assert_same(tmp_path / "whole", tmp_path / "e")


def folder(path: Path) -> Path:
    path.mkdir()
    return path


@contextmanager
def started(command: Sequence[object], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command at work, which prints into the folder; killed if it is left."""
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        process = subprocess.Popen([str(part) for part in command], cwd=folder, env=ALONE, stdout=out, stderr=err)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that torchrun started."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the processes of torchrun are found in /proc")
def test_torchrun_trains_one_encoder_on_two_processes_though_one_of_them_is_killed(shapes, tmp_path: Path) -> None:
    still = {"rotate": 0.0, "scale": 0.0, "shift": 0.0, "contrast": 0.0, "brightness": 0.0}
    quick = {"batch_size": 4, "micro_batch": 1, "epochs": 3, "precision": "float32", "augment": still}
    path = written({**quick, "save_every_minutes": 0}, tmp_path)
    scripts = Path(sys.executable).parent
    torchrun = [scripts / "torchrun", "--standalone", "--nproc-per-node", "2", "--max-restarts", "1", "--no-python"]
    command = [scripts / "clear-kb", "train", "--config", path, "--kb", shapes.uri, "--out", "two", "--format", "json"]
    with started([*torchrun, *command], tmp_path) as job:
        wait_for_step(tmp_path / "two", 7)
        os.kill(max(workers(job)), signal.SIGKILL)
        assert job.wait(300) == 0, (tmp_path / "stderr").read_text()
    two = json.loads((tmp_path / "stdout").read_text())
    one = trained(shapes, read_config(path), tmp_path / "one")
    assert two["epochs"][-1]["epoch"] == 3 and two["best_epoch"] == one.best_epoch
    assert_same(tmp_path / "one", tmp_path / "two", most=2e-6)
    for mine, theirs in zip(one.epochs[-len(two["epochs"]) :], two["epochs"], strict=True):
        assert theirs["validation_loss"] == pytest.approx(mine.validation_loss, abs=2e-6)
        assert theirs["validation_auroc"] == pytest.approx(mine.validation_auroc, abs=2e-6)


@pytest.mark.soak
def test_two_nodes_train_one_encoder_and_go_on_together_after_both_were_killed(shapes, tmp_path: Path) -> None:
    """Two agents of torchrun on one machine are two nodes: each has its own processes, and they meet at an address."""
    still = {"rotate": 0.0, "scale": 0.0, "shift": 0.0, "contrast": 0.0, "brightness": 0.0}
    quick = {"batch_size": 4, "micro_batch": 1, "epochs": 3, "precision": "float32", "augment": still}
    path = written({**quick, "save_every_minutes": 0}, tmp_path)
    command = ["--no-python", Path(sys.executable).with_name("clear-kb"), "train", "--config", path]
    command += ["--kb", shapes.uri, "--out", tmp_path / "two"]
    one, two, three, four = (folder(tmp_path / name) for name in ("first", "second", "first-again", "second-again"))
    meeting = nodes_meeting()
    with started([*meeting, *command], one) as first, started([*meeting, *command], two) as second:
        wait_for_step(tmp_path / "two", 7)
        for process in (*workers(first), *workers(second), first.pid, second.pid):
            os.kill(process, signal.SIGKILL)
    meeting = nodes_meeting()
    again = [*meeting, *command, "--resume"]
    with started(again, three) as first, started(again, four) as second:
        assert first.wait(300) == 0, (three / "stderr").read_text()
        assert second.wait(100) == 0, (four / "stderr").read_text()
    trained(shapes, read_config(path), tmp_path / "alone")
    assert_same(tmp_path / "alone", tmp_path / "two", most=2e-6)


def nodes_meeting() -> list[object]:
    """How torchrun is started on each of two nodes, which meet at a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        Path(sys.executable).with_name("torchrun"),
        *("--nnodes", "2", "--nproc-per-node", "1"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", place, "--rdzv-id", "study"),
    ]
