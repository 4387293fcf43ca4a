"""The forest figure of a validation: AUROC with its interval, model beside model, a panel a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from encoder.evaluation.evaluation import MEAN
from encoder.figures import check_figure
from encoder.validation.result import Row, Validation
from kb.errors import UsageError

ABREAST = 4
"""Panels beside each other."""

MOST_LABELS = 40
"""Labels of a panel that can still be read."""

_MARKERS = "osD^vPX*"


def draw_forest(validation: Validation, path: str | Path) -> tuple[str, ...]:
    """Draw a validation into a file (.png, .pdf, .svg); returns the labels that there was no room for.

    Raises:
        UsageError: the file's ending is none of these, its folder is not there, or nothing was scored.
    """
    import matplotlib

    path = Path(path)
    check_figure(path, "figure")
    if not validation.rows:
        raise UsageError("there is nothing to draw: no label was scored")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(row.name_of_label for row in validation.rows))
    shown = _ordered(validation, names)
    across = min(ABREAST, len(validation.blocks))
    down = -(-len(validation.blocks) // across)
    line = 0.14 + 0.15 * len(validation.models)
    figure, axes = pyplot.subplots(
        down,
        across,
        figsize=(2.2 + 3.1 * across, down * (1.1 + line * len(shown)) + 0.5),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    try:
        for axis, block in zip(axes.flat, validation.blocks, strict=False):
            _draw_panel(axis, validation, block, shown)
        for axis in axes.flat[len(validation.blocks) :]:
            axis.set_visible(False)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), fontsize=8, frameon=False)
        figure.savefig(path, dpi=150)
    finally:
        pyplot.close(figure)
    return tuple(name for name in names if name not in shown)


def _ordered(validation: Validation, names: list[str]) -> list[str]:
    """The labels from the top to the bottom: the mean last, as the diamond of a forest stands."""
    labels = [name for name in names if name != MEAN][: MOST_LABELS - 1]
    return [*labels, *([MEAN] if MEAN in names else [])]


def _draw_panel(axis: Any, validation: Validation, block: tuple[str, str], shown: list[str]) -> None:
    split, site = block
    rows = [row for row in validation.rows if (row.split, row.site) == block]
    for at, model in enumerate(validation.models):
        mine = {row.name_of_label: row for row in rows if row.model == model}
        points = [
            (place + _offset(at, len(validation.models)), mine[name])
            for place, name in enumerate(shown)
            if name in mine
        ]
        _draw_points(axis, points, f"C{at % 10}", _MARKERS[at % len(_MARKERS)], model)
    axis.axvline(0.5, color="0.6", linestyle=":", linewidth=1)
    if MEAN in shown:
        axis.axhline(shown.index(MEAN) - 0.5, color="0.8", linewidth=0.8)
    axis.set_yticks(range(len(shown)), shown, fontsize=8)
    axis.set_ylim(len(shown) - 0.5, -0.5)
    axis.set_xlim(_lowest(validation), 1.005)
    axis.set_title(f"{site} ({split})\n{max(row.n for row in rows):,} images or studies", fontsize=9)
    axis.set_xlabel("AUROC (95% interval)", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", color="0.92")
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _draw_points(axis: Any, points: list[tuple[float, Row]], colour: str, marker: str, model: str) -> None:
    for place, row in points:
        if row.low is not None and row.high is not None:
            axis.plot([row.low, row.high], [place, place], color=colour, linewidth=1.3, solid_capstyle="butt")
    single = [(place, row.auroc) for place, row in points if row.label != MEAN]
    mean = [(place, row.auroc) for place, row in points if row.label == MEAN]
    for those, form, size in ((single, marker, 22), (mean, "D", 40)):
        if those:
            axis.scatter(
                [x for _, x in those], [y for y, _ in those], marker=form, s=size, color=colour, zorder=3,
                label=model if those is single or not single else None,
            )  # fmt: skip


def _offset(at: int, models: int) -> float:
    """Where a model stands beside the others of a label."""
    return 0.0 if models == 1 else (at - (models - 1) / 2) * 0.7 / models


def _lowest(validation: Validation) -> float:
    """Where the axes begin: at 0.5, or below what lies lower."""
    least = min(min(row.auroc, row.low if row.low is not None else 1.0) for row in validation.rows)
    return min(0.48, max(0.0, least - 0.03))
