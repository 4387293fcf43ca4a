"""AdamW as an encoder is trained with it: a rate for each group, gradients clipped, the scale kept in its range."""

from __future__ import annotations

import math

import torch

from encoder.model.encoder import Encoder
from encoder.training.config import TrainConfig
from encoder.training.parameters import parameter_groups

HIGHEST_LOG_SCALE = math.log(100)
"""CLIP's (Radford et al., 2021, section 2.5): a steeper softmax or sigmoid is not stable."""


def adamw(encoder: Encoder, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW over the trained parameters, in one kernel where the device has it, by lists of tensors elsewhere."""
    groups = parameter_groups(encoder, config)
    try:
        return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    except RuntimeError:  # what it says of a device without
        return torch.optim.AdamW(groups, lr=config.learning_rate, foreach=True)


def update(encoder: Encoder, optimiser: torch.optim.Optimizer, *, rate: float, clip: float) -> torch.Tensor:
    """Take one optimiser step by the gradients that are there; they stay.

    Args:
        encoder: whose weights.
        optimiser: of `adamw`.
        rate: the learning rate of this step; each group has its factor of it.
        clip: the norm that the gradient of all parameters together is scaled down to where it is greater.

    Returns:
        The norm of the gradient before it was clipped, a number on the device.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate * group["factor"]
    norm = torch.nn.utils.clip_grad_norm_(encoder.parameters(), clip)
    optimiser.step()
    if encoder.log_scale.requires_grad:
        with torch.no_grad():
            encoder.log_scale.clamp_(0.0, HIGHEST_LOG_SCALE)
    return norm
