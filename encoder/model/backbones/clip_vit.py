"""The image tower of OpenAI's CLIP from a bare state dict (CheXzero and others), or of an open_clip ViT.

Its tensors are those of transformers' CLIPVisionModel under other names; the sizes are read off them. The text tower
and the projection into CLIP's own space are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from encoder.model.backbones.network import Network
from encoder.model.backbones.pooling import Pooling, resolved_pooling
from encoder.model.backbones.transformers_network import build_transformers
from encoder.model.state_dict import some_of
from kb.errors import ClearKbError

VISUAL = "visual."
BLOCKS = "transformer.resblocks."
HEAD = 64
"""Numbers of an attention head, in every ViT of CLIP."""

TELLING = ("class_embedding", "conv1.weight", "positional_embedding", f"{BLOCKS}0.mlp.c_fc.weight")


def is_clip(tensors: Mapping[str, torch.Tensor]) -> bool:
    """Whether tensors are those of a CLIP whose image tower is a ViT."""
    return all(f"{VISUAL}{one}" in tensors for one in TELLING)


def load_clip(
    tensors: Mapping[str, torch.Tensor], pooling: Pooling, *, activation: str = "quick_gelu", head: int = HEAD
) -> Network:
    """The image tower of a CLIP as a backbone.

    Args:
        tensors: of the whole CLIP, under OpenAI's or open_clip's names.
        pooling: what becomes the feature; `auto` is the class token.
        activation: "quick_gelu" (OpenAI's) or "gelu" (open_clip's own).
        head: numbers of an attention head.

    Raises:
        ClearKbError: a tensor is missing.
        UsageError: there is no such pooling.
    """
    visual = {name.removeprefix(VISUAL): one.float() for name, one in tensors.items() if name.startswith(VISUAL)}
    described = {**_sizes(visual, head), "hidden_act": activation}
    network = build_transformers(described, resolved_pooling("clip_vision_model", pooling))
    try:
        found = dict(_renamed(visual, int(described["num_hidden_layers"])))
    except KeyError as error:
        raise ClearKbError(f"this is no ViT of CLIP: visual.{error.args[0]} is missing") from error
    wanted = network.module.state_dict()
    if strangers := sorted(found.keys() ^ wanted.keys()):
        raise ClearKbError(f"this version of transformers has other names for CLIP's weights: {some_of(strangers)}")
    network.module.load_state_dict(found)
    return network


def _sizes(visual: Mapping[str, torch.Tensor], head: int) -> dict[str, Any]:
    width, channels, patch, _ = visual["conv1.weight"].shape
    grid = math.isqrt(visual["positional_embedding"].shape[0] - 1)
    numbers = (re.match(re.escape(BLOCKS) + r"(\d+)\.", name) for name in visual)
    return {
        "model_type": "clip_vision_model",
        "hidden_size": width,
        "intermediate_size": visual[f"{BLOCKS}0.mlp.c_fc.weight"].shape[0],
        "num_hidden_layers": 1 + max(int(found[1]) for found in numbers if found),
        "num_attention_heads": max(1, width // head),
        "num_channels": channels,
        "image_size": grid * patch,
        "patch_size": patch,
    }


def _renamed(visual: Mapping[str, torch.Tensor], layers: int) -> Iterator[tuple[str, torch.Tensor]]:
    yield "embeddings.class_embedding", visual["class_embedding"]
    yield "embeddings.patch_embedding.weight", visual["conv1.weight"]
    yield "embeddings.position_embedding.weight", visual["positional_embedding"]
    # The name is transformers' own, slip of the pen and all.
    yield from _affine(visual, "ln_pre", "pre_layrnorm")
    yield from _affine(visual, "ln_post", "post_layernorm")
    for number in range(layers):
        theirs, ours = f"{BLOCKS}{number}.", f"encoder.layers.{number}."
        for kind in ("weight", "bias"):
            parts = visual[f"{theirs}attn.in_proj_{kind}"].chunk(3)
            for part, tensor in zip("qkv", parts, strict=True):
                yield f"{ours}self_attn.{part}_proj.{kind}", tensor.clone()
        yield from _affine(visual, f"{theirs}attn.out_proj", f"{ours}self_attn.out_proj")
        yield from _affine(visual, f"{theirs}ln_1", f"{ours}layer_norm1")
        yield from _affine(visual, f"{theirs}ln_2", f"{ours}layer_norm2")
        yield from _affine(visual, f"{theirs}mlp.c_fc", f"{ours}mlp.fc1")
        yield from _affine(visual, f"{theirs}mlp.c_proj", f"{ours}mlp.fc2")


def _affine(visual: Mapping[str, torch.Tensor], theirs: str, ours: str) -> Iterator[tuple[str, torch.Tensor]]:
    for kind in ("weight", "bias"):
        yield f"{ours}.{kind}", visual[f"{theirs}.{kind}"]
