"""Other ways to say where a prediction comes from, that the heat maps of the product are held against.

Each takes a tower, an image, the mean image and a direction of the encoder's space, and gives a map of any grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import torch
from PIL import Image

Method = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor, torch.Tensor], np.ndarray]

MASKS, CELLS = 256, 7
WINDOWS, SPREAD = 12, 1 / 12


def random_masks(
    tower: torch.nn.Module, image: torch.Tensor, mean: torch.Tensor, direction: torch.Tensor
) -> np.ndarray:
    """How the quantity goes with what random masks show, the mean image elsewhere (RISE; Petsiuk et al., 2018)."""
    masks = torch.from_numpy(_masks())
    shown = torch.nn.functional.interpolate(masks[:, None], size=image.shape, mode="bilinear")[:, 0]
    with torch.no_grad():
        said = (tower(mean + shown * (image - mean)) @ direction).numpy()
    centred = masks.numpy() - masks.numpy().mean(axis=0)
    return np.tensordot(said - said.mean(), centred, axes=1) / (centred**2).sum(axis=0)


@cache
def _masks() -> np.ndarray:
    """Cells that are shown or hidden, with soft edges, each mask beside its complement: (MASKS, 32, 32)."""
    dice, step, places = np.random.default_rng(0), 5, 32
    half = []
    for _ in range(MASKS // 2):
        cells = Image.fromarray((dice.random((CELLS + 1, CELLS + 1)) < 0.5).astype(np.float32))
        side = step * (CELLS + 1)
        row, column = dice.integers(0, side - places + 1, 2)
        large = np.asarray(cells.resize((side, side), Image.Resampling.BILINEAR))
        half.append(large[row : row + places, column : column + places])
    shown = np.stack(half)
    return np.concatenate([shown, 1 - shown])


def soft_windows(
    tower: torch.nn.Module, image: torch.Tensor, mean: torch.Tensor, direction: torch.Tensor
) -> np.ndarray:
    """What is lost where one soft window shows the mean image (occlusion; Zeiler and Fergus, 2014)."""
    places = (torch.arange(len(image)) + 0.5) / len(image)
    centres = (torch.arange(WINDOWS) + 0.5) / WINDOWS
    along = torch.exp(-((places - centres[:, None]) ** 2) / 2 / SPREAD**2)
    hidden = torch.einsum("ay,bx->abyx", along, along).flatten(0, 1)
    with torch.no_grad():
        said = tower(torch.cat([image[None], image * (1 - hidden) + mean * hidden])) @ direction
    return (said[0] - said[1:]).reshape(WINDOWS, WINDOWS).numpy()


def grad_cam(tower: torch.nn.Module, image: torch.Tensor, mean: torch.Tensor, direction: torch.Tensor) -> np.ndarray:
    """Channels of the third stage by their mean gradients (Selvaraju et al., 2017); the last one has 3 x 3 places."""
    channels, gradient = _stage(tower, image, direction, 2)
    return np.maximum((gradient.mean((1, 2), keepdim=True) * channels).sum(0).numpy(), 0)


def layer_cam(tower: torch.nn.Module, image: torch.Tensor, mean: torch.Tensor, direction: torch.Tensor) -> np.ndarray:
    """Each place of the third stage by its own positive gradients (LayerCAM; Jiang et al., 2021)."""
    channels, gradient = _stage(tower, image, direction, 2)
    return np.maximum((gradient.clamp(min=0) * channels).sum(0).numpy(), 0)


def second_stage(
    tower: torch.nn.Module, image: torch.Tensor, mean: torch.Tensor, direction: torch.Tensor
) -> np.ndarray:
    """Gradients of the second stage, of twice as many places, times what it has above the mean image."""
    channels, gradient = _stage(tower, image, direction, 1)
    found: np.ndarray = (gradient * (channels - _stage(tower, mean, direction, 1)[0])).sum(0).numpy()
    return found


def _stage(
    tower: torch.nn.Module, image: torch.Tensor, direction: torch.Tensor, number: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The channels that a stage of a ResNet gives, and the gradient of the quantity in them."""
    kept: list[torch.Tensor] = []
    hook = tower.backbone.encoder.stages[number].register_forward_hook(lambda *given: kept.append(given[-1]))  # type: ignore[union-attr, index]
    try:
        said = (tower(image[None]) @ direction).sum()
    finally:
        hook.remove()
    (gradient,) = torch.autograd.grad(said, kept[0])
    return kept[0][0].detach(), gradient[0]


METHODS: Mapping[str, Method] = {
    "random masks": random_masks,
    "soft windows": soft_windows,
    "second stage, gradients": second_stage,
    "LayerCAM, third stage": layer_cam,
    "Grad-CAM, third stage": grad_cam,
}
