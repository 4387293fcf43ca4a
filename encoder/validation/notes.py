"""What must be said beside the figures of a validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from encoder.evaluation.adjusting import Adjust
from encoder.evaluation.comparing import BOOTSTRAP
from encoder.evaluation.evaluation import MEAN
from encoder.evaluation.options import Options
from encoder.validation.models import Model
from encoder.validation.result import Row, Unscored
from kb.images.view_choice import told_left_out


def notes_of(
    models: Sequence[Model],
    rows: Sequence[Row],
    left_out: Sequence[Unscored],
    *,
    options: Options,
    baseline: str | None,
    adjust: Adjust | None,
    views: Mapping[str, int],
) -> list[str]:
    """What must be known to read the figures."""
    notes = []
    if not rows:
        notes.append("nothing could be scored: see what was left out, and why")
    notes.append(_of_intervals(models, rows, options))
    notes += [
        f"{model.name}: the mean of {len(model.runs)} runs; sd is over these, the interval over patients"
        for model in models
        if len(model.runs) > 1
    ]
    tested = sum(row.p is not None for row in rows)
    if tested:
        named = {"holm": "Holm", "bh": "Benjamini and Hochberg"}
        how = f"adjusted for all {tested:,} of them ({named[adjust]})" if adjust else "not adjusted for their number"
        tests = " or ".join(sorted({row.test for row in rows if row.test}))
        notes.append(f"diff and p: against {baseline}, on the rows of both ({tests}); p values are {how}")
        floor = 2 / (options.bootstrap + 1)
        paid = min(1.0, floor * tested) if adjust == "holm" else floor
        if paid > 0.01 and any(row.test == BOOTSTRAP for row in rows):
            notes.append(
                f"no p of {options.bootstrap:,} resamples is below {floor:.2g}, which may be {paid:.2g} once adjusted: "
                "more of them tell more (bootstrap)"
            )
    if views:
        notes.append(f"left out for their view: {told_left_out(views)} (views: {options.views})")
    notes += _left_out_notes(left_out)
    if any(row.label == MEAN for row in rows):
        notes.append("a mean is over the labels that all models are scored on at that site")
    return notes


def _of_intervals(models: Sequence[Model], rows: Sequence[Row], options: Options) -> str:
    """Which intervals go by formula, and which by resampled patients."""
    means = [
        *(["means over labels"] if any(row.label == MEAN for row in rows) else []),
        *(["models of several runs"] if any(len(model.runs) > 1 for model in models) else []),
    ]
    said = "95% intervals know of patients; AUROC: by formula"
    if means:
        how = f"{options.bootstrap:,} resamples of the patients of each site (seed {options.seed})"
        said += f"; {' and '.join(means)}: {how if options.bootstrap else 'none without resamples (bootstrap)'}"
    return said


def _left_out_notes(left_out: Sequence[Unscored]) -> list[str]:
    """How many labels were not scored, in one line; each with its reason stands in the result."""
    labels = list(dict.fromkeys(one.label for one in left_out))
    if not labels:
        return []
    more = f" and {len(labels) - 6} more" if len(labels) > 6 else ""
    where = sorted({one.site for one in left_out})
    return [
        f"left out: {len(labels):,} labels of which some model has too little, or nothing, to be judged by at "
        f"{', '.join(where[:4])}{' ...' if len(where) > 4 else ''} ({', '.join(labels[:6])}{more})"
    ]
