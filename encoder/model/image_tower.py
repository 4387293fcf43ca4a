"""The image tower: grey pixels through a vision backbone and a projection, to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from encoder.model.architecture import ImageArchitecture, Levels
from encoder.model.backbones.building import build_network
from encoder.model.backbones.network import Network
from kb.errors import ClearKbError


class ImageTower(nn.Module):
    """Any vision backbone (DINOv2, ViT, ConvNeXT, a network of timm, ...) with a projection after it.

    A tower that is not projected is a frozen backbone: its vectors are the features as they are.
    """

    def __init__(self, architecture: ImageArchitecture):
        super().__init__()
        network = build_network(architecture.backbone, architecture.pooling)
        self.backbone, self.reader, self.channels = network.module, network.reader, network.channels
        self.described, self.pooling = network.described, network.pooling
        width = architecture.width or width_of(self.backbone)
        self.projection = nn.Linear(width, architecture.dimension) if architecture.projected else None
        self.register_buffer("mean", _levels(architecture.mean, self.channels), persistent=False)
        self.register_buffer("deviation", _levels(architecture.deviation, self.channels), persistent=False)

    @property
    def network(self) -> Network:
        """The backbone, to be tried at another size."""
        return Network(self.backbone, self.reader, self.channels, self.described, self.pooling)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Image vectors f of grey pixels 0 to 255, (n, height, width): float32, (n, d), of length 1 if projected."""
        return self.project(self.features(pixels))

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """What the backbone says of the whole image, before the projection: (n, width)."""
        return self.reader(self.backbone, self.prepare(pixels))

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Features (n, width) into the shared space: float32, (n, d), of length 1; without a projection as they are."""
        if self.projection is None:
            return features.float()
        return nn.functional.normalize(self.projection(features).float(), dim=-1)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels as the backbone reads them: the one grey channel repeated, normalised, (n, channels, h, w)."""
        mean: torch.Tensor = self.mean
        deviation: torch.Tensor = self.deviation
        normalised = (pixels.float().unsqueeze(1) - mean) / deviation
        return normalised.expand(-1, self.channels, -1, -1)


def width_of(backbone: Any) -> int:
    """Numbers of the feature of a backbone of transformers, as its configuration tells them."""
    config = backbone.config
    sizes = getattr(config, "hidden_sizes", None)
    return int(sizes[-1] if sizes else config.hidden_size)


def _levels(told: Levels, channels: int) -> torch.Tensor:
    """Grey levels for (n, channels, h, w).

    Raises:
        ClearKbError: there are neither one nor as many as channels.
    """
    levels = list(told) if isinstance(told, Sequence) else [told]
    if len(levels) not in (1, channels):
        raise ClearKbError(f"mean and deviation of {len(levels)} channels, for a backbone that reads {channels}")
    return torch.tensor(levels, dtype=torch.float32).view(1, -1, 1, 1)
