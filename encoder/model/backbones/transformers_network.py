"""Backbones of transformers: any vision model that takes pixels, built from its configuration and read."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from encoder.model.backbones.bounds import require_buildable
from encoder.model.backbones.network import Network
from encoder.model.backbones.pooling import Pooling, pooled, resolved_pooling
from kb.errors import ClearKbError
from kb.reading.shown import shown
from kb.store.storage import first_line

LONGEST = 300
"""Letters of a reason that are told."""

NOT_OF_THE_NETWORK = (
    "_name_or_path",
    "transformers_version",
    "architectures",
    "dtype",
    "torch_dtype",
    "id2label",
    "label2id",
    "problem_type",
)
"""Fields of a configuration that say where it came from or what stood above it: they change no feature."""


@dataclass(frozen=True)
class TransformersReader:
    """Reads a vision model of transformers.

    Attributes:
        pooling: what becomes the feature of the image.
        interpolates: whether it resizes its position embeddings to the picture when it is asked to.
    """

    pooling: str
    interpolates: bool

    def __call__(self, module: nn.Module, pixels: torch.Tensor) -> torch.Tensor:
        """The features (n, width) of normalised pixels (n, channels, height, width)."""
        config: Any = module.config
        return pooled(module(**self._inputs(config, pixels)), pooling=self.pooling, config=config)

    def _inputs(self, config: Any, pixels: torch.Tensor) -> dict[str, Any]:
        told: dict[str, Any] = {"interpolate_pos_encoding": True} if self.interpolates else {}
        if config.model_type == "siglip2_vision_model":
            return patches_in_a_row(pixels, config.patch_size)
        if config.model_type == "vit_mae":
            # Noise in rising order leaves the patches where they are; none is masked.
            patches = (pixels.shape[2] // config.patch_size) * (pixels.shape[3] // config.patch_size)
            told["noise"] = torch.arange(patches, device=pixels.device).expand(len(pixels), -1)
        return {"pixel_values": pixels, **told}


def build_transformers(described: Mapping[str, Any], pooling: str = "pooler") -> Network:
    """A backbone of transformers with random weights, attention by SDPA where it has any.

    Raises:
        ClearKbError: there is no such model type, it reads no pictures, or the configuration does not fit it.
        UsageError: it has no such pooling.
    """
    from transformers import AutoConfig

    fields = dict(described)
    try:
        config = AutoConfig.for_model(fields.pop("model_type"), **fields)
        chosen = resolved_pooling(config.model_type, cast(Pooling, pooling))
        build = partial(model_class(config)._from_config, config, **pooling_layer(config, chosen))
        require_buildable(build, "the backbone")
        module = build()
    except ClearKbError:
        raise
    except Exception as error:  # each architecture fails in its own ways over a value that does not fit it
        reason = f"{type(error).__name__}: {first_line(error)}"[:LONGEST]
        raise ClearKbError(f"no vision backbone can be built from {shown(dict(described))}: {reason}") from error
    return network_of(module, chosen)


def network_of(module: Any, pooling: str) -> Network:
    """A model of transformers as a backbone.

    Raises:
        ClearKbError: it reads no pictures.
    """
    config = module.config
    if module.main_input_name != "pixel_values":
        raise ClearKbError(f"{config.model_type} is no vision backbone")
    interpolates = "interpolate_pos_encoding" in inspect.signature(module.forward).parameters
    reader = TransformersReader(pooling, interpolates)
    return Network(module, reader, getattr(config, "num_channels", None) or 3, description_of(config), pooling)


def description_of(config: Any) -> dict[str, Any]:
    """What a model is built from again: its configuration, without what says where it lay."""
    told = {**config.to_diff_dict(), "model_type": config.model_type}
    if config.model_type == "vit_mae":
        told["mask_ratio"] = 0.0
    return {name: value for name, value in told.items() if name not in NOT_OF_THE_NETWORK}


def model_class(config: Any) -> Any:
    """The class of transformers whose model is the bare vision network of a configuration.

    Raises:
        KeyError: there is none.
    """
    from transformers import AutoModel, PreTrainedModel

    try:
        found = AutoModel._model_mapping[type(config)]
        return found[0] if isinstance(found, list | tuple) else found
    except KeyError:
        module = importlib.import_module(type(config).__module__.replace(".configuration_", ".modeling_"))
    own = [
        one
        for name, one in vars(module).items()
        if name.endswith(("VisionModel", "VisionTransformer"))
        and isinstance(one, type)
        and issubclass(one, PreTrainedModel)
        and getattr(one, "config_class", None) is type(config)
    ]
    if not own:
        raise KeyError(f"{config.model_type} is no vision backbone")
    return own[0]


def pooling_layer(config: Any, pooling: str) -> dict[str, bool]:
    """Whether a model is to have its pooling layer, for the models that can do without: no weight stays unused."""
    if "add_pooling_layer" in inspect.signature(model_class(config).__init__).parameters:
        return {"add_pooling_layer": pooling in ("pooler", "attention")}
    if hasattr(config, "vision_use_head"):
        config.vision_use_head = pooling == "attention"
    return {}


def patches_in_a_row(pixels: torch.Tensor, patch: int) -> dict[str, torch.Tensor]:
    """What SigLIP 2 reads: the patches of each picture, colours last, and how many there are on each side."""
    count, channels, height, width = pixels.shape
    rows, columns = height // patch, width // patch
    cut = pixels[:, :, : rows * patch, : columns * patch].reshape(count, channels, rows, patch, columns, patch)
    flat = cut.permute(0, 2, 4, 3, 5, 1).reshape(count, rows * columns, patch * patch * channels)
    return {
        "pixel_values": flat,
        "pixel_attention_mask": torch.ones(count, rows * columns, dtype=torch.int64, device=pixels.device),
        "spatial_shapes": torch.tensor([[rows, columns]], device=pixels.device).expand(count, -1),
    }
