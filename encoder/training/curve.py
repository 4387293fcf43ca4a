"""The training curve: losses and validation AUROC by epoch, with the best epoch marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def draw_curve(rows: Sequence[dict[str, Any]], path: Path, best: int) -> None:
    """Write the figure of a training's rows of `training_metrics` as PNG; `best` is the epoch that was kept."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    losses, aurocs = figure.subplots(1, 2)
    for split, colour in (("train", "tab:grey"), ("validation", "tab:blue")):
        losses.plot(*_series(rows, split, "loss"), color=colour, marker=".", label=split)
    losses.set(xlabel="epoch", ylabel="loss", title="loss")
    epochs, values = _series(rows, "validation", "auroc")
    aurocs.plot(epochs, values, color="tab:blue", marker=".")
    if not values:
        aurocs.text(0.5, 0.5, "no concept with enough images", ha="center", transform=aurocs.transAxes)
    for axes, name in ((losses, "loss"), (aurocs, "auroc")):
        kept = dict(zip(*_series(rows, "validation", name), strict=True))
        if best in kept:
            axes.plot([best], [kept[best]], "o", color="tab:red", label=f"kept: epoch {best}, {kept[best]:.3f}")
            axes.legend(frameon=False)
    aurocs.set(xlabel="epoch", ylabel="AUROC", title="validation: mean AUROC of stated concepts")
    for axes in (losses, aurocs):
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    fresh = path.with_name(f"new-{path.name}")
    figure.savefig(fresh, dpi=120)
    fresh.replace(path)


def _series(rows: Sequence[dict[str, Any]], split: str, name: str) -> tuple[list[int], list[float]]:
    chosen = [row for row in rows if row["split"] == split and row["name"] == name]
    return [row["epoch"] for row in chosen], [row["value"] for row in chosen]
