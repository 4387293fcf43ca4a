"""Checkpoints of open_clip: a folder with `open_clip_config.json` and weights (BiomedCLIP and its like on the hub).

Of the image tower the trunk is taken: a network of timm, or CLIP's own ViT. Neither open_clip nor its text tower is
needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from encoder.model.backbones.clip_vit import HEAD, is_clip, load_clip
from encoder.model.backbones.network import Network
from encoder.model.backbones.pictures import Pictures, pictures_of_shares
from encoder.model.backbones.pooling import Pooling
from encoder.model.backbones.timm_network import load_timm
from encoder.model.state_dict import read_weights
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json_file

CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin")
TRUNK = "visual.trunk."


def load_open_clip(folder: Path, *, size: int | None, pooling: Pooling) -> tuple[Network, Pictures]:
    """The image tower's trunk of an open_clip checkpoint.

    Raises:
        ClearKbError: it has no weights, its configuration cannot be read, or its tower is of a kind of its own.
        UsageError: timm is needed and not there, or there is no such pooling.
    """
    try:
        told = read_json_file(folder / CONFIG)
        vision: Mapping[str, Any] = told["model_cfg"]["vision_cfg"]
    except UsageError as error:  # the folder was named rightly: what lies in it is broken
        raise ClearKbError(f"{folder / CONFIG} cannot be read: {error}") from error
    except (KeyError, TypeError) as error:
        raise ClearKbError(f"{folder / CONFIG} cannot be read: {error!r}") from error
    weights = next((folder / one for one in WEIGHTS if (folder / one).is_file()), None)
    if weights is None:
        raise ClearKbError(f"{folder} has no weights: none of {', '.join(WEIGHTS)}")
    made = told.get("preprocess_cfg") or {}
    native = int(vision.get("image_size") or 224)
    pictures = pictures_of_shares(native, made.get("mean"), made.get("std"), made.get("interpolation"))
    return _network(folder, told["model_cfg"], read_weights(weights), size=size, pooling=pooling), pictures


def _network(
    folder: Path, model: Mapping[str, Any], tensors: Mapping[str, torch.Tensor], *, size: int | None, pooling: Pooling
) -> Network:
    vision = model["vision_cfg"]
    if (name := vision.get("timm_model_name")) is not None:
        trunk = {one.removeprefix(TRUNK): tensor for one, tensor in tensors.items() if one.startswith(TRUNK)}
        return load_timm(
            name, size=size, pooling=pooling, tensors=trunk, pictures={"num_classes": 0, "classifier": None}
        )[0]
    if not is_clip(tensors):
        raise ClearKbError(f"the image tower of {folder} is neither a network of timm nor CLIP's ViT")
    activation = "quick_gelu" if model.get("quick_gelu") else "gelu"
    return load_clip(tensors, pooling, activation=activation, head=int(vision.get("head_width") or HEAD))
