"""Training on several processes (`torchrun`): features are gathered with their gradients, gradients are summed.

Every process computes its own images' share of the loss of the whole batch; the shares add up to what one process
with the whole batch would have, and so do the gradients. Nothing is averaged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes of a training, and which of them this one is."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and tells."""
        return self.rank == 0

    def share(self, examples: list[int]) -> list[int]:
        """This process's part of a batch; all parts are of one length."""
        each = len(examples) // self.count
        return examples[self.rank * each : (self.rank + 1) * each]

    def gather(self, features: torch.Tensor) -> torch.Tensor:
        """The features of all processes in their order, (N, d); gradients flow back to where they came from."""
        return features if self.count == 1 else _Gather.apply(features, self.rank, self.count)

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Add the gradients of all processes up, in place, in one message a kind of number."""
        if self.count == 1:
            return
        with_one = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in with_one:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in with_one if parameter.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """A number of each process, added up."""
        value = value.detach().clone()
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def share_object(self, value: Any) -> Any:
        """What the leading process holds, on every process."""
        if self.count == 1:
            return value
        entries = [value]
        dist.broadcast_object_list(entries, src=0)
        return entries[0]


class _Gather(torch.autograd.Function):
    """All-gather whose backward pass sums what every process made of this one's features."""

    @staticmethod
    def forward(ctx: Any, features: torch.Tensor, rank: int, count: int) -> torch.Tensor:
        ctx.rank, ctx.rows = rank, len(features)
        parts = [torch.empty_like(features) for _ in range(count)]
        dist.all_gather(parts, features.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total[ctx.rank * ctx.rows : (ctx.rank + 1) * ctx.rows], None, None


@contextmanager
def processes_of_torchrun(device: str) -> Iterator[Processes]:
    """The processes that `torchrun` started, joined for the while; one alone if it did not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    with joined("nccl" if device.startswith("cuda") else "gloo") as processes:
        yield processes


@contextmanager
def joined(backend: str, **rendezvous: Any) -> Iterator[Processes]:
    """This process as one of a group, for the while; its threads end with it.

    Args:
        backend: What carries the messages: "gloo" or "nccl".
        rendezvous: Where the others are met, as `torch.distributed.init_process_group` takes it.
    """
    # Imported before the group is there: its functions have the group of that moment as a default, and one that they
    # hold outlives the interpreter, whose end its threads then abort. (transformers imports it late, in a model.)
    import torch.distributed.nn.functional  # noqa: F401

    dist.init_process_group(backend, **rendezvous)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
