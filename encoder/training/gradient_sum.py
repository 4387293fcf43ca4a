"""The gradients of all processes, added up while the backward pass is still at work.

DDP (Li et al., 2020) averages, and has to see every forward pass: losses over a whole batch, whose shares add up and
whose parts go through twice, do not fit it. Here each weight tells when its gradient is there; a full bucket is sent
at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torch.distributed as dist

from encoder.training.processes import Processes

BUCKET_BYTES = 25 * 2**20


@dataclass(eq=False)
class _Bucket:
    """Weights whose gradients lie side by side and are sent as one message; `due` says how many are yet to come."""

    parameters: list[torch.nn.Parameter]
    flat: torch.Tensor
    views: list[torch.Tensor]
    due: int = 0
    work: Any = None
    sent: bool = field(default=False)


class GradientSum:
    """Sums the gradients of a network over all processes, step by step.

    The first step is summed at its end, and shows which weights get gradients, how often (once for every part of a
    batch) and in which order. From then on these lie in buckets in that order; a bucket is sent as soon as its
    weights have all of theirs, each process sending them in the same order.
    """

    def __init__(self, network: torch.nn.Module, processes: Processes):
        self._processes = processes
        self._named = {name: one for name, one in network.named_parameters() if one.requires_grad}
        self._seen: dict[str, int] = {}
        self._buckets: list[_Bucket] = []
        self._bucket_of: dict[str, _Bucket] = {}
        self._left: dict[str, int] = {}
        self._times: Mapping[str, int] = {}
        if processes.count > 1:
            for name, parameter in self._named.items():
                parameter.register_post_accumulate_grad_hook(partial(self._arrived, name))

    def finish(self) -> None:
        """Wait until every gradient of this step is the sum over all processes."""
        if self._processes.count == 1:
            return
        if not self._buckets:
            self._learn()
        for bucket in self._buckets:
            self._send(bucket)
        for bucket in self._buckets:
            bucket.work.wait()
            bucket.work = None  # it holds the group, whose threads would outlive it

    def clear(self) -> None:
        """Begin the next step: no weight has a gradient."""
        if not self._buckets:
            for parameter in self._named.values():
                parameter.grad = None
        self._left = dict(self._times)
        for bucket in self._buckets:
            bucket.flat.zero_()
            bucket.sent, bucket.due = False, len(bucket.parameters)
            for parameter, view in zip(bucket.parameters, bucket.views, strict=True):
                parameter.grad = view

    def _arrived(self, name: str, parameter: torch.nn.Parameter) -> None:
        if not self._buckets:
            order = self._seen.pop(name, 0)  # by when it came last
            self._seen[name] = order + 1
            return
        bucket = self._bucket_of.get(name)
        if bucket is None or bucket.sent:
            raise RuntimeError(f"the gradient of {name} came after the sum over all processes was sent")
        self._left[name] -= 1
        if self._left[name] == 0:
            bucket.due -= 1
        for ready in self._buckets:  # in their order, which is that of every process
            if ready.due > 0:
                break
            self._send(ready)

    def _send(self, bucket: _Bucket) -> None:
        if not bucket.sent:
            bucket.sent = True
            bucket.work = dist.all_reduce(bucket.flat, async_op=True)

    def _learn(self) -> None:
        """Lay the weights out in buckets, as the leading process saw them come, with the gradients of this step."""
        self._times = self._processes.share_object(self._seen)
        if self._times.keys() != self._seen.keys():
            raise RuntimeError("the processes of a training do not give the same weights gradients")
        for names in _in_buckets(self._named, list(self._times)):
            parameters = [self._named[name] for name in names]
            flat = parameters[0].new_zeros(sum(one.numel() for one in parameters))
            bucket = _Bucket(parameters, flat, _views(flat, parameters))
            for parameter, view in zip(parameters, bucket.views, strict=True):
                assert parameter.grad is not None
                view.copy_(parameter.grad)
                parameter.grad = view
            self._buckets.append(bucket)
            self._bucket_of |= dict.fromkeys(names, bucket)


def _in_buckets(named: Mapping[str, torch.nn.Parameter], order: Sequence[str]) -> list[list[str]]:
    """Names in their order, cut where a bucket is full or the kind of number changes."""
    buckets: list[list[str]] = []
    size, kind = 0, None
    for name in order:
        parameter = named[name]
        if not buckets or size > BUCKET_BYTES or parameter.dtype != kind:
            buckets.append([])
            size, kind = 0, parameter.dtype
        buckets[-1].append(name)
        size += parameter.numel() * parameter.element_size()
    return buckets


def _views(flat: torch.Tensor, parameters: Sequence[torch.nn.Parameter]) -> list[torch.Tensor]:
    """The parts of a flat tensor, each laid out as its weight is."""
    parts = flat.split([one.numel() for one in parameters])
    return [
        part.as_strided(one.shape, one.stride(), part.storage_offset())
        for part, one in zip(parts, parameters, strict=True)
    ]
