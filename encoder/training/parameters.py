"""The parameters of an encoder in groups: which decay, and how fast each learns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from encoder.model.encoder import Encoder
from encoder.training.backbone_layers import parameter_depths
from encoder.training.config import TrainConfig
from encoder.training.parts import PARTS

BACKBONE = "image.backbone."
_TOKENS = re.compile(r"(^|_)(tokens?|class_embedding|pos(ition)?_embed(ding)?s?|relative_position_bias_table|biases)$")
"""What tokens and positions of a transformer are called where they are no `nn.Embedding`."""


def parameter_groups(encoder: Encoder, config: TrainConfig) -> list[dict[str, Any]]:
    """The trained parameters in groups for an optimiser, each in one of them.

    A group has a `weight_decay` of its own, and a `factor` by which its learning rate is another than the training's:
    `scale_rate` for scale and bias, `head_rate` for projection and text side, and for a parameter of the backbone
    `layer_decay` to the power of the layers above it (Bao et al., 2021): the earlier, the slower.
    """
    depths = parameter_depths(encoder.image.backbone)
    deepest = max(depths.values(), default=0)
    undecayed = undecayed_names(encoder)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in encoder.named_parameters():
        if parameter.requires_grad:
            factor = _factor(name, config, depths, deepest)
            groups.setdefault((factor, name in undecayed), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": 0.0 if plain else config.weight_decay, "factor": factor}
        for (factor, plain), parameters in groups.items()
    ]


def undecayed_names(network: nn.Module) -> set[str]:
    """The names of the parameters that no weight decay pulls to zero: all but the weights of linear maps and kernels.

    These are biases, norms, the scale, class, mask and register tokens, and embeddings of positions and of words.
    """
    embedded = {
        f"{path}.{name}"
        for path, module in network.named_modules()
        if isinstance(module, nn.Embedding)
        for name, _ in module.named_parameters(recurse=False)
    }
    return {
        name
        for name, parameter in network.named_parameters()
        if _is_vector(parameter) or name in embedded or _TOKENS.search(name.rpartition(".")[2])
    }


def _is_vector(parameter: nn.Parameter) -> bool:
    """Of one axis, or of several of which all but one are 1, as some norms and class tokens are kept."""
    return parameter.ndim < 2 or parameter.numel() == max(parameter.shape)


def _factor(name: str, config: TrainConfig, depths: Mapping[str, int], deepest: int) -> float:
    if name in PARTS["scale"]:
        return config.scale_rate
    if name.startswith(BACKBONE):
        return float(config.layer_decay ** (deepest - depths[name.removeprefix(BACKBONE)]))
    return config.head_rate
