"""The states of an unfinished training, on disk: the last few, each enough to go on from to the same weights.

    encoder/resume/epoch-00002-step-00000120/   state.safetensors   state.json

A state is written aside and then moved into place, so that a death half-way leaves the ones before it. It holds the
SHA-256 of its tensors: one that was damaged since is passed over for the one before.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

import torch

from encoder.training.running_mean import RunningMean
from encoder.training.validation import Measured
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json_file

logger = logging.getLogger("clear_kb.encoder")

FOLDER, TENSORS, FACTS = "resume", "state.safetensors", "state.json"


@dataclass(slots=True)
class Position:
    """How far a training is, what was best so far, and the sums of the steps of its unfinished epoch, by name."""

    epoch: int = 0
    step: int = 0
    best: Measured | None = None
    best_epoch: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def take(self, measured: Measured, *, by_auroc: bool) -> bool:
        """Take in how an epoch did; whether it is the best so far."""
        is_best = measured.better_than(self.best, by_auroc=by_auroc)
        if is_best:
            self.best, self.best_epoch = measured, self.epoch
        return is_best


@dataclass(frozen=True, slots=True)
class State:
    """A state that can be gone on from: where it lies, how far it is, what training it is of, on how many threads.

    Another number of threads adds numbers up in another order, to weights that differ in their last bits.
    """

    path: Path
    position: Position
    made_for: dict[str, Any]
    threads: int

    def require(self, made_for: Mapping[str, Any]) -> None:
        """Refuse another training than that of the state (UsageError); the message says what differs."""
        wanted = json.loads(json.dumps(dict(made_for)))
        for name in sorted({*self.made_for, *wanted}):
            if self.made_for.get(name) != wanted.get(name):
                raise UsageError(
                    f"the interrupted training in {self.path.parent} has {name} {self.made_for.get(name)}, not "
                    f"{wanted.get(name)}: go on with what it began with, or train into another folder"
                )

    def load_into(self, network: torch.nn.Module, optimiser: torch.optim.Optimizer, mean: RunningMean) -> Position:
        """Put the weights, the optimiser and the running mean back to where they were; how far that is."""
        from safetensors.torch import load_file

        tensors = load_file(self.path / TENSORS)
        network.load_state_dict(_under(tensors, "network."))
        mean.load(_under(tensors, "mean."))
        moments = _moments(_under(tensors, "optimiser."))
        optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
        for parameter, values in optimiser.state.items():
            for name, value in values.items():
                if value.shape == parameter.shape:  # laid out as the weights are (channels last)
                    values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        return self.position


def save_state(
    folder: Path,
    position: Position,
    network: torch.nn.Module,
    *,
    optimiser: torch.optim.Optimizer,
    mean: RunningMean,
    made_for: Mapping[str, Any],
    keep: int,
) -> None:
    """Write a state beside the checkpoint and let go of all but the last `keep`; a death half-way leaves those.

    `made_for` says what the training is (configuration, commit, processes): only such a one may go on with it.
    """
    from safetensors.torch import save_file

    place = folder / FOLDER
    fresh, final = place / "new", place / f"epoch-{position.epoch:05d}-step-{position.step:08d}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"mean.{name}": tensor for name, tensor in mean.weights.items()}
    for number, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in values.items()}
    # A copy each: safetensors refuses tensors that share memory.
    save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}, fresh / TENSORS)
    facts = {
        "position": asdict(position),
        "made_for": dict(made_for),
        "threads": torch.get_num_threads(),
        "sha256": _sha256(fresh / TENSORS),
    }
    (fresh / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    for name in (TENSORS, FACTS):
        _onto_disk(fresh / name)
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
    _forget_others(place, final, keep)


def newest_state(folder: Path) -> State:
    """The newest state in a folder that is not damaged.

    Raises:
        UsageError: there is none.
        ClearKbError: all are damaged.
    """
    found = _states(folder / FOLDER)
    if not found:
        raise UsageError(f"{folder} holds no training that was interrupted: there is nothing to resume")
    damaged: list[str] = []
    for path in reversed(found):
        try:
            state = _read(path)
        except (OSError, ValueError, KeyError, TypeError, UsageError) as error:
            damaged.append(f"{path} cannot be read: {error}")
            continue
        for problem in damaged:
            logger.warning("%s; going on from step %d, the state before it", problem, state.position.step)
        return state
    raise ClearKbError(f"no state of the interrupted training can be gone on from: {damaged[0]}")


def forget_states(folder: Path) -> None:
    """Take the states of a finished training away."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)


def is_interrupted(folder: Path) -> bool:
    """Whether a folder holds a state of a training that can go on."""
    return bool(_states(folder / FOLDER))


def _states(place: Path) -> list[Path]:
    """The folders of the states, the newest last."""
    return sorted(path for path in place.glob("epoch-*-step-*") if path.is_dir())


def _read(path: Path) -> State:
    stated = read_json_file(path / FACTS)
    if _sha256(path / TENSORS) != stated["sha256"]:
        raise ValueError(f"the SHA-256 of {TENSORS} is not the one that was written down")
    position = Position(**stated["position"])
    if position.best is not None:
        position.best = Measured(**stated["position"]["best"])
    return State(path, position, stated["made_for"], stated["threads"])


def _forget_others(place: Path, final: Path, keep: int) -> None:
    """Keep the last states up to this one; a later one is damaged, or of a course that was not gone on with."""
    until = [path for path in _states(place) if path <= final][-keep:]
    for path in _states(place):
        if path not in until:
            shutil.rmtree(path, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _onto_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _moments(tensors: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, what = name.partition(".")
        states.setdefault(int(number), {})[what] = tensor
    return states
