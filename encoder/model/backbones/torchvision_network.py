"""Backbones of torchvision: a classification network without its last linear layer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from encoder.model.backbones.network import Network, PlainReader
from encoder.model.backbones.other_libraries import library
from encoder.model.backbones.pictures import Pictures, pictures_of_shares
from encoder.model.backbones.pooling import Pooling
from encoder.model.backbones.positions import resized
from encoder.model.state_dict import some_of
from kb.errors import ClearKbError, UsageError
from kb.store.storage import first_line

HEADS = ("fc", "classifier", "heads", "head")
"""What torchvision's networks call what stands above their features."""

POSITIONS = "encoder.pos_embedding"
"""The position embeddings of its ViT."""


def build_torchvision(described: Mapping[str, Any], pooling: str = "pooler") -> Network:
    """A backbone of torchvision with random weights, without its last linear layer.

    Raises:
        ClearKbError: torchvision has no such network, or there is no linear layer to take off.
        UsageError: torchvision is not there.
    """
    models = library("torchvision.models")
    name, arguments = str(described["name"]), dict(described.get("arguments") or {})
    try:
        module = models.get_model(name, weights=None, **arguments)
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        raise ClearKbError(f"no vision backbone can be built from {dict(described)}: {first_line(error)}") from error
    _without_classifier(module, name)
    return Network(module, PlainReader(), 3, {"library": "torchvision", "name": name, "arguments": arguments}, pooling)


def load_torchvision(
    name: str, *, size: int | None, pooling: Pooling, tensors: Mapping[str, torch.Tensor] | None = None
) -> tuple[Network, Pictures]:
    """A backbone of torchvision with its pretrained weights, or with given ones, for pictures of a size.

    Raises:
        UsageError: torchvision is not there, has no such network, or another pooling than its own is asked for.
        ClearKbError: the weights are not to be had or do not fit.
    """
    models = library("torchvision.models")
    if name not in models.list_models():
        near = get_close_matches(name, models.list_models(), 1)
        hint = f": '{near[0]}' was meant?" if near else ""
        raise UsageError(f"torchvision has no network '{name}'{hint}")
    if pooling not in ("auto", "pooler"):
        raise UsageError(f"torchvision's {name} is read as it pools itself: pooling auto")
    weights = models.get_model_weights(name).DEFAULT
    pictures = _pictures(weights)
    if tensors is None:
        try:
            tensors = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        except (OSError, RuntimeError) as error:
            raise ClearKbError(f"the backbone 'torchvision:{name}' is not to be had: {first_line(error)}") from error
    arguments = {"image_size": size} if size and POSITIONS in tensors else {}
    network = build_torchvision({"name": name, "arguments": arguments}, "pooler")
    _fill(network.module, name, dict(tensors))
    return network, pictures


def _fill(module: nn.Module, name: str, tensors: dict[str, torch.Tensor]) -> None:
    wanted = module.state_dict()
    if POSITIONS in wanted and POSITIONS in tensors:
        tensors[POSITIONS] = resized(tensors[POSITIONS], wanted[POSITIONS].shape)
    problems = [f"{one} is missing" for one in wanted if one not in tensors and not one.endswith("tracked")]
    problems += [
        f"{one} is {tuple(tensors[one].shape)}, not {tuple(wanted[one].shape)}"
        for one in wanted
        if one in tensors and tensors[one].shape != wanted[one].shape
    ]
    if problems:
        raise ClearKbError(f"these weights are not of torchvision:{name}: {some_of(problems)}")
    module.load_state_dict({one: tensors.get(one, wanted[one]) for one in wanted})


def _pictures(weights: Any) -> Pictures:
    made = weights.transforms()
    crop = made.crop_size[0] if isinstance(made.crop_size, list | tuple) else made.crop_size
    return pictures_of_shares(int(crop), made.mean, made.std, str(made.interpolation.value))


def _without_classifier(module: nn.Module, name: str) -> None:
    """Take off the last linear layer: what comes before it is the feature."""
    head = next((one for one in HEADS if isinstance(getattr(module, one, None), nn.Module)), None)
    layers = [] if head is None else [n for n, one in module.named_modules() if n.startswith(head) and _linear(one)]
    if not layers or "aux_logits" in inspect.signature(type(module).__init__).parameters:
        raise ClearKbError(f"torchvision's {name} has no one linear layer above its features: take another")
    above, _, last = layers[-1].rpartition(".")
    setattr(module.get_submodule(above), last, nn.Identity())


def _linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear)
