"""LoRA (Hu et al., 2021) by peft: a backbone learns a small matrix beside each of its own, which stay as they are.

A checkpoint holds the product added to the weights: it is a plain one, and needs no peft to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from encoder.model.encoder import Encoder
from encoder.training.backbone_layers import layer_names
from encoder.training.config_parts import Lora
from kb.errors import UsageError

EVERY_LINEAR = "linear"
"""The targets that are every linear map of the backbone's layers."""

_BASE = ".base_layer."
_NAME = "default"
_UNSEEN = nn.modules.linear.NonDynamicallyQuantizableLinear
"""The last map of `nn.MultiheadAttention`, which reads its weight past any module: LoRA beside it would do nothing."""


def require_peft() -> None:
    """UsageError where peft cannot be imported; the message says what to install."""
    try:
        import peft  # noqa: F401
    except ImportError as error:
        raise UsageError(f'LoRA needs peft: pip install "clear-kb[training]" ({error})') from error


def add_lora(backbone: nn.Module, lora: Lora) -> list[str]:
    """Put LoRA beside matrices of a backbone, in place, and freeze all else in it; the names of the matrices.

    The new matrices' product is zero: the features are at first what they were.

    Raises:
        UsageError: peft is missing, or no matrix is called so.
    """
    require_peft()
    from peft import LoraConfig, inject_adapter_in_model

    names = lora_targets(backbone, lora.targets)
    settings = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=names)
    try:
        inject_adapter_in_model(settings, backbone, adapter_name=_NAME)
    except ValueError as error:  # grouped kernels that the rank does not divide, and the like
        raise UsageError(f"lora: {error}") from error
    return names


def lora_targets(backbone: nn.Module, targets: tuple[str, ...]) -> list[str]:
    """The matrices that LoRA is put beside: those that are called so or whose names end so; "linear" is every one.

    Args:
        backbone: where they are: linear maps and convolutions in its layers.
        targets: names or ends of names, as ("query", "value").

    Raises:
        UsageError: a target fits no matrix; the message says what the matrices are called.
    """
    inside = tuple(f"{layer}." for layer in layer_names(backbone))
    there = {
        name: module
        for name, module in backbone.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and not isinstance(module, _UNSEEN) and name.startswith(inside)
    }
    chosen: set[str] = set()
    for target in targets:
        found = {name for name, module in there.items() if _is_target(name, module, target)}
        if not found:
            ends = sorted({name.rpartition(".")[2] for name in there})
            raise UsageError(
                f"lora.targets '{target}': no matrix of the backbone; there are {', '.join(ends) or 'none'}"
            )
        chosen |= found
    return sorted(chosen)


def merged_encoder(encoder: Encoder) -> Encoder:
    """The encoder with what LoRA learned in its weights, a plain copy on the CPU; itself if it has none."""
    layers = _lora_layers(encoder)
    if not layers:
        return encoder
    own = tuple(f"{name}.lora_" for name in layers)
    state = {
        _plain_name(name, layers): tensor.detach().cpu()
        for name, tensor in encoder.state_dict().items()
        if not name.startswith(own)
    }
    for name, layer in layers.items():
        with torch.no_grad():
            state[f"{name}.weight"] = state[f"{name}.weight"] + layer.get_delta_weight(_NAME).cpu()
    plain = Encoder(encoder.architecture, encoder.tokenizer)
    plain.load_state_dict(state)
    return plain.eval()


def _lora_layers(encoder: Encoder) -> Mapping[str, Any]:
    return {name: module for name, module in encoder.named_modules() if hasattr(module, "get_delta_weight")}


def _plain_name(name: str, layers: Mapping[str, Any]) -> str:
    """What a tensor of a network with LoRA is called in the network without."""
    layer, base, last = name.partition(_BASE)
    return f"{layer}.{last}" if base and layer in layers else name


def _is_target(name: str, module: nn.Module, target: str) -> bool:
    if target == EVERY_LINEAR:
        return isinstance(module, nn.Linear)
    return name == target or name.endswith(f".{target}")
