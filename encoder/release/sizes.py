"""The sizes of the published architecture, read off its tensors: nothing about them is written in the file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoder.model.state_dict import some_of
from kb.errors import ClearKbError

if TYPE_CHECKING:
    import torch

HEAD = 64
"""Numbers of an attention head, in DINOv2 and in CLIP alike."""

IMAGE_BLOCKS, TEXT_BLOCKS = "visual.base.blocks.", "transformer.resblocks."

TELLING = {
    "visual.base.pos_embed": 3,
    "visual.base.patch_embed.proj.weight": 4,
    f"{IMAGE_BLOCKS}0.mlp.fc1.weight": 2,
    "visual.projection.weight": 2,
    "token_embedding.weight": 2,
    "positional_embedding": 2,
    f"{TEXT_BLOCKS}0.mlp.c_fc.weight": 2,
}
"""The tensors that sizes are read off, with the axes that each has."""


@dataclass(frozen=True, slots=True)
class TransformerSizes:
    """Numbers of a token, blocks, and how many times wider a block's hidden layer is."""

    width: int
    layers: int
    ratio: int

    @property
    def heads(self) -> int:
        """Attention heads."""
        return self.width // HEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSizes:
    """The sizes of both towers.

    Attributes:
        image, text: of the two transformers.
        dimension: numbers of a vector in the shared space.
        channels, patch: colours of a pixel, pixels of a patch's side.
        grid: patches of a side that there are positions for.
        vocabulary: tokens there are.
        context: tokens of a text.
    """

    image: TransformerSizes
    text: TransformerSizes
    dimension: int
    channels: int
    patch: int
    grid: int
    vocabulary: int
    context: int


def read_sizes(tensors: Mapping[str, torch.Tensor]) -> ReleaseSizes:
    """The sizes of a published file.

    Raises:
        ClearKbError: a tensor that tells them is missing or of another kind.
    """
    problems = [f"{name} is missing" for name in TELLING if name not in tensors]
    problems += [
        f"{name} has {tensors[name].ndim} axes, not {axes}"
        for name, axes in TELLING.items()
        if name in tensors and tensors[name].ndim != axes
    ]
    if problems:
        raise ClearKbError(f"it is not the published CLEAR architecture: {some_of(problems)}")
    shape = {name: tuple(tensors[name].shape) for name in TELLING}
    dimension, _ = shape["visual.projection.weight"]
    _, channels, patch, _ = shape["visual.base.patch_embed.proj.weight"]
    vocabulary, _ = shape["token_embedding.weight"]
    context, _ = shape["positional_embedding"]
    return ReleaseSizes(
        image=_transformer(tensors, IMAGE_BLOCKS, "mlp.fc1"),
        text=_transformer(tensors, TEXT_BLOCKS, "mlp.c_fc"),
        dimension=dimension,
        channels=channels,
        patch=patch,
        grid=_side(shape["visual.base.pos_embed"][1] - 1),
        vocabulary=vocabulary,
        context=context,
    )


def _transformer(tensors: Mapping[str, torch.Tensor], blocks: str, widening: str) -> TransformerSizes:
    hidden, width = tensors[f"{blocks}0.{widening}.weight"].shape
    if width == 0 or width % HEAD or hidden < width:
        raise ClearKbError(f"{blocks}0.{widening}.weight is {hidden} x {width}: its width is no multiple of {HEAD}")
    numbers = (re.match(re.escape(blocks) + r"(\d+)\.", name) for name in tensors)
    return TransformerSizes(width, 1 + max(int(found[1]) for found in numbers if found), hidden // width)


def _side(patches: int) -> int:
    side = math.isqrt(max(patches, 0))
    if side == 0 or side * side != patches:
        raise ClearKbError(f"visual.base.pos_embed has positions for {patches} patches, which are no square")
    return side
