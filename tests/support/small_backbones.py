"""Small folders with random weights, of every kind of backbone that the docs speak of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
PATCHES = {**VIT, "image_size": 32, "patch_size": 8}
DINOV2 = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
SWIN = {"image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2], "window_size": 4}
STAGES = {"hidden_sizes": [8, 8, 8, 16], "depths": [1] * 4, "num_attention_heads": [1, 1, 2, 2], "mlp_ratios": [2] * 4}
NET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
TEXT = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 50,
    "max_position_embeddings": 16,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}


@dataclass(frozen=True)
class SmallBackbone:
    """One kind of backbone.

    Attributes:
        name: the row of the table.
        model_type: of transformers.
        fields: of its configuration.
        sizes: two that it is tried at.
        head: whether it stands inside a classifier.
        examples: known models that are of this kind.
    """

    name: str
    model_type: str
    fields: Mapping[str, Any]
    sizes: tuple[int, int] = (32, 48)
    head: bool = False
    examples: str = field(default="")


def _two_towers(**vision: Any) -> dict[str, Any]:
    return {"vision_config": {**PATCHES, **vision}, "text_config": TEXT}


SMALL: tuple[SmallBackbone, ...] = (
    SmallBackbone("vit", "vit", PATCHES, examples="ViT-B/16 of ImageNet"),
    SmallBackbone("vit in a classifier", "vit", PATCHES, head=True),
    SmallBackbone("deit", "deit", PATCHES),
    SmallBackbone("beit", "beit", {**PATCHES, "use_relative_position_bias": True}),
    SmallBackbone("data2vec-vision", "data2vec-vision", {**PATCHES, "use_relative_position_bias": True}),
    SmallBackbone("vit_mae", "vit_mae", {**PATCHES, "decoder_hidden_size": 16, "decoder_num_hidden_layers": 1}),
    SmallBackbone("vit_msn", "vit_msn", PATCHES),
    SmallBackbone("ijepa", "ijepa", PATCHES),
    SmallBackbone("dinov2", "dinov2", DINOV2, (28, 42), examples="RAD-DINO, DINOv2"),
    SmallBackbone("dinov2_with_registers", "dinov2_with_registers", DINOV2, (28, 42)),
    SmallBackbone("dinov3_vit", "dinov3_vit", {**PATCHES, "num_register_tokens": 2}, examples="DINOv3"),
    SmallBackbone("dinov3_convnext", "dinov3_convnext", {"hidden_sizes": [8, 8, 16, 32], "depths": [1] * 4}, (32, 64)),
    SmallBackbone("clip_vision_model", "clip_vision_model", PATCHES),
    SmallBackbone("clip, both towers", "clip", _two_towers(), examples="CLIP, PubMedCLIP"),
    SmallBackbone("siglip_vision_model", "siglip_vision_model", PATCHES),
    SmallBackbone("siglip, both towers", "siglip", _two_towers(), examples="SigLIP, MedSigLIP"),
    SmallBackbone("siglip2_vision_model", "siglip2_vision_model", {**VIT, "num_patches": 16, "patch_size": 8}),
    SmallBackbone("chinese_clip, both towers", "chinese_clip", _two_towers()),
    SmallBackbone("altclip, both towers", "altclip", _two_towers()),
    SmallBackbone("metaclip_2, both towers", "metaclip_2", _two_towers()),
    SmallBackbone("aimv2_vision_model", "aimv2_vision_model", PATCHES),
    SmallBackbone("mlcd_vision_model", "mlcd_vision_model", PATCHES),
    SmallBackbone("swin", "swin", SWIN, (32, 50), examples="Swin"),
    SmallBackbone("swinv2", "swinv2", SWIN, (32, 50)),
    SmallBackbone("convnext", "convnext", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}),
    SmallBackbone("convnextv2", "convnextv2", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}),
    SmallBackbone("resnet", "resnet", {**NET, "layer_type": "basic"}, (32, 50)),
    SmallBackbone("regnet", "regnet", {**NET, "groups_width": 8, "layer_type": "x"}, (32, 50)),
    SmallBackbone("bit", "bit", {"embedding_size": 32, "hidden_sizes": [32, 32], "depths": [1, 1], "num_groups": 8}),
    SmallBackbone(
        "efficientnet",
        "efficientnet",
        {"width_coefficient": 0.25, "depth_coefficient": 0.1, "hidden_dim": 320},
        (32, 50),
    ),
    SmallBackbone("mobilenet_v1", "mobilenet_v1", {"depth_multiplier": 0.25}, (32, 50)),
    SmallBackbone("mobilenet_v2", "mobilenet_v2", {"depth_multiplier": 0.25}, (32, 50)),
    SmallBackbone(
        "mobilevit",
        "mobilevit",
        {"hidden_sizes": [16] * 3, "neck_hidden_sizes": [8] * 6 + [32], "patch_size": 2},
        (64, 96),
    ),
    SmallBackbone("mobilevitv2", "mobilevitv2", {"width_multiplier": 0.25}, (64, 96)),
    SmallBackbone("pvt", "pvt", {**STAGES, "image_size": 32}, (32, 64)),
    SmallBackbone("pvt_v2", "pvt_v2", {**STAGES, "image_size": 32}),
    SmallBackbone("poolformer", "poolformer", {"hidden_sizes": [8, 8, 16, 16], "depths": [1] * 4}, (32, 64)),
    SmallBackbone(
        "focalnet",
        "focalnet",
        {
            "image_size": 32,
            "embed_dim": 8,
            "depths": [1, 1],
            "focal_levels": [1, 1],
            "focal_windows": [3, 3],
            "hidden_sizes": [8, 16],
        },
    ),
    SmallBackbone("cvt", "cvt", {"embed_dim": [8, 8, 16], "num_heads": [1, 1, 2], "depth": [1, 2, 3]}),
    SmallBackbone("segformer", "segformer", STAGES, (32, 50)),
    SmallBackbone("swiftformer", "swiftformer", {"depths": [1] * 4, "embed_dims": [8, 8, 16, 16]}, (32, 50)),
    SmallBackbone(
        "hiera",
        "hiera",
        {
            "image_size": [32, 32],
            "embed_dim": 8,
            "depths": [1] * 4,
            "num_heads": [1, 1, 2, 2],
            "masked_unit_size": [8, 8],
        },
        (32, 64),
    ),
    SmallBackbone(
        "levit",
        "levit",
        {
            "image_size": 64,
            "hidden_sizes": [16, 32, 48],
            "num_attention_heads": [1, 2, 3],
            "depths": [1] * 3,
            "key_dim": [8] * 3,
        },
        (64, 96),
    ),
)
"""What the table in docs/explanation/backbones.md is made of."""


def small(name: str) -> SmallBackbone:
    """The kind of that name."""
    return next(one for one in SMALL if one.name == name)


def write_small(
    folder: Path, kind: SmallBackbone, *, seed: int = 0, processor: Mapping[str, Any] | None = None
) -> Path:
    """Write a folder as transformers does, with weights that let a signal through."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForImageClassification

    config = AutoConfig.for_model(kind.model_type, **json.loads(json.dumps(kind.fields)))
    torch.manual_seed(seed)
    whole = AutoModelForImageClassification if kind.head else AutoModel
    model = whole.from_config(config)
    let_through(model)
    model.save_pretrained(folder)
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def let_through(model: Any) -> None:
    """Draw weights that let a signal through: those of before a training may stop one."""
    import torch

    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.ndim > 1:
                tensor.normal_(0, (2 / max(1, tensor[0].numel())) ** 0.5)
            else:
                tensor.uniform_(0.5, 1.5)
