"""When the states of a training are written: every few minutes, after each epoch, and before it ends too early."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from encoder.training.config import TrainConfig
from encoder.training.processes import Processes
from encoder.training.running_mean import RunningMean
from encoder.training.state import Position, save_state
from encoder.training.stopping import StopSignal
from kb.errors import ClearKbError


class StateKeeper:
    """Writes the states of one training into its folder; `before` first keeps what must not be lost beside them."""

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        processes: Processes,
        *,
        network: torch.nn.Module,
        optimiser: torch.optim.Optimizer,
        mean: RunningMean,
        made_for: Mapping[str, Any],
        before: Callable[[], None] = lambda: None,
    ):
        self._folder, self._config, self._processes = folder, config, processes
        self._network, self._optimiser, self._mean, self._made_for = network, optimiser, mean, made_for
        self._before, self._saved = before, time.monotonic()

    def save(self, position: Position) -> None:
        """Write a state now."""
        self._before()
        save_state(
            self._folder,
            position,
            self._network,
            optimiser=self._optimiser,
            mean=self._mean,
            made_for=self._made_for,
            keep=self._config.keep_states,
        )
        self._saved = time.monotonic()

    def between_steps(
        self, position: Position, sums: Mapping[str, torch.Tensor], stop: StopSignal, *, steps: int
    ) -> None:
        """Write a state if it is time to, or if the processes are to end here.

        Args:
            position: how far the training is.
            sums: of the steps of its unfinished epoch, by name.
            stop: whether it is to end.
            steps: of the whole training.

        Raises:
            ClearKbError: it ends here, in order.
        """
        agreed = stop.agreed
        late = time.monotonic() - self._saved >= 60 * self._config.save_every_minutes
        if self._processes.leads and (agreed or late):
            position.sums = {name: float(value) for name, value in sums.items()}
            self.save(position)
        self.end_if_told(position, stop, steps=steps)

    def end_if_told(self, position: Position, stop: StopSignal, *, steps: int) -> None:
        """End here, where a state has just been written, if the processes are to (ClearKbError)."""
        if stop.agreed:
            self._processes.wait()  # one that ended now would have the others ended
            raise ClearKbError(
                f"told to end after step {position.step} of {steps}: its state is kept, and it can go on",
                parameter="resume",
            )
