"""Descriptions of networks within bounds: a slip or a crafted file must not fill the memory before it is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kb.errors import ClearKbError
from kb.reading.shown import shown

LARGEST = 1_000_000
"""The largest whole number of a description: a vocabulary has as many words at most."""

MOST_LAYERS = 1_000
"""Layers, stages and blocks: each of them is built one by one."""

_COUNTED = ("layers", "layer", "depth", "depths", "stages", "blocks")
"""How the names of fields end that count what is built one by one."""

MOST_PARAMETERS = 20_000_000_000


def require_sane(described: Mapping[str, Any], where: str) -> None:
    """Refuse a description whose numbers no network has, with a ClearKbError that names the field."""
    for name, number in _numbers(described, where):
        most = MOST_LAYERS if name.endswith(_COUNTED) else LARGEST
        if isinstance(number, int) and abs(number) > most:
            raise ClearKbError(f"{name}: {shown(number)} is more than any network has ({most:,})")


def require_buildable(build: Callable[[], Any], where: str) -> None:
    """Refuse a network of more parameters than any has, before the memory for them is asked for (ClearKbError).

    It is built without numbers first. What cannot be built so is left to the building itself, which tells why.
    """
    import torch

    try:
        with torch.device("meta"):
            module = build()
    except Exception:
        return
    count = sum(tensor.numel() for tensor in module.parameters())
    if count > MOST_PARAMETERS:
        raise ClearKbError(f"{where} describes a network of {count:,} numbers, more than any that is read here")


def _numbers(told: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every number in a description, with the way to it."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            yield from _numbers(value, f"{name}.{key}")
    elif isinstance(told, list | tuple):
        if len(told) > LARGEST:
            raise ClearKbError(f"{name} is a list of {len(told):,}")
        for value in told:
            yield from _numbers(value, name)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield name, told
