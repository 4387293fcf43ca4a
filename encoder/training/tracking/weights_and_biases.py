"""Weights & Biases as a tracker. Where it sends numbers, and as whom, is decided by its own settings (WANDB_...)."""

from __future__ import annotations

from collections.abc import Mapping

from encoder.training.tracking.tracker import Tracked

PROJECT = "clear-kb"
"""The project unless WANDB_PROJECT names another."""


class WeightsAndBiases:
    """One run a training, gone on with when that is resumed."""

    def __init__(self, tracked: Tracked):
        import os

        import wandb

        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=tracked.training,
            name=f"{tracked.folder.name} {tracked.training}",
            config=dict(tracked.settings),
            dir=str(tracked.folder),
            resume="allow",
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of an optimiser step."""
        self._run.log(dict(numbers), step=step)

    def close(self) -> None:
        """Write what was kept back."""
        self._run.finish()
