"""A trial forward: whether a backbone reads pictures of a size at all, before anything of a study is read.

Three pictures of noise go through: two that differ in their last row and column alone, and another. A network that
gives all three the same feature reads nothing; one that gives it to the first two leaves out a margin (a size that is
no multiple of its patch), in silence.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import torch

from encoder.model.backbones.network import Network
from kb.errors import ClearKbError, UsageError
from kb.store.storage import first_line

logger = logging.getLogger("clear_kb.encoder")

STEPS = (14, 16, 32)
"""What sizes are multiples of in most networks: tried where one is refused, to tell what would work."""

TOLD = 3
"""Sizes that would work which a refusal names."""


MARGIN = "it would leave out a margin of the picture"


class DoesNotFitError(ClearKbError):
    """A network does not read pictures of a size."""


def tried(network: Network, size: int, *, random: bool = False) -> int:
    """The width of the features that a network gives pictures of `size` pixels a side.

    Args:
        network: it.
        size: pixels of a side.
        random: its weights are those of before a training, which may let no signal through: others are tried.

    Raises:
        DoesNotFitError: it gives no features, or no numbers, or does not look at all of a picture.
    """
    if random:
        network = _drawn(network)
    noise = torch.randn(2, network.channels, size, size, generator=torch.Generator().manual_seed(0))
    first, other = noise[:1], noise[1:]
    margin = first.clone()
    margin[..., -1, :], margin[..., :, -1] = other[..., -1, :], other[..., :, -1]
    features = [_forward(network, pictures) for pictures in (first, margin, other)]
    if any(found.ndim != 2 or not bool(torch.isfinite(found).all()) for found in features):
        raise DoesNotFitError(f"it gives {tuple(features[0].shape)} where numbers, a row an image, were expected")
    if torch.equal(features[0], features[2]):
        raise DoesNotFitError("it gives every picture the same numbers")
    if torch.equal(features[0], features[1]):
        raise DoesNotFitError(MARGIN)
    return int(features[0].shape[1])


def _drawn(network: Network) -> Network:
    """A copy whose weights let a signal through: none is zero, and none too small."""
    dice = torch.Generator().manual_seed(0)
    module = deepcopy(network.module)
    with torch.no_grad():
        for tensor in module.parameters():
            if tensor.ndim > 1:
                tensor.normal_(0, math.sqrt(2 / max(1, tensor[0].numel())), generator=dice)
            else:
                tensor.uniform_(0.5, 1.5, generator=dice)
    return replace(network, module=module)


def _forward(network: Network, pixels: torch.Tensor) -> torch.Tensor:
    module = network.module
    training = module.training
    try:
        with torch.inference_mode():
            return network.reader(module.eval(), pixels).float()
    except UsageError:
        raise
    except Exception as error:  # the network is somebody else's, and fails in its own ways
        logger.debug("a trial forward of %s at %s: %r", network.kind, tuple(pixels.shape), error)
        raise DoesNotFitError(first_line(error)) from error
    finally:
        module.train(training)


def sizes_that_work(fits: Callable[[int], bool], *, patch: int | None, size: int, preferred: int | None) -> list[int]:
    """Some sizes near `size` that a network reads, as tried.

    Args:
        fits: whether it reads pictures of a size.
        patch: pixels of its patch's side.
        size: the one that it does not read.
        preferred: the one that it was made for.
    """
    steps = (patch,) if patch is not None and patch > 4 else STEPS
    near = {size // step * step + more for step in steps for more in (0, step)}
    wanted = sorted({*near, *([preferred] if preferred else [])} - {size}, key=lambda one: abs(one - size))
    found: list[int] = []
    for one in wanted:
        if len(found) < TOLD and one >= 16 and fits(one):
            found.append(one)
    return sorted(found)
