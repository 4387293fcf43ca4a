"""The parts of an encoder by the names that a configuration has for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kb.errors import UsageError

PARTS = {
    "image": ("image.",),
    "backbone": ("image.backbone.",),
    "projection": ("image.projection.",),
    "text": ("text.",),
    "scale": ("log_scale", "bias"),
}
"""The parts that can be named, and how the names of their parameters begin."""

LAYERS = re.compile(r"(\d+) layers?")


def check_frozen(names: Iterable[str]) -> None:
    """UsageError where a name is neither a part nor "N layers"."""
    for name in names:
        if name not in PARTS and not LAYERS.fullmatch(name):
            raise UsageError(f"freeze '{name}': one of {', '.join(PARTS)}, or a number of layers ('6 layers')")
