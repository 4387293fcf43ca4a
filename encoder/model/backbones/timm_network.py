"""Backbones of timm: built by name, filled with its pretrained weights, a folder's, or a file's."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from encoder.model.backbones.network import Network, PlainReader
from encoder.model.backbones.other_libraries import library
from encoder.model.backbones.pictures import Pictures, pictures_of_shares
from encoder.model.backbones.pooling import Pooling
from encoder.model.backbones.quiet import heard
from kb.errors import ClearKbError, UsageError
from kb.reading.json_text import read_json_file
from kb.store.storage import first_line

GLOBAL_POOLS: dict[str, str] = {"class": "token", "mean": "avg", "attention": "map"}
"""What timm calls our poolings."""

LONGEST = 300
"""Letters of a reason that are told."""


def build_timm(described: Mapping[str, Any], pooling: str = "pooler") -> Network:
    """A backbone of timm with random weights, as it was described.

    Raises:
        ClearKbError: timm has no such network, or it does not take these arguments.
        UsageError: timm is not there.
    """
    timm = library("timm")
    name, arguments = str(described["name"]), dict(described.get("arguments") or {})
    try:
        module = timm.create_model(name, pretrained=False, num_classes=0, **arguments)
    except (RuntimeError, TypeError, ValueError, AssertionError, KeyError) as error:
        raise ClearKbError(f"no vision backbone can be built from {dict(described)}: {first_line(error)}") from error
    return _network(module, name, arguments, pooling)


def load_timm(
    name: str,
    *,
    size: int | None,
    pooling: Pooling,
    tensors: Mapping[str, torch.Tensor] | None = None,
    pictures: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> tuple[Network, Pictures]:
    """A backbone of timm with its pretrained weights, or with given ones, for pictures of a size.

    Args:
        name: as timm calls it, a tag after a point too; "hf-hub:OWNER/NAME" for one on the hub.
        size: pixels of a side, to which position embeddings are resized once; default: the one it was trained at.
        pooling: what becomes the feature.
        tensors: its weights; default: those that timm knows.
        pictures: mean, std, input_size, interpolation, where the weights tell them; default: what timm knows.
        arguments: of the architecture.

    Raises:
        UsageError: timm is not there, knows no such network, or this one has no such pooling.
        ClearKbError: the weights are not to be had or do not fit.
    """
    timm = library("timm")
    more = {one: value for one, value in (arguments or {}).items() if one != "num_classes"}
    if pooling in GLOBAL_POOLS:
        more["global_pool"] = GLOBAL_POOLS[pooling]
    overlay = {**(pictures or {}), **({} if tensors is None else {"state_dict": dict(tensors)})}
    told: dict[str, Any] = {"pretrained": True, "num_classes": 0}
    if overlay:
        told["pretrained_cfg_overlay"] = overlay
    try:
        if not name.startswith("hf-hub:") and not timm.is_model(name):
            raise UsageError(_unknown(timm, name))
        try:
            module = _created(timm, name, told, more)
        except RuntimeError:
            # Networks that were trained on their class token have a norm on all tokens, and none on the mean of some.
            if "global_pool" not in more:
                raise
            more["fc_norm"] = False
            module = _created(timm, name, told, more)
        native = _native(module)
        if size is not None and size != native and _takes_a_size(module):
            more["img_size"] = size
            module = _created(timm, name, told, more)
    except ClearKbError:
        raise
    except Exception as error:  # timm, and what it fetches with, raise whatever they like
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ClearKbError(f"the backbone 'timm:{name}' is not to be had: {reason[:LONGEST]}") from error
    cfg: Mapping[str, Any] = module.pretrained_cfg
    architecture = str(cfg.get("architecture") or name.partition(".")[0])
    found = pictures_of_shares(native, cfg.get("mean"), cfg.get("std"), cfg.get("interpolation"))
    return _network(module, architecture, more, _pooling(module)), found


def load_timm_folder(folder: Path, *, size: int | None, pooling: Pooling) -> tuple[Network, Pictures]:
    """A backbone in a folder as timm saves it for the hub: config.json and model.safetensors.

    Raises:
        UsageError, ClearKbError: as `load_timm`; the folder has no weights.
    """
    from encoder.model.state_dict import read_weights

    told = read_json_file(folder / "config.json")
    files = [folder / one for one in ("model.safetensors", "pytorch_model.bin")]
    weights = next((one for one in files if one.is_file()), None)
    if weights is None:
        raise ClearKbError(f"{folder} has no weights: neither of {', '.join(one.name for one in files)}")
    known = dict(told.get("pretrained_cfg") or {})
    pictures = {name: known[name] for name in ("mean", "std", "input_size", "interpolation") if name in known}
    classifier = {one: known[one] for one in ("classifier", "first_conv") if one in known}
    return load_timm(
        told["architecture"],
        size=size,
        pooling=pooling,
        tensors=read_weights(weights),
        pictures={**pictures, **classifier, "num_classes": told.get("num_classes", known.get("num_classes", 1000))},
        arguments=told.get("model_args") or {},
    )


def is_timm_folder(folder: Path) -> bool:
    """Whether a folder is one that timm saved for the hub."""
    try:
        told = read_json_file(folder / "config.json")
    except UsageError:
        return False
    return isinstance(told, dict) and "architecture" in told and "model_type" not in told


def _created(timm: Any, name: str, told: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    """A network of timm with its weights; RuntimeError where these lack some, of which timm only writes a line."""
    with heard("timm.models._builder", "huggingface_hub") as lines:
        module = timm.create_model(name, **told, **arguments)
    if lacking := [line for line in lines if line.startswith("Missing keys")]:
        raise RuntimeError(lacking[0])
    return module


def _takes_a_size(module: Any) -> bool:
    return "img_size" in inspect.signature(type(module).__init__).parameters


def _native(module: Any) -> int | None:
    sides = (module.pretrained_cfg.get("input_size") or (3,))[1:]
    return int(sides[0]) if sides and len(set(sides)) == 1 else None


def _pooling(module: Any) -> str:
    """Our word for what a network of timm pools by."""
    used = getattr(module, "global_pool", None)
    if not isinstance(used, str):
        used = getattr(used, "pool_type", None) or getattr(getattr(module, "head", None), "pool_type", None)
    return next((ours for ours, theirs in GLOBAL_POOLS.items() if theirs == used), "pooler")


def _network(module: Any, name: str, arguments: Mapping[str, Any], pooling: str) -> Network:
    channels = int(arguments.get("in_chans") or (module.pretrained_cfg.get("input_size") or (3,))[0])
    described = {"library": "timm", "name": name, "arguments": dict(arguments)}
    return Network(module, PlainReader(), channels, described, pooling)


def _unknown(timm: Any, name: str) -> str:
    near = get_close_matches(name, timm.list_models(), 1)
    return f"timm has no network '{name}'" + (f": '{near[0]}' was meant?" if near else "")
