"""Pictures moved and lit a little otherwise, on the device, from the seed of the step; never mirrored."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import affine_grid, grid_sample

from encoder.training.config import Augmentation


def vary(pixels: torch.Tensor, how: Augmentation, seed: int) -> torch.Tensor:
    """Grey pixels (n, h, w), 0 to 255, each turned, scaled, shifted and lit at random: float32 of the same shape.

    The same seed gives the same pictures, on whichever step a training is taken up again.
    """
    dice = torch.Generator().manual_seed(seed)
    count = len(pixels)

    def drawn(most: float) -> torch.Tensor:
        return (torch.rand(count, generator=dice) * 2 - 1) * most

    angle, scale = drawn(math.radians(how.rotate)), 1 + drawn(how.scale)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [torch.stack([cos, -sin, drawn(2 * how.shift)], 1), torch.stack([sin, cos, drawn(2 * how.shift)], 1)]
    contrast, brightness = 1 + drawn(how.contrast), drawn(how.brightness) * 255
    device = pixels.device
    pictures = pixels.float().unsqueeze(1)
    grid = affine_grid(torch.stack(rows, 1).to(device), list(pictures.shape), align_corners=False)
    moved = grid_sample(pictures, grid, padding_mode="zeros", align_corners=False).squeeze(1)
    lit = moved * contrast.to(device).view(-1, 1, 1) + brightness.to(device).view(-1, 1, 1)
    return lit.clamp(0, 255)
