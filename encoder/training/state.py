"""The state of a training between two epochs, on disk: all that it needs to go on to the same weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from encoder.training.running_mean import RunningMean
from encoder.training.validation import Measured
from kb.errors import ClearKbError, UsageError

FOLDER, TENSORS, FACTS = "resume", "state.safetensors", "state.json"


@dataclass(slots=True)
class Position:
    """How far a training is, and what was best so far."""

    epoch: int = 0
    step: int = 0
    best: Measured | None = None
    best_epoch: int = 0


def save_state(
    folder: Path,
    position: Position,
    network: torch.nn.Module,
    *,
    optimiser: torch.optim.Optimizer,
    mean: RunningMean,
    made_for: Mapping[str, Any],
) -> None:
    """Write the state beside the checkpoint, in place of an earlier one; a death half-way leaves that one.

    `made_for` says what the training is (configuration, commit, processes): only such a one may go on with it.
    """
    from safetensors.torch import save_file

    fresh, final, old = (folder / name for name in (f"{FOLDER}.new", FOLDER, f"{FOLDER}.old"))
    _finish_swap(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"mean.{name}": tensor for name, tensor in mean.weights.items()}
    for number, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in values.items()}
    # A copy each: safetensors refuses tensors that share memory.
    save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}, fresh / TENSORS)
    (fresh / FACTS).write_text(json.dumps({"position": asdict(position), "made_for": dict(made_for)}), encoding="utf-8")
    if final.exists():
        final.rename(old)
    fresh.rename(final)
    shutil.rmtree(old, ignore_errors=True)


def load_state(
    folder: Path,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    mean: RunningMean,
    made_for: Mapping[str, Any],
) -> Position:
    """Put a training back to where `save_state` left it.

    Raises:
        UsageError: there is no state, or it is of another training; the message says what differs.
        ClearKbError: it is broken.
    """
    from safetensors.torch import load_file

    path = folder / FOLDER
    if not path.is_dir():
        raise UsageError(f"{folder} holds no training that was interrupted: there is nothing to resume")
    try:
        stated = json.loads((path / FACTS).read_text(encoding="utf-8"))
        tensors = load_file(path / TENSORS)
        position = Position(**stated["position"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ClearKbError(f"the interrupted training in {path} cannot be read: {error}") from error
    _check(path, stated["made_for"], json.loads(json.dumps(dict(made_for))))
    if position.best is not None:
        position.best = Measured(**stated["position"]["best"])
    network.load_state_dict(_under(tensors, "network."))
    device = next(network.parameters()).device
    for name, tensor in _under(tensors, "mean.").items():
        mean.weights[name].copy_(tensor.to(device))
    optimiser.load_state_dict({**optimiser.state_dict(), "state": _moments(_under(tensors, "optimiser."))})
    return position


def commit_of(folder: Path) -> str | None:
    """The commit that the interrupted training in a folder began with; None if nobody can tell."""
    try:
        stated = json.loads((folder / FOLDER / FACTS).read_text(encoding="utf-8"))
        return str(stated["made_for"]["commit"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # `load_state` says what is wrong


def forget_state(folder: Path) -> None:
    """Take the state of a finished training away."""
    for name in (FOLDER, f"{FOLDER}.new", f"{FOLDER}.old"):
        shutil.rmtree(folder / name, ignore_errors=True)


def is_interrupted(folder: Path) -> bool:
    """Whether a folder holds the state of a training that can go on."""
    _finish_swap(folder)
    return (folder / FOLDER).is_dir()


def _finish_swap(folder: Path) -> None:
    """Put the earlier state back where a death fell between taking it away and putting the new one there."""
    old = folder / f"{FOLDER}.old"
    if old.is_dir() and not (folder / FOLDER).exists():
        with suppress(FileNotFoundError):  # another process of this training was quicker
            old.rename(folder / FOLDER)


def _check(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise UsageError(
                f"the interrupted training in {path} has {name} {found.get(name)}, not {wanted.get(name)}: "
                "go on with what it began with, or train into another folder"
            )


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _moments(tensors: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, what = name.partition(".")
        states.setdefault(int(number), {})[what] = tensor
    return states
