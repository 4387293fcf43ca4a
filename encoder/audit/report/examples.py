"""The predictions that are worth a look: of each label the surest right one and the two that are most wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from encoder.audit.report.report_data import Example
from encoder.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from encoder.explanation.explanation import Explainer
from encoder.prediction.runs import read_run
from encoder.vectors.encoders import find_checkpoint
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase

SUREST, FALSE_POSITIVE, FALSE_NEGATIVE = "Surest right positive", "Worst false positive", "Worst false negative"
LISTED = 8
"""Concepts of an explanation that are listed."""


def open_explainer(kb: KnowledgeBase, run: str, encoder: str | None = None) -> Explainer:
    """What explains the predictions of a run; UsageError if nothing can, with the reason."""
    return Explainer(kb, find_checkpoint(kb, encoder or read_run(kb, run).encoder), run)


def examples_of(
    explainer: Explainer, evaluation: Evaluation, rows: LabelRows, *, evidence: bool = True
) -> tuple[list[Example], list[str]]:
    """The examples of one label, and what is to be said of those that there are not."""
    threshold = evaluation.get(rows.run, rows.label).threshold
    found: list[Example] = []
    notes: list[str] = []
    for what, truth, at in _chosen(rows, threshold):
        if at is None:
            notes.append(f"{rows.label}: there is no {what.lower().removeprefix('worst ').removeprefix('surest ')}")
            continue
        level, _, unit = str(rows.unit[at]).partition(" ")
        if level != "image":
            notes.append(f"{rows.label}: its predictions are of studies; only those of images can be explained")
            break
        try:
            stated = explainer.explain(unit, rows.label, top=LISTED, evidence=1 if evidence else 0)
        except UsageError as error:
            notes.append(f"{rows.label}, {what.lower()}: {error}")
            continue
        found.append(Example(rows.label, what, truth, threshold, stated))
    return found, notes


def _chosen(rows: LabelRows, threshold: float | None) -> Iterator[tuple[str, bool, int | None]]:
    """What to show, its truth, and the row; None if no row is such a one."""
    cut = 0.5 if threshold is None else threshold
    said = rows.score >= cut
    for what, truth, wanted, best in (
        (SUREST, True, rows.truth & said, np.argmax),
        (FALSE_POSITIVE, False, ~rows.truth & said, np.argmax),
        (FALSE_NEGATIVE, True, rows.truth & ~said, np.argmin),
    ):
        places = np.flatnonzero(wanted)
        yield what, truth, int(places[best(rows.rank[places])]) if len(places) else None
