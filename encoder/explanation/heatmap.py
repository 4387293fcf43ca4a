"""Heatmaps: where in an image a prediction, or the score of a concept, comes from.

The image is shown through random masks, with the mean image of the knowledge base where it is hidden: what a place
adds is how much higher the prediction is where it is shown (RISE; Petsiuk et al., 2018). Each mask comes with its
complement, which takes the chance out of how much is shown. Any backbone will do, for nothing is asked of its layers;
`bench/heatmaps` holds it against other methods on phantoms, whose findings are known to lie where they were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.head import Head
from encoder.space.projection import Projector
from encoder.vectors.pixels import PixelReader

if TYPE_CHECKING:
    import torch


PLACES = 32
"""Places on a side of the map."""

MASKS = 256
"""Masks that an image is shown through, half of them the complements of the others."""

CELLS = 7
"""Cells on a side of a mask: each is shown or hidden, with soft edges, and the whole is shifted by a part of a cell."""

PIXELS_AT_ONCE = 2**22
"""Pixels that go through the network together."""

OPAQUE = 0.65
"""How far the strongest colour covers the image."""

Quantity = Callable[["torch.Tensor"], "torch.Tensor"]
"""What is asked about, as a function of image vectors (n, d): one number each."""


def quantity_of(head: Head, space: str, projector: Projector | None) -> Quantity:
    """The prediction of a head, as a function of image vectors."""
    import torch

    weights = torch.from_numpy(head.weights).float()
    if space != "llm" or projector is None:
        return lambda vectors: vectors @ weights
    matrix = torch.from_numpy(projector.matrix).float()

    def projected(vectors: torch.Tensor) -> torch.Tensor:
        z = vectors @ matrix.T
        return (z @ weights) / z.norm(dim=-1)

    return projected


def concept_quantity(vector: np.ndarray) -> Quantity:
    """The score of a concept, as a function of image vectors."""
    import torch

    weights = torch.from_numpy(vector.astype("float32"))
    return lambda vectors: vectors @ weights


def relevance(checkpoint: Checkpoint, pixels: np.ndarray, mean: np.ndarray, *, quantity: Quantity) -> np.ndarray:
    """What each place of an image adds to a quantity, (PLACES, PLACES), float32; against it below 0.

    It is the slope of the quantity in how far the place is shown, over all masks; 0 where the image is the mean image.

    Args:
        checkpoint: the encoder.
        pixels: of the image, uint8, (size, size).
        mean: the mean image, (size, size), grey 0 to 255.
        quantity: what is asked about.
    """
    import torch
    from torch.nn.functional import interpolate

    tower = checkpoint.encoder.image.eval()
    device = next(tower.parameters()).device
    image, base = (torch.from_numpy(grey.astype("float32")).to(device) for grey in (pixels, mean))
    masks, said = random_masks(), []
    with torch.inference_mode():
        for part in torch.from_numpy(masks).split(max(1, PIXELS_AT_ONCE // image.numel())):
            shown = interpolate(part[:, None].to(device), size=image.shape, mode="bilinear", align_corners=False)[:, 0]
            said.append(quantity(tower(base + shown * (image - base)).float().cpu()).numpy())
    return slopes(np.concatenate(said), masks)


@cache
def random_masks() -> np.ndarray:
    """What is shown in each mask, (MASKS, PLACES, PLACES), float32 from 0 to 1: always the same."""
    dice, step = np.random.default_rng(0), -(-PLACES // CELLS)
    side, half = step * (CELLS + 1), []
    for _ in range(MASKS // 2):
        cells = Image.fromarray((dice.random((CELLS + 1, CELLS + 1)) < 0.5).astype(np.float32))
        row, column = dice.integers(0, side - PLACES + 1, 2)
        half.append(np.asarray(cells.resize((side, side), Image.Resampling.BILINEAR))[row:, column:][:PLACES, :PLACES])
    shown = np.stack(half)
    return np.concatenate([shown, 1 - shown])


def slopes(said: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """How much a quantity, (n,), grows with each place of the masks, (n, rows, columns), by least squares: float32."""
    centred = masks - masks.mean(axis=0)
    together = np.tensordot(said.astype(np.float64) - said.mean(), centred, axes=1)
    found: np.ndarray = (together / np.maximum((centred**2).sum(axis=0), 1e-12)).astype(np.float32)
    return found


def mean_image(reader: PixelReader, contents: Sequence[str], most: int = 256) -> np.ndarray:
    """The mean of images, (size, size), float64: of all, or of some spread evenly over them."""
    chosen = contents[:: max(1, len(contents) // most)]
    return np.asarray(np.mean(reader.take(chosen), axis=0, dtype=np.float64))


def draw_heatmap(pixels: np.ndarray, found: np.ndarray, path: Path, *, title: str) -> None:
    """Write an image beside itself with its relevance laid over: red speaks for it, blue against."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    plain, laid = figure.subplots(1, 2)
    size = len(pixels)
    smooth = smoothed(found, size)
    for axes in (plain, laid):
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=(0, size, size, 0))
        axes.set_axis_off()
    colours = laid.imshow(
        smooth,
        cmap="seismic",
        vmin=-1,
        vmax=1,
        alpha=np.abs(smooth) * OPAQUE,
        extent=(0, size, size, 0),
    )
    figure.colorbar(colours, ax=laid, shrink=0.85, ticks=[-1, 0, 1]).ax.set_yticklabels(["against", "", "for"])
    figure.suptitle(title, fontsize=11, wrap=True)
    figure.savefig(path, dpi=120)


def lay_over(pixels: np.ndarray, found: np.ndarray) -> np.ndarray:
    """An image with its relevance laid over, (size, size, 3), uint8: red speaks for it, blue against."""
    from matplotlib import colormaps

    smooth = smoothed(found, len(pixels))
    opaque = np.abs(smooth)[..., None] * OPAQUE
    colours = colormaps["seismic"]((smooth + 1) / 2)[..., :3] * 255
    laid: np.ndarray = (pixels[..., None] * (1 - opaque) + colours * opaque).round().astype(np.uint8)
    return laid


def smoothed(found: np.ndarray, size: int) -> np.ndarray:
    """The relevance of patches as a smooth picture, (size, size): the strongest place is 1 or -1."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(_stretched(found, size), size / 48)
    return np.clip(smooth / max(float(np.abs(smooth).max()), 1e-12), -1, 1)


def _stretched(found: np.ndarray, size: int) -> np.ndarray:
    """A grid as smooth as the picture is large."""
    return np.asarray(Image.fromarray(found).resize((size, size), Image.Resampling.BICUBIC))
