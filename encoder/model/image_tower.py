"""The image tower: grey pixels through a vision backbone and a projection, to unit vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from encoder.model.architecture import ImageArchitecture
from kb.errors import ClearKbError


class ImageTower(nn.Module):
    """Any vision backbone of transformers (DINOv2, ViT, ConvNeXT, ...) with a projection after it."""

    def __init__(self, architecture: ImageArchitecture):
        super().__init__()
        self.backbone = build_backbone(architecture.backbone)
        self.channels: int = self.backbone.config.num_channels
        self.projection = nn.Linear(width_of(self.backbone), architecture.dimension)
        self.mean, self.deviation = architecture.mean, architecture.deviation

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Image vectors f of grey pixels 0 to 255, (n, height, width): float32, (n, d), of length 1."""
        return self.project(self.features(pixels))

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """What the backbone says of the whole image, before the projection: (n, width)."""
        return self.backbone(pixel_values=self.prepare(pixels)).pooler_output.flatten(1)

    def project(self, features: torch.Tensor) -> torch.Tensor:
        """Features (n, width) into the shared space: float32, (n, d), of length 1."""
        return nn.functional.normalize(self.projection(features).float(), dim=-1)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels as the backbone reads them: normalised, the one grey channel repeated, (n, channels, h, w)."""
        normalised = (pixels.float() - self.mean) / self.deviation
        return normalised.unsqueeze(1).expand(-1, self.channels, -1, -1)


def build_backbone(config: Mapping[str, Any]) -> Any:
    """A backbone with random weights from a configuration of transformers, attention by SDPA where it has any.

    Raises:
        ClearKbError: there is no such model type, or the configuration does not fit it.
    """
    from transformers import AutoConfig, AutoModel

    fields = dict(config)
    try:
        made = AutoConfig.for_model(fields.pop("model_type"), **fields)
        backbone = AutoModel.from_config(made)
    except (KeyError, ValueError, TypeError) as error:
        raise ClearKbError(f"no vision backbone can be built from {dict(config)}: {error}") from error
    if not hasattr(backbone.config, "num_channels"):
        raise ClearKbError(f"{made.model_type} is no vision backbone")
    return backbone


def load_backbone(name: str, revision: str | None = None) -> Any:
    """A pretrained backbone of transformers, by its name on a hub or its folder, with its weights in float32.

    Raises:
        ClearKbError: it is not to be had.
    """
    from transformers import AutoModel

    try:
        return AutoModel.from_pretrained(name, revision=revision, dtype=torch.float32, use_safetensors=True)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ClearKbError(f"the backbone '{name}' is not to be had: {reason}") from error


def width_of(backbone: Any) -> int:
    """Numbers of a backbone's feature of the whole image."""
    config = backbone.config
    sizes = getattr(config, "hidden_sizes", None)
    return int(sizes[-1] if sizes else config.hidden_size)
