"""A backbone's network, with what reads it: pixels as it wants them in, the feature of the whole image out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn


class Reader(Protocol):
    """Says what a network makes of pixels. It holds no network, so that a copy of that is read as well."""

    def __call__(self, module: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        """The features (n, width) of normalised pixels (n, channels, height, width)."""
        ...


@dataclass(frozen=True)
class Network:
    """A backbone.

    Attributes:
        module: its network.
        reader: reads it.
        channels: colours of a pixel that it wants.
        described: what it is built from again; see `encoder.model.backbones.building`.
        pooling: see `encoder.model.backbones.pooling`.
    """

    module: nn.Module
    reader: Reader
    channels: int
    described: Mapping[str, Any]
    pooling: str

    @property
    def kind(self) -> str:
        """The architecture in a word: a type of transformers, or the name in another library."""
        library = self.described.get("library")
        return f"{library}:{self.described['name']}" if library else str(self.described["model_type"])


@dataclass(frozen=True)
class PlainReader:
    """Reads a network that gives its features as they are."""

    def __call__(self, module: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        """The features (n, width) of normalised pixels (n, channels, height, width)."""
        features: torch.Tensor = module(pixels)
        return features.flatten(1)
