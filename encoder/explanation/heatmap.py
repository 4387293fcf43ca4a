"""Heatmaps: where in an image a prediction, or the score of a concept, comes from.

Integrated gradients (Sundararajan et al., 2017) from the mean image of the knowledge base to the image, summed up over
patches: like the contributions of concepts, they are told against the mean image, and they sum to what the image has
above it. Any backbone will do, for nothing is asked of its layers. `bench/heatmaps` holds their places against those of
other methods on phantoms, whose findings are known to lie where they were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


PATCHES = 32
"""Patches on a side of the map: those of the published encoder (14 pixels at 448)."""

STEPS = 16
"""Points on the way from the mean image at which gradients are taken."""

AT_ONCE = 4
"""Points that go through the network together."""

BLUR = 1 / 20
"""Of the picture's side: how widely a map is smoothed. On phantoms the strongest place is then right most often, over
all labels: single patches are noise, and a nodule is not yet lost in what lies around it."""

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
    """What each patch of an image adds to a quantity: (rows, columns), float32; what speaks against it is negative.

    The patches sum to the quantity of the image less that of the mean image, up to what the steps leave out.

    Args:
        checkpoint: the encoder.
        pixels: of the image, uint8, (size, size).
        mean: the mean image, (size, size), grey 0 to 255.
        quantity: what is asked about.
    """
    import torch

    tower = checkpoint.encoder.image.eval()
    device = next(tower.parameters()).device
    image, base = (torch.from_numpy(grey.astype("float32")).to(device) for grey in (pixels, mean))
    shares = (torch.arange(STEPS) + 0.5) / STEPS
    total = torch.zeros_like(image)
    for part in shares.split(AT_ONCE):
        between = (base + part.to(device).view(-1, 1, 1) * (image - base)).requires_grad_()
        (gradient,) = torch.autograd.grad(quantity(tower(between).cpu()).sum(), between)
        total += gradient.sum(0)
    found: np.ndarray = _over_patches((total / STEPS * (image - base)).cpu()).numpy()
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

    smooth = gaussian_filter(_stretched(found, size), size * BLUR)
    return np.clip(smooth / max(float(np.abs(smooth).max()), 1e-12), -1, 1)


def _stretched(found: np.ndarray, size: int) -> np.ndarray:
    """A grid as smooth as the picture is large."""
    return np.asarray(Image.fromarray(found).resize((size, size), Image.Resampling.BICUBIC))


def _over_patches(relevant: torch.Tensor) -> torch.Tensor:
    """The relevance of pixels summed over patches; where the size is no multiple, the last ones are smaller."""
    import torch

    size = len(relevant)
    each = max(1, -(-size // PATCHES))
    places = torch.arange(size) // each
    rows = torch.zeros(int(places[-1]) + 1, size).index_add_(0, places, relevant)
    return torch.zeros(len(rows), len(rows)).index_add_(1, places, rows)
