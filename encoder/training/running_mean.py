"""EMA: the running mean of the weights, which is steadier than the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class RunningMean:
    """The exponential moving average of a network's weights.

    Args:
        network: whose weights.
        decay: what the mean keeps at a step, 0 (the last weights) to below 1. It rises to this over the first steps
            (1 + step) / (10 + step), so that a short training does not average over its random beginning.
    """

    def __init__(self, network: torch.nn.Module, decay: float):
        self._network = network
        self._decay = decay
        self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step; steps count from 1."""
        keep = min(self._decay, (1 + step) / (10 + step))
        for name, tensor in self._network.state_dict().items():
            if tensor.is_floating_point():
                self.weights[name].lerp_(tensor, 1 - keep)
            else:
                self.weights[name].copy_(tensor)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The network with the mean weights; afterwards it has its own again."""
        own = {name: tensor.detach().clone() for name, tensor in self._network.state_dict().items()}
        self._network.load_state_dict(self.weights)
        try:
            yield
        finally:
            self._network.load_state_dict(own)
