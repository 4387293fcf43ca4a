"""The trackers that a training can be watched with, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module

from encoder.training.tracking.mlflow import MLflow
from encoder.training.tracking.tensorboard import TensorBoard
from encoder.training.tracking.tracker import Tracked, Tracker
from encoder.training.tracking.weights_and_biases import WeightsAndBiases
from kb.errors import UsageError


@dataclass(frozen=True, slots=True)
class _Known:
    make: Callable[[Tracked], Tracker]
    module: str
    install: str


TRACKERS = {
    "tensorboard": _Known(TensorBoard, "torch.utils.tensorboard", '"clear-kb[training]"'),
    "wandb": _Known(WeightsAndBiases, "wandb", "wandb"),
    "mlflow": _Known(MLflow, "mlflow", "mlflow"),
}


def check_trackers(names: Iterable[str]) -> None:
    """UsageError where a tracker is unknown or cannot be imported; the message says what to install."""
    for name in names:
        if name not in TRACKERS:
            raise UsageError(f"tracker '{name}': one of {', '.join(TRACKERS)}")
        known = TRACKERS[name]
        try:
            import_module(known.module)
        except ImportError as error:
            raise UsageError(f"tracker {name} cannot be imported ({error}): pip install {known.install}") from error


def open_trackers(names: Iterable[str], tracked: Tracked) -> list[Tracker]:
    """The trackers of a training, at work; `check_trackers` was there before."""
    return [TRACKERS[name].make(tracked) for name in dict.fromkeys(names)]
