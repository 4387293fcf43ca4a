"""The parts of a configuration that hold several values under one name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much a picture may be moved and lit otherwise. It is never mirrored: left is not right.

    Attributes:
        rotate: degrees to either side.
        scale: share of the size, up or down.
        shift: share of a side, in each direction.
        contrast: share of contrast, up or down.
        brightness: share of the whole range of grey, up or down.
    """

    rotate: float = 5.0
    scale: float = 0.05
    shift: float = 0.03
    contrast: float = 0.1
    brightness: float = 0.1


@dataclass(frozen=True, slots=True)
class TextTransformer:
    """The text transformer of the objective `report`."""

    width: int = 512
    layers: int = 12
    heads: int = 8
    context: int = 77
    tokens: int = 8_000


@dataclass(frozen=True, slots=True)
class Lora:
    """A small matrix that is learned beside each of the backbone's own (Hu et al., 2021).

    Attributes:
        rank: of the matrix.
        alpha: its product counts alpha / rank.
        dropout: share of what goes into it that is left out at a step.
        targets: ends of the names of matrices ("query", "value"), or "linear" for every linear map of the layers.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ("linear",)
