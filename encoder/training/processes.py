"""Training on several processes (`torchrun`): features are gathered with their gradients, shares are summed.

Every process computes its own images' share of the loss of the whole batch; the shares add up to what one process
with the whole batch would have, and so do the gradients (`gradient_sum`). Nothing is averaged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from kb.errors import ClearKbError

LONGEST_WAIT = timedelta(minutes=60)
"""How long processes wait for each other (NCCL's own 10 minutes are less than a state takes on a slow file system)."""

Told = TypeVar("Told")


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

    def part(self, examples: Sequence[int]) -> list[int]:
        """This process's part of any number of examples: all parts follow each other, and differ by one at most."""
        first, last = (len(examples) * rank // self.count for rank in (self.rank, self.rank + 1))
        return list(examples[first:last])

    def gather(self, features: torch.Tensor) -> torch.Tensor:
        """The features of all processes in their order, (N, d); gradients flow back to where they came from."""
        return features if self.count == 1 else _Gather.apply(features, self.rank, self.count)

    def gather_parts(self, rows: torch.Tensor, total: int) -> torch.Tensor:
        """The rows of each process's `part` of `total` examples, put together, without gradients: (total, d)."""
        if self.count == 1:
            return rows
        lengths = [total * (rank + 1) // self.count - total * rank // self.count for rank in range(self.count)]
        padded = rows.new_zeros(max(lengths), *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in lengths]
        dist.all_gather(parts, padded)
        return torch.cat([part[:length] for part, length in zip(parts, lengths, strict=True)])

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """Numbers of each process, added up."""
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

    def gather_objects(self, value: Told) -> list[Told]:
        """What each process holds, in their order, on every process."""
        if self.count == 1:
            return [value]
        entries: list[Any] = [None] * self.count
        dist.all_gather_object(entries, value)
        return entries

    def wait(self) -> None:
        """Go on when all processes are here."""
        self.gather_objects(None)

    def as_leader_finds(self, look: Callable[[], Told]) -> Told:
        """What the leading process finds, on every process; where it refuses, all do."""
        found: Told | ClearKbError | None = None
        if self.leads:
            try:
                found = look()
            except ClearKbError as error:
                found = error
        found = self.share_object(found)
        if isinstance(found, ClearKbError):
            raise found
        return found


ALONE = Processes()
"""One process by itself."""


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


def is_restarted() -> bool:
    """Whether `torchrun --max-restarts` started this process again, after one of its group had ended."""
    return _restarts() > 0


def _restarts() -> int:
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _attempt() -> str:
    """What sets one attempt of a group apart: torchrun keeps its store, in which the addresses of the dead still stand.

    A process that is started again and is quicker than the others would look for them there.
    """
    return f"clear-kb-{_restarts()}-of-{os.environ['WORLD_SIZE']}"


@contextmanager
def processes_of_torchrun(device: str) -> Iterator[Processes]:
    """The processes that `torchrun` started, joined for the while; one alone if it did not.

    Raises:
        ClearKbError: another process ended, or did not answer within `LONGEST_WAIT`.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Processes()
        return
    try:
        backend = "nccl" if device.startswith("cuda") else "gloo"
        store, rank, count = next(dist.rendezvous("env://", timeout=LONGEST_WAIT))
        with joined(backend, store=dist.PrefixStore(_attempt(), store), rank=rank, world_size=count) as processes:
            yield processes
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error).lower():
            raise
        raise ClearKbError(
            f"another process of this training ended, or did not answer within {LONGEST_WAIT.seconds // 60} minutes: "
            f"{str(error).strip().splitlines()[0]}"
        ) from error


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

    dist.init_process_group(backend, timeout=LONGEST_WAIT, **rendezvous)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
