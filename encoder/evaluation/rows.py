"""The rows that are evaluated: each prediction of a run beside the ground truth of it, label by label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoder.evaluation.matched_row import Row


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelRows:
    """The predictions of one run for one label: those whose truth is known, and how many others there are.

    `rank` is what they are ordered by (the logit where all have one: far ones are all 1 as probabilities), `score` the
    probability; `cluster` numbers the patients over all runs. `split` is the part of the rows that they are, and
    `group` the value of what they are grouped by.
    """

    run: str
    label: str
    truth: np.ndarray
    score: np.ndarray
    rank: np.ndarray
    cluster: np.ndarray
    unit: np.ndarray
    unknown: int
    without_label: int
    split: str = ""
    group: str | None = None

    @property
    def positives(self) -> int:
        """Rows that hold the label."""
        return int(self.truth.sum())

    @property
    def negatives(self) -> int:
        """Rows that do not."""
        return len(self.truth) - self.positives

    @property
    def patients(self) -> int:
        """Patients (or images, if nobody knows them) that the rows are of."""
        return len(set(self.cluster.tolist()))

    def few(self, least: int) -> str | None:
        """Why there is too little to score it by."""
        if self.positives < least:
            return f"{self.positives} positives, under the minimum of {least} (min_positives)"
        return f"{self.negatives} negatives, under the minimum of {least}" if self.negatives < least else None

    def take(self, chosen: np.ndarray) -> LabelRows:
        """The rows that `chosen` marks (or numbers, in its order)."""
        columns = ("truth", "score", "rank", "cluster", "unit")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})


def label_rows(
    rows: Sequence[Row], clusters: Mapping[str, int], split: str = "", group: str | None = None
) -> list[LabelRows]:
    """Matched predictions (see `encoder.evaluation.matching`) by run and label.

    `clusters` numbers the owners of the rows; `split` and `group` are what they are called.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["run"], row["label"]), []).append(row)
    found = (_of_group(run, label, members, clusters) for (run, label), members in groups.items())
    return [replace(rows, split=split, group=group) for rows in found]


def _of_group(run: str, label: str, members: Sequence[Row], clusters: Mapping[str, int]) -> LabelRows:
    known = [row for row in members if row["value"] is not None]
    score = np.array([row["score"] for row in known], dtype=np.float64)
    logits = [row["logit"] for row in known]
    rank = score if None in logits else np.array(logits, dtype=np.float64)
    without = sum(not row["labelled"] for row in members)
    return LabelRows(
        run=run,
        label=label,
        truth=np.array([row["value"] == 1 for row in known], dtype=bool),
        score=score,
        rank=rank,
        cluster=np.array([clusters[row["owner"]] for row in known], dtype=np.int64),
        unit=np.array([row["unit"] for row in known], dtype=object),
        unknown=len(members) - len(known) - without,
        without_label=without,
    )
