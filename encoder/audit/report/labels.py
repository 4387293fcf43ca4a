"""Which labels a report shows in full: those that are asked for, else the ones with the most positives."""

from __future__ import annotations

from collections.abc import Sequence

from encoder.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from kb.errors import UsageError
from kb.language.label_names import plain_label

MOST_LABELS = 6
"""Labels that are shown in full unless some are named."""


def shown_labels(evaluation: Evaluation, asked: Sequence[str] = ()) -> tuple[list[LabelRows], list[str]]:
    """The rows of the labels that are shown in full, in the order of the metrics, and what is to be said of the others.

    Raises:
        UsageError: a label that was asked for was not scored.
    """
    if asked:
        named = [_named(evaluation, label) for label in asked]
        return [one for at, one in enumerate(named) if one not in named[:at]], []
    scored = {plain_label(one.label): one for one in evaluation.label_rows}
    in_mean = {row.label for row in evaluation.rows if row.in_mean}
    offered = [one for one in scored.values() if one.label in in_mean] or list(scored.values())
    kept = sorted(offered, key=lambda one: -one.positives)[:MOST_LABELS]
    left = [one.label for one in offered if one not in kept]
    if not left:
        return offered, []
    note = (
        f"shown in full are the {len(kept)} labels with the most positives; the metrics of {', '.join(left)} "
        "stand in the tables, and a label that is named is shown in full"
    )
    return [one for one in offered if one in kept], [note]


def _named(evaluation: Evaluation, label: str) -> LabelRows:
    """The rows of a label that was asked for."""
    for one in evaluation.label_rows:
        if plain_label(one.label) == plain_label(label):
            return one
    for left in evaluation.left_out:
        if plain_label(left.label) == plain_label(label):
            raise UsageError(f"label '{label}': it cannot be scored: {left.reason}")
    known = ", ".join(sorted(one.label for one in evaluation.label_rows))
    raise UsageError(f"label '{label}': there are predictions for {known}")
