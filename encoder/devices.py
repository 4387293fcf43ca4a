"""The device that a network runs on."""

from __future__ import annotations

import os

from kb.errors import UsageError


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
