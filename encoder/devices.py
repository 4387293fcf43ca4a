"""The device that a network runs on, and the way there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from kb.errors import UsageError

if TYPE_CHECKING:
    import torch


def choose_device(asked: str | None = None) -> str:
    """The device asked for, else the GPU of this process, else the processor.

    A bare "cuda" is the GPU of this process too (LOCAL_RANK, which `torchrun` sets).

    Raises:
        UsageError: there is no such device here.
    """
    import torch

    there = torch.cuda.is_available()
    chosen = asked or ("cuda" if there else "cpu")
    if chosen == "cuda" and there:
        chosen = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f"device '{asked}': {reason}") from error
    if chosen.startswith("cuda"):
        torch.cuda.set_device(chosen)
        torch.set_float32_matmul_precision("high")
    return chosen


def to_device(array: np.ndarray, device: str) -> torch.Tensor:
    """An array as a tensor on a device; on its way to a GPU it lies in pinned memory, and nobody waits for it."""
    import torch

    tensor = torch.from_numpy(array)
    if device.startswith("cuda"):
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
