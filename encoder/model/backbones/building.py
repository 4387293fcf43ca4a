"""Building a backbone again from what a checkpoint says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encoder.model.backbones.bounds import require_sane
from encoder.model.backbones.network import Network
from encoder.model.backbones.timm_network import build_timm
from encoder.model.backbones.torchvision_network import build_torchvision
from encoder.model.backbones.transformers_network import build_transformers
from kb.errors import ClearKbError
from kb.reading.shown import shown


def build_network(described: Mapping[str, Any], pooling: str = "pooler") -> Network:
    """A backbone with random weights.

    Args:
        described: a configuration of transformers, `model_type` among it; or {"library": "timm" or "torchvision",
            "name": ..., "arguments": {...}}.
        pooling: see `encoder.model.backbones.pooling`.

    Raises:
        ClearKbError: there is no such architecture, or the description does not fit it.
        UsageError: it has no such pooling, or its library is not there.
    """
    require_sane(described, "backbone")
    library = described.get("library")
    if library is None:
        return build_transformers(described, pooling)
    if library == "timm":
        return build_timm(described, pooling)
    if library == "torchvision":
        return build_torchvision(described, pooling)
    raise ClearKbError(f"no vision backbone can be built from {shown(dict(described))}: no library {shown(library)}")
