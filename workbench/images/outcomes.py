"""Predictions beside what is held to be true, at the operating points of their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from encoder.evaluation.confusion import Confusion, confusion_of

OF_LABEL = """
SELECT image_id, owner, judged, score, CAST(truth AS DOUBLE) AS truth, threshold, chosen_on,
    CAST(decision AS INT)::DOUBLE AS decision, source
FROM outcomes WHERE run = $run AND label = $label AND image_id IS NOT NULL
"""
"""The predictions of a label in a run."""

OF_IMAGE = """
SELECT run, label, score, CAST(truth AS DOUBLE) AS truth, threshold, decision, source
FROM outcomes WHERE image_id = $image ORDER BY lower(label), label, run, source NULLS LAST
"""
"""All predictions of an image."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The predictions of one label in one run, in the order of the images; NaN where there is none, or none is known.

    Attributes:
        score: of each image.
        truth: 1, 0 or NaN.
        above: whether the score is its operating point or more; NaN where there is none, or it helped to choose it.
        threshold: the operating point that the score is held against.
        chosen_on: by which rows that was chosen.
        source: of the labels; None where nothing speaks of any.
        confusion: what it comes to on the images that may be judged; None where none may.
    """

    score: np.ndarray
    truth: np.ndarray
    above: np.ndarray
    threshold: np.ndarray
    chosen_on: str
    source: str | None
    confusion: Confusion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one run says of one label of an image; `above` is None where nothing cuts its score."""

    run: str
    label: str
    score: float
    threshold: float | None
    above: bool | None
    truth: bool | None

    @property
    def wrong(self) -> bool:
        """Whether it is wrong at its operating point."""
        return None not in (self.truth, self.above) and self.truth != self.above


def outcomes_in(rows: pa.Table, places: np.ndarray, images: int) -> Outcomes:
    """The predictions of a label in a run, in the order of the images; of several sources of labels the first by name.

    Args:
        rows: of `OF_LABEL`.
        places: where the image of each stands; -1: it is none.
        images: how many there are.
    """
    source = pc.min(rows["source"]).as_py()
    mine = (places >= 0) & np.array([one in (source, None) for one in rows["source"].to_pylist()], dtype=bool)
    at = places[mine]
    columns = {}
    for name in ("score", "truth", "decision", "threshold"):
        columns[name] = np.full(images, np.nan)
        columns[name][at] = rows[name].to_numpy().astype(np.float64)[mine]
    judged = np.zeros(images, dtype=bool)
    judged[at] = rows["judged"].to_numpy().astype(bool)[mine]
    owners = np.full(images, "", dtype=object)
    owners[at] = np.array(rows["owner"].to_pylist(), dtype=object)[mine]
    counted = judged & ~np.isnan(columns["truth"]) & ~np.isnan(columns["decision"])
    confusion = None
    if counted.any():
        truth, called = columns["truth"][counted] == 1, columns["decision"][counted] == 1
        confusion = confusion_of(truth, called, owners[counted])
    return Outcomes(
        score=columns["score"],
        truth=columns["truth"],
        above=columns["decision"],
        threshold=columns["threshold"],
        chosen_on=rows["chosen_on"][0].as_py() if rows.num_rows else "nothing",
        source=source,
        confusion=confusion,
    )


def predictions_in(rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
    """The predictions of an image from rows of `OF_IMAGE`: of several sources of labels the first by name."""
    first: dict[tuple[str, str], Prediction] = {}
    for row in rows:
        first.setdefault(
            (row["label"], row["run"]),
            Prediction(
                run=row["run"],
                label=row["label"],
                score=row["score"],
                threshold=row["threshold"],
                above=None if row["decision"] is None else bool(row["decision"]),
                truth=None if row["truth"] is None else bool(row["truth"]),
            ),
        )
    return list(first.values())
