"""Gradient accumulation for losses that compare a whole batch (GradCache; Gao et al., 2021).

Adding up the losses of small batches is not the loss of a large one: each image would see few negatives. Instead all
features are made first without a graph, the loss of the whole batch gives their gradients, and each part is then sent
through once more to carry its share of these into the weights. The gradient is that of the large batch, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

Tower = Callable[[torch.Tensor], torch.Tensor]
"""A network with its device and precision: a part of a batch in, its features out."""


def backward(
    towers: Sequence[tuple[Tower, Sequence[torch.Tensor]]], loss_of: Callable[[list[torch.Tensor]], torch.Tensor]
) -> torch.Tensor:
    """Add the gradients of the loss of a whole batch to the weights; returns the loss, detached.

    Args:
        towers: each with its inputs, cut into the parts that fit through at once.
        loss_of: the loss of the features of each tower, put together over its parts.
    """
    if all(len(parts) == 1 for _, parts in towers):
        loss = loss_of([tower(parts[0]) for tower, parts in towers])
        loss.backward()
        return loss.detach()
    cached: list[torch.Tensor] = []
    dice: list[list[_Dice]] = []
    with torch.no_grad():
        for tower, parts in towers:
            dice.append([])
            features = []
            for part in parts:
                dice[-1].append(_Dice(part.device))
                features.append(tower(part))
            cached.append(torch.cat(features).requires_grad_())
    loss = loss_of(cached)
    loss.backward()
    for (tower, parts), features, thrown in zip(towers, cached, dice, strict=True):
        done = 0
        for part, before in zip(parts, thrown, strict=True):
            with before.again():
                again = tower(part)
            assert features.grad is not None
            again.backward(features.grad[done : done + len(again)])
            done += len(again)
    return loss.detach()


class _Dice:
    """The state of the random numbers at one moment, so that dropout falls the same way the second time.

    Args:
        device: where the work is; of other devices nothing is kept.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device if device.type == "cuda" else None
        self._cpu = torch.get_rng_state()
        self._gpu = None if self._device is None else torch.cuda.get_rng_state(self._device)

    @contextmanager
    def again(self) -> Iterator[None]:
        """Random numbers come as they did then; afterwards they go on as if nothing had been."""
        with torch.random.fork_rng([] if self._device is None else [self._device]):
            torch.set_rng_state(self._cpu)
            if self._device is not None and self._gpu is not None:
                torch.cuda.set_rng_state(self._gpu, self._device)
            yield
