"""Parts of an encoder that a training leaves as they are: no gradient, no decay, no dropout, no running statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from encoder.model.encoder import Encoder
from encoder.training.backbone_layers import layer_names, parameter_depths
from encoder.training.parts import LAYERS, PARTS
from kb.errors import UsageError


def freeze(encoder: Encoder, names: Sequence[str]) -> None:
    """Leave parts of an encoder as they are: their parameters ask for no gradient any more.

    Args:
        encoder: whose.
        names: of `PARTS`; "N layers" are the backbone's embeddings and its first N layers.

    Raises:
        UsageError: the backbone has fewer layers, or nothing that learns from images and texts is left.
    """
    held = set(frozen_names(encoder, names))
    for name, parameter in encoder.named_parameters():
        if name in held:
            parameter.requires_grad_(False)
    if names and not any(p.requires_grad for n, p in encoder.named_parameters() if n not in PARTS["scale"]):
        raise UsageError(f"freeze {', '.join(names)}: nothing would be left to train")


def frozen_names(encoder: Encoder, names: Sequence[str]) -> Iterator[str]:
    """The names of the parameters that parts of an encoder are made of.

    Raises:
        UsageError: the backbone has fewer layers.
    """
    begins = tuple(begin for name in names for begin in PARTS.get(name, ()))
    layers = max((_layers(encoder.image.backbone, name) for name in names if name not in PARTS), default=None)
    depths = parameter_depths(encoder.image.backbone) if layers is not None else {}
    for name, _ in encoder.named_parameters():
        depth = depths.get(name.removeprefix("image.backbone."))
        if name.startswith(begins) or (layers is not None and depth is not None and depth <= layers):
            yield name


def to_training(network: nn.Module) -> None:
    """Training mode, but for what is frozen whole: its batch norms and its dropout stay as in evaluation."""
    network.train()
    for part in network.modules():
        parameters = list(part.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            part.eval()


def _layers(backbone: nn.Module, name: str) -> int:
    found = LAYERS.fullmatch(name)
    assert found is not None, name  # `check_frozen` was there before
    there, wanted = len(layer_names(backbone)), int(found[1])
    if wanted > there:
        raise UsageError(f"freeze '{name}': the backbone has {there} layers")
    return wanted
