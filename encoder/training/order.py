"""The order in which the examples of an epoch are seen: by its dice alone, so that it is the same when it goes on."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kb.errors import UsageError


def shuffled(examples: Sequence[int], size: int, seed: tuple[int, int]) -> list[list[int]]:
    """The examples in batches of one size, by the seed of a training and its epoch; what is left over is not seen."""
    dice = torch.Generator().manual_seed(hash(seed) % 2**31)
    order = [examples[number] for number in torch.randperm(len(examples), generator=dice).tolist()]
    return [order[number * size : (number + 1) * size] for number in range(len(order) // size)]


def fitting_size(wanted: int, examples: int, processes: int) -> int:
    """The images of a batch: as many as wanted and there are, the same number for each process.

    Raises:
        UsageError: that is none.
    """
    size = min(wanted, examples) // processes * processes
    if size == 0:
        raise UsageError(f"a batch of {min(wanted, examples)} images for {processes} processes")
    return size
