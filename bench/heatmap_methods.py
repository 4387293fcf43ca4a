"""Other ways to say where a prediction comes from, that the heat maps of the product are held against.

Each takes a tower, an image, the mean image and a direction of the encoder's space, and gives a map of any grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

Method = Callable[[torch.nn.Module, torch.Tensor, torch.Tensor, torch.Tensor], np.ndarray]

STEPS = 16
WINDOWS, SPREAD = 12, 1 / 12


def integrated_gradients(
    tower: torch.nn.Module, image: torch.Tensor, mean: torch.Tensor, direction: torch.Tensor
) -> np.ndarray:
    """Gradients on the way from the mean image, times the way (Sundararajan et al., 2017): what stood here before."""
    shares = ((torch.arange(STEPS) + 0.5) / STEPS).view(-1, 1, 1)
    between = (mean + shares * (image - mean)).requires_grad_()
    (gradient,) = torch.autograd.grad((tower(between) @ direction).sum(), between)
    found: np.ndarray = (gradient.mean(0) * (image - mean)).numpy()
    return found.reshape(32, found.shape[0] // 32, 32, -1).sum(axis=(1, 3))


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
    "integrated gradients (before)": integrated_gradients,
    "soft windows": soft_windows,
    "second stage, gradients": second_stage,
    "LayerCAM, third stage": layer_cam,
    "Grad-CAM, third stage": grad_cam,
}
