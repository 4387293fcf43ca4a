"""How the two towers run in a training: compiled, laid out for the device, and with activations made again or kept."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from encoder.model.encoder import Encoder
from encoder.training.config import Precision, TrainConfig
from kb.errors import UsageError


def prepare_towers(encoder: Encoder, config: TrainConfig, *, device: str, processes: int) -> None:
    """Make an encoder ready for the steps of a training, in place, on its device.

    Raises:
        UsageError: the backbone cannot be trained this way; the message says what to leave out.
    """
    _check_norms(encoder, config, processes)
    if config.gradient_checkpointing:
        _recompute(encoder.image, "the backbone")
        if encoder.tokenizer is not None:
            _recompute(encoder.text, "the text transformer")
    if device.startswith("cuda") and _is_convolutional(encoder.image):
        encoder.image.to(memory_format=torch.channels_last)
    if config.compile:
        encoder.image.compile()
        encoder.text.compile(dynamic=True)  # no two batches have as many concepts, or tokens


def autocast(precision: Precision, device: str) -> AbstractContextManager[Any]:
    """What a forward pass runs in: bfloat16 where that is said, or by itself on a GPU."""
    if precision_of(precision, device) == "bfloat16":
        return torch.autocast(device.split(":")[0], torch.bfloat16)
    return nullcontext()


def precision_of(precision: Precision, device: str) -> str:
    """What a forward pass is computed in on a device: "bfloat16" or "float32"."""
    if precision == "auto":
        return "bfloat16" if device.startswith("cuda") else "float32"
    return precision


def _check_norms(encoder: Encoder, config: TrainConfig, processes: int) -> None:
    """Batch norms look at the images that go through together: these have to be the whole batch, and once."""
    norms = (part for part in encoder.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm))
    if not any(norm.training for norm in norms):  # frozen ones look at nothing
        return
    if config.micro_batch is not None or processes > 1 or config.gradient_checkpointing:
        raise UsageError(
            "this backbone has batch norms, whose statistics would be those of a part of the batch, or be taken twice: "
            "leave micro_batch and gradient_checkpointing out and train in one process, or take a backbone with layer "
            "norms (convnext, dinov2, vit)"
        )


def _recompute(tower: nn.Module, name: str) -> None:
    """Let the layers of a tower make their activations again in the backward pass, rather than keep them."""
    for part in tower.modules():
        of_transformers: Any = getattr(part, "activation_checkpointing_enable", None)
        of_timm: Any = getattr(part, "set_grad_checkpointing", None)
        if of_transformers is not None and getattr(part, "supports_gradient_checkpointing", False):
            of_transformers()
            return
        if of_timm is not None:
            of_timm()
            return
    raise UsageError(f"{name} cannot make its activations again: leave gradient_checkpointing out")


def _is_convolutional(tower: nn.Module) -> bool:
    """Whether convolutions do the work: others than the one that cuts a picture into patches."""
    found = [part for part in tower.modules() if isinstance(part, nn.Conv2d)]
    return any(part.kernel_size != part.stride and part.kernel_size != (1, 1) for part in found)
