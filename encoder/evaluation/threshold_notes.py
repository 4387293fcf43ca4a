"""What must be said of thresholds: where they come from, which were chosen by few, and where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.evaluation.rows import LabelRows
from encoder.evaluation.thresholds import CROSS_FITTED, GIVEN, LEAST, NOTHING, VALIDATION, Threshold, Thresholds

Chosen = tuple[LabelRows, Threshold]
"""The rows of a label and their threshold."""


def threshold_notes(groups: Sequence[LabelRows], thresholds: Thresholds) -> list[str]:
    """The notes on the thresholds of some labels, each in one sentence."""
    chosen = [(rows, thresholds.of(rows)) for rows in groups]
    notes = [_origin(origin, _how(thresholds)) for origin in dict.fromkeys(one.origin for _, one in chosen)]
    if few := [(rows, one) for rows, one in chosen if one.origin != NOTHING and one.few]:
        notes.append(
            f"few rows chose the threshold of {_counted(few)}: with under 20 of either it is little but chance"
        )
    if none := [(rows, one) for rows, one in chosen if one.origin == NOTHING]:
        notes.append(_refused(none, thresholds))
    return [note for note in notes if note]


def _origin(origin: str, how: str) -> str:
    if origin == GIVEN:
        return "thresholds are the operating points that were given with the run"
    if origin == VALIDATION:
        return f"threshold chosen on the validation split ({how}); those rows are not judged by it"
    if origin == CROSS_FITTED:
        return f"threshold cross-fitted ({how}): each fifth of the patients is judged by the cut of the other four"
    if origin.startswith("run "):
        return f"threshold chosen on other patients of {origin} ({how}); those rows are not judged by it"
    return ""


def _how(thresholds: Thresholds) -> str:
    target = thresholds.source.target
    if target is not None:
        return f"for a {target.measure} of {target.value:g}"
    return "by Youden's J" if thresholds.by == "youden" else "by F1"


def _refused(none: Sequence[Chosen], thresholds: Thresholds) -> str:
    what = {
        "given": "none was given with the run",
        "validation": f"the validation has no {LEAST} of either, or leaves none to judge",
        "run": f"run {thresholds.source.run} has no {LEAST} of either of other patients",
    }
    why = what.get(thresholds.source.kind, f"{LEAST} of either are needed to choose one by")
    return (
        f"no threshold for {_counted(none)}: {why}; F1, sensitivity and the like are missing there "
        "(threshold_from: a number or another run; or give operating points with the run)"
    )


def _counted(chosen: Sequence[Chosen]) -> str:
    told = [
        f"{rows.label} ({rows.run}"
        + ("" if one.positives is None else f": {one.positives} positives, {one.negatives} negatives")
        + ")"
        for rows, one in chosen
    ]
    told = list(dict.fromkeys(told))
    more = f" and {len(told) - 6} more" if len(told) > 6 else ""
    return f"{', '.join(told[:6])}{more}"
