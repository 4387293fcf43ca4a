"""The published weights as an `Encoder`: the same numbers under other names, for one size of picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from encoder.model.architecture import Architecture, ImageArchitecture, TextArchitecture
from encoder.model.backbones.pictures import MIMIC_DEVIATION, MIMIC_MEAN
from encoder.model.state_dict import some_of
from encoder.release.names import POSITIONS, TEXT_PROJECTION, check_names, renamings
from encoder.release.sizes import ReleaseSizes, read_sizes
from kb.errors import ClearKbError, UsageError

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

    from encoder.model.encoder import Encoder

OFFSET = 0.1
"""What DINOv2 adds to the side that it interpolates its positions to (its `interpolate_offset`)."""


def release_architecture(sizes: ReleaseSizes, size: int) -> Architecture:
    """The published architecture in transformers' words, for pictures of `size` pixels a side.

    Raises:
        UsageError: `size` is no multiple of the patch.
    """
    if size % sizes.patch:
        raise UsageError(f"a size of {size} pixels: it has to be a multiple of the patch, {sizes.patch} pixels")
    image = ImageArchitecture(_backbone(sizes, size), sizes.dimension, MIMIC_MEAN, MIMIC_DEVIATION)
    return Architecture(image, TextArchitecture("transformer", transformer=_transformer(sizes), context=sizes.context))


def release_encoder(tensors: Mapping[str, torch.Tensor], tokenizer: Tokenizer, size: int) -> Encoder:
    """The published encoder, in float32 and evaluation mode.

    Raises:
        UsageError: `size` is no multiple of the patch.
        ClearKbError: the tensors are not those of the published architecture.
    """
    import torch

    from encoder.model.encoder import Encoder

    sizes = read_sizes(tensors)
    architecture = release_architecture(sizes, size)
    check_names(tensors, sizes)
    encoder = Encoder(architecture, tokenizer)
    # InfoNCE has a scale and no bias.
    converted = {**renamed(tensors, sizes, size // sizes.patch), "bias": torch.zeros(())}
    if strangers := sorted(converted.keys() ^ encoder.state_dict().keys()):
        raise ClearKbError(f"this version of transformers has other names for its weights: {some_of(strangers)}")
    encoder.load_state_dict(converted)
    return encoder.eval()


def renamed(tensors: Mapping[str, torch.Tensor], sizes: ReleaseSizes, grid: int) -> dict[str, torch.Tensor]:
    """The published tensors under an encoder's names, float32, with positions for `grid` patches a side."""
    converted: dict[str, torch.Tensor] = {}
    for renaming in renamings(sizes):
        tensor = tensors[renaming.published].detach().float()
        parts = tensor.chunk(len(renaming.ours)) if len(renaming.ours) > 1 else [tensor]
        converted.update(zip(renaming.ours, parts, strict=True))
    # CLIP multiplies from the right, x @ P; a linear layer keeps the transpose.
    converted[TEXT_PROJECTION] = converted[TEXT_PROJECTION].T
    converted[POSITIONS] = resized_positions(converted[POSITIONS], sizes.grid, grid)
    return converted


def resized_positions(positions: torch.Tensor, grid: int, wanted: int) -> torch.Tensor:
    """DINOv2's positions (1, 1 + grid², width) for `wanted` patches a side, as its own code interpolates them.

    Its scale is (wanted + 0.1) / grid, not wanted / grid, which moves every sample a little: transformers interpolates
    without the offset, so that this is done once, here, and never there.
    """
    import torch

    if wanted == grid:
        return positions
    first, patches = positions[:, :1], positions[:, 1:]
    square = patches.unflatten(1, (grid, grid)).permute(0, 3, 1, 2)
    scale = (wanted + OFFSET) / grid
    resized = torch.nn.functional.interpolate(square, scale_factor=(scale, scale), mode="bicubic", antialias=False)
    return torch.cat([first, resized.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def _backbone(sizes: ReleaseSizes, size: int) -> dict[str, Any]:
    return {
        "model_type": "dinov2",
        "hidden_size": sizes.image.width,
        "num_hidden_layers": sizes.image.layers,
        "num_attention_heads": sizes.image.heads,
        "mlp_ratio": sizes.image.ratio,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-6,
        "image_size": size,
        "patch_size": sizes.patch,
        "num_channels": sizes.channels,
        "use_mask_token": False,
    }


def _transformer(sizes: ReleaseSizes) -> dict[str, Any]:
    start, end = sizes.vocabulary - 2, sizes.vocabulary - 1
    return {
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.text.width,
        "intermediate_size": sizes.text.width * sizes.text.ratio,
        "num_hidden_layers": sizes.text.layers,
        "num_attention_heads": sizes.text.heads,
        "max_position_embeddings": sizes.context,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "bos_token_id": start,
        "eos_token_id": end,
        "pad_token_id": end,
    }
