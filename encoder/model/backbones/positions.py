"""Position embeddings of a square of patches, resized to another square: once, when weights are loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from kb.errors import ClearKbError


def resized(positions: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Positions (..., n, width) for another number of patches, by bicubic interpolation without antialiasing.

    Tokens before the patches (n is no square then, n less those is) keep theirs.

    Raises:
        ClearKbError: neither is a square of patches with the same tokens before it.
    """
    if tuple(positions.shape) == tuple(shape):
        return positions
    n, wanted = positions.shape[-2], shape[-2]
    leading = next((one for one in (0, 1, 2) if _is_square(n - one) and _is_square(wanted - one)), None)
    same = positions.ndim == len(shape) <= 3 and positions.shape[-1] == shape[-1]
    if leading is None or not same or (positions.ndim == 3 and positions.shape[0] != 1):
        raise ClearKbError(f"positions {tuple(positions.shape)} cannot be resized to {tuple(shape)}")
    flat = positions.reshape(n, -1)
    first, patches = flat[:leading], flat[leading:]
    side, to = math.isqrt(n - leading), math.isqrt(wanted - leading)
    square = patches.T.reshape(1, -1, side, side).float()
    scaled = torch.nn.functional.interpolate(square, size=(to, to), mode="bicubic", align_corners=False)
    done = scaled.reshape(-1, to * to).T.to(positions.dtype)
    return torch.cat([first, done]).reshape(tuple(shape))


def filled(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Fill a network that is built for another size of picture with weights, its positions resized.

    Raises:
        ClearKbError: more than positions is of another shape: this architecture is of one size.
    """
    wanted = module.state_dict()
    fitted = {
        name: tensor
        if tensor.shape == wanted[name].shape or "position" not in name
        else resized(tensor, wanted[name].shape)
        for name, tensor in tensors.items()
        if name in wanted
    }
    other = [name for name, tensor in fitted.items() if tensor.shape != wanted[name].shape]
    if other or len(fitted) != len(wanted):
        raise ClearKbError("its weights are of one size of picture")
    module.load_state_dict(fitted)


def _is_square(count: int) -> bool:
    return count > 0 and math.isqrt(count) ** 2 == count
