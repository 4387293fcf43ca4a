"""Contact sheets: many images as one picture, with a caption under each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

COLUMNS = 4


def draw_contact_sheet(pictures: Sequence[np.ndarray], captions: Sequence[str], path: Path, *, title: str) -> None:
    """Write grey pictures (uint8) in rows of four, in their order, as one PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = Figure(figsize=(2.3 * columns, 2.75 * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for axes in grid:
        axes.set_axis_off()
    for axes, picture, caption in zip(grid, pictures, captions, strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(_shortened(caption), fontsize=8, y=-0.02, va="top")
    figure.suptitle(title, fontsize=11)
    figure.savefig(path, dpi=110)


def _shortened(caption: str, most: int = 34) -> str:
    """Lines that fit under a picture; of a long one the end is what tells it from others."""
    return "\n".join(line if len(line) <= most else "…" + line[1 - most :] for line in caption.splitlines())
