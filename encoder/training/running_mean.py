"""EMA: the running mean of the weights, which is steadier than the last of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn


class RunningMean:
    """The exponential moving average of a network's weights.

    Args:
        network: whose weights; it has to be on its device already.
        decay: what the mean keeps at a step, 0 (the last weights) to below 1. It rises to this over the first steps
            (1 + step) / (10 + step), so that a short training does not average over its random beginning.
    """

    def __init__(self, network: torch.nn.Module, decay: float):
        self._decay = decay
        named = dict(network.state_dict())
        once = {(tensor.data_ptr(), tensor.shape): name for name, tensor in reversed(named.items())}
        self._own = {name: named[name] for name in once.values()}  # weights that are tied stand there once
        means = {name: tensor.detach().clone() for name, tensor in self._own.items()}
        self.weights = {name: means[once[tensor.data_ptr(), tensor.shape]] for name, tensor in named.items()}
        self._averaged = [name for name, tensor in self._own.items() if tensor.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step; steps count from 1."""
        keep = min(self._decay, (1 + step) / (10 + step))
        towards = get_ema_multi_avg_fn(keep)
        towards([self.weights[name] for name in self._averaged], [self._own[name] for name in self._averaged], step)
        for name in self._own.keys() - self._averaged:  # counts, of the images that a batch norm has seen
            self.weights[name].copy_(self._own[name])

    @torch.no_grad()
    def load(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Make these the mean; what is missing stays."""
        for name, tensor in weights.items():
            self.weights[name].copy_(tensor)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The network with the mean weights, in place; afterwards it has its own again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, own in self._own.items():
            kept = own.clone()
            own.copy_(self.weights[name])
            self.weights[name].copy_(kept)
