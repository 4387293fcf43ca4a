"""The training curve: losses and validation AUROC by epoch, with the best epoch marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def draw_curve(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the figure of a training's rows of `training_metrics` as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    losses, aurocs = figure.subplots(1, 2)
    for split, colour in (("train", "tab:grey"), ("validation", "tab:blue")):
        losses.plot(*_series(rows, split, "loss"), color=colour, marker=".", label=split)
    losses.set(xlabel="epoch", ylabel="loss", title="loss")
    losses.legend(frameon=False)
    epochs, values = _series(rows, "validation", "auroc")
    aurocs.plot(epochs, values, color="tab:blue", marker=".")
    if values:
        best = max(range(len(values)), key=values.__getitem__)
        aurocs.plot([epochs[best]], [values[best]], "o", color="tab:red", label=f"best: {values[best]:.3f}")
        aurocs.legend(frameon=False, loc="lower right")
    else:
        aurocs.text(0.5, 0.5, "no concept with enough images", ha="center", transform=aurocs.transAxes)
    aurocs.set(xlabel="epoch", ylabel="AUROC", title="validation: mean AUROC of stated concepts")
    for axes in (losses, aurocs):
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(path, dpi=120)


def _series(rows: Sequence[dict[str, Any]], split: str, name: str) -> tuple[list[int], list[float]]:
    chosen = [row for row in rows if row["split"] == split and row["name"] == name]
    return [row["epoch"] for row in chosen], [row["value"] for row in chosen]
