"""The layers of a backbone, from the pixels up, whatever it is made of: for rates and freezing by depth."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_LISTS = (nn.ModuleList, nn.Sequential, nn.ModuleDict)
_LEVELS = 2
"""Stages of blocks; lists inside a block are no layers of the backbone."""


def layer_names(backbone: nn.Module) -> list[str]:
    """The names of the modules that are a backbone's layers, in their order: the blocks of a transformer or of stages.

    A list whose modules are of one class, and made of modules themselves, is a list of layers; where each of these
    holds such a list again (the stages of a ConvNeXt, ResNet or Swin), the layers are those of the inner lists.
    """
    return list(_layers(backbone, "", _LEVELS))


def parameter_depths(backbone: nn.Module) -> dict[str, int]:
    """How deep each parameter of a backbone lies, by its name: 0 before the layers, n in the n-th, then one more.

    What lies between two layers (the downsampling of a stage) counts as the earlier of them. This is the numbering of
    layer-wise learning rates in BEiT (Bao et al., 2021) and MAE (He et al., 2021).
    """
    layers = {name: depth for depth, name in enumerate(layer_names(backbone), 1)}
    depths: dict[str, int] = {}
    reached = 0
    for name, _ in backbone.named_parameters():
        inside = _layer_of(name, layers)
        reached = max(reached, inside or 0)
        after = len(layers) + 1 if reached == len(layers) else reached
        depths[name] = inside or after
    return depths


def _layer_of(name: str, layers: dict[str, int]) -> int | None:
    parts = name.split(".")
    found = (layers.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
    return next((depth for depth in found if depth), None)


def _layers(module: nn.Module, name: str, levels: int) -> Iterator[str]:
    listed = _is_list_of_layers(module)
    for step, child in module.named_children():
        path = f"{name}.{step}" if name else step
        if listed:
            inner = list(_layers(child, path, levels - 1)) if levels > 1 else []
            yield from inner or [path]
        elif "embed" not in step:  # some backbones list the patch embeddings of all stages before their blocks
            yield from _layers(child, path, levels)


def _is_list_of_layers(module: nn.Module) -> bool:
    if not isinstance(module, _LISTS):
        return False
    made = [child for child in module.children() if any(True for _ in child.parameters())]
    return len({type(child) for child in made}) == 1 and any(True for _ in made[0].children())
