"""Which backbone is meant, and how it is to be read: as a user says it, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from encoder.model.backbones.pooling import Pooling


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneChoice:
    """Which backbone, and how it is to be read.

    Attributes:
        name: of transformers, timm or open_clip: a name on a hub or a folder; "timm:NAME", "torchvision:NAME"; a file
            of weights; or a configuration of transformers, for random weights.
        revision: of a name on a hub.
        architecture: of a file of weights: "timm:NAME" or "torchvision:NAME"; not needed for CLIP's ViT.
        pooling: what becomes the feature of the image; see `encoder.model.backbones.pooling`.
        size: pixels of a side; default: what the backbone was made for.
    """

    name: str | Mapping[str, Any]
    revision: str | None = None
    architecture: str | None = None
    pooling: Pooling = "auto"
    size: int | None = None

    @property
    def called(self) -> str:
        """What it is called in a line."""
        return self.name if isinstance(self.name, str) else f"{self.name.get('model_type')} (random weights)"
