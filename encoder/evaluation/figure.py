"""The figure of an evaluation: ROC with readers, precision and recall, and reliability, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoder.evaluation.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from encoder.figures import check_figure
from kb.errors import UsageError
from kb.language.label_names import is_no_finding, plain_label
from kb.statistics.calibration import equal_mass_bins, reliability
from kb.statistics.ranking import Curve, Ranking

MOST_LABELS, MOST_CURVES = 8, 10
"""Rows of panels, and curves of a panel, that can still be told apart."""

_MARKERS = "osD^vP*X<>"


def draw(evaluation: Evaluation, path: str | Path) -> tuple[str, ...]:
    """Draw `evaluation` into a file (.png, .pdf, .svg); returns the labels that there was no room for.

    One run has a curve for each label in one row of panels; several runs, or readers, have a row for each label.

    Raises:
        UsageError: the file's ending is none of these, its folder is not there, or nothing was scored.
    """
    import matplotlib

    path = Path(path)
    check_figure(path, "-o")
    rows = sorted(evaluation.label_rows, key=lambda one: is_no_finding(one.label))
    if not rows:
        raise UsageError("there is nothing to draw: no label was scored")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels, left = _panels(rows, by_label=bool(evaluation.readers) or len({one.run for one in rows}) > 1)
    figure, axes = pyplot.subplots(
        len(panels), 3, figsize=(15.0, 4.9 * len(panels)), squeeze=False, layout="constrained"
    )
    try:
        for line, (title, members) in zip(axes, panels, strict=True):
            _draw_line(line, title, members, evaluation)
        figure.savefig(path, dpi=130)
    finally:
        pyplot.close(figure)
    return left


def _panels(rows: Sequence[LabelRows], *, by_label: bool) -> tuple[list[tuple[str, list[LabelRows]]], tuple[str, ...]]:
    """What each row of panels shows under which title, and the labels left out."""
    names = list(dict.fromkeys(plain_label(one.label) for one in rows))
    if not by_label:
        return [(f"run {rows[0].run}", list(rows[:MOST_CURVES]))], tuple(one.label for one in rows[MOST_CURVES:])
    groups = {name: [one for one in rows if plain_label(one.label) == name] for name in names}
    panels = [(members[0].label, members[:MOST_CURVES]) for members in list(groups.values())[:MOST_LABELS]]
    return panels, tuple(groups[name][0].label for name in names[MOST_LABELS:])


def _draw_line(axes: Sequence[Any], title: str, members: Sequence[LabelRows], evaluation: Evaluation) -> None:
    several = len({one.label for one in members}) > 1
    for number, rows in enumerate(members):
        name = rows.label if several else rows.run
        colour = f"C{number % 10}"
        curve = Ranking(rows.truth, rows.rank).curve()
        values = evaluation.get(rows.run, rows.label).values
        fields = {key: "" if values[key] is None else f" {values[key]:.3f}" for key in ("auroc", "auprc", "ece")}
        _draw_roc(axes[0], curve, f"{name}{fields['auroc']}", colour)
        axes[1].step(curve.sensitivity, curve.precision, where="pre", color=colour, label=f"{name}{fields['auprc']}")
        means, shares = reliability(rows.truth, rows.score, equal_mass_bins(rows.score))
        axes[2].plot(means, shares, marker="o", markersize=3.5, color=colour, label=f"{name}{fields['ece']}")
    _draw_readers(axes[0], members, evaluation)
    if not several:
        axes[1].axhline(_prevalence(members), color="0.6", linestyle=":", linewidth=1)
    for axis in (axes[0], axes[2]):
        axis.plot([0, 1], [0, 1], color="0.6", linestyle=":", linewidth=1)
    _finish(axes[0], f"{title}: ROC (AUROC)", "1 - specificity", "sensitivity", "lower right")
    _finish(axes[1], f"{title}: precision and recall (AUPRC)", "recall (sensitivity)", "precision", "best")
    _finish(axes[2], f"{title}: reliability (ECE)", "mean score of a tenth of the rows", "share positive", "outside")


def _draw_roc(axis: Any, curve: Curve, label: str, colour: str) -> None:
    axis.plot(curve.false_positive_rate, curve.sensitivity, color=colour, label=label)


def _draw_readers(axis: Any, members: Sequence[LabelRows], evaluation: Evaluation) -> None:
    """Readers, once each: what they said does not hang on the run (where all runs are of the same rows)."""
    shown = {plain_label(rows.label) for rows in members}
    points = {
        (one.reader, 1 - one.specificity, one.sensitivity)
        for one in evaluation.readers
        if plain_label(one.label) in shown
    }
    for number, (reader, x, y) in enumerate(sorted(points)):
        marker = _MARKERS[number % len(_MARKERS)]
        axis.scatter([x], [y], marker=marker, s=42, color="black", zorder=5, label=f"reader {reader}")


def _prevalence(members: Sequence[LabelRows]) -> float:
    return sum(rows.positives for rows in members) / max(1, sum(len(rows.truth) for rows in members))


def _finish(axis: Any, title: str, x: str, y: str, legend: str) -> None:
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x, ylabel=y, box_aspect=1)
    axis.set_title(title, fontsize=11)
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
    beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    axis.legend(**(beside if legend == "outside" else {"loc": legend}), fontsize=8, framealpha=0.85)
