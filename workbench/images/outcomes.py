"""Predictions beside what is held to be true, at the operating points of their labels.

Where several sources of labels speak of an image, the first by name that knows counts: for its truth, and for the
operating point that its score is held against, which every source has of its own. How a label fares there is told for
one source at a time.
"""

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
ORDER BY image_id, truth IS NULL, source NULLS LAST
"""
"""The predictions of a label in a run: of an image, the row that counts comes first."""

OF_IMAGE = """
SELECT run, label, score, CAST(truth AS DOUBLE) AS truth, threshold, decision, source
FROM outcomes WHERE image_id = $image ORDER BY lower(label), label, run, truth IS NULL, source NULLS LAST
"""
"""All predictions of an image: of a label in a run, the row that counts comes first."""


@dataclass(frozen=True, eq=False)
class Truths:
    """Whether a label is held to be there, in the order of the images.

    Attributes:
        value: 1, 0 or NaN where nobody knows.
        source: who says so of each image; None where nobody does.
    """

    value: np.ndarray
    source: np.ndarray

    @property
    def sources(self) -> list[str]:
        """All that count for some image, by name."""
        return sorted({one for one in self.source if one is not None})


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The predictions of one label in one run, in the order of the images; NaN where there is none, or none is known.

    Attributes:
        score: of each image.
        above: whether the score is its operating point or more; NaN where there is none, or it helped to choose it.
        threshold: the operating point that the score is held against.
        chosen_on: by which rows that was chosen; None where there is no score.
        source: of the labels that count for each image; None where nothing speaks of any.
        confusions: what it comes to by each source, on the images that may be judged; none where none may.
    """

    score: np.ndarray
    above: np.ndarray
    threshold: np.ndarray
    chosen_on: np.ndarray
    source: np.ndarray
    confusions: Mapping[str | None, Confusion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one run says of one label of an image; `above` is None where nothing cuts its score."""

    run: str
    label: str
    score: float
    threshold: float | None
    above: bool | None
    truth: bool | None
    source: str | None

    @property
    def wrong(self) -> bool:
        """Whether it is wrong at its operating point."""
        return None not in (self.truth, self.above) and self.truth != self.above


def truths_in(rows: pa.Table, places: np.ndarray, images: int) -> Truths:
    """What is held of a label, in the order of the images.

    Args:
        rows: an image each, with the value and the source that count.
        places: where the image of each stands; -1: it is none.
        images: how many there are.
    """
    mine = places >= 0
    value, source = np.full(images, np.nan), np.full(images, None, dtype=object)
    value[places[mine]] = rows["value"].to_numpy()[mine]
    source[places[mine]] = np.array(rows["source"].to_pylist(), dtype=object)[mine]
    return Truths(value, source)


def outcomes_in(rows: pa.Table, places: np.ndarray, images: int) -> Outcomes:
    """The predictions of a label in a run, in the order of the images.

    Args:
        rows: of `OF_LABEL`.
        places: where the image of each stands; -1: it is none.
        images: how many there are.
    """
    found, first = np.unique(places, return_index=True)
    at, first = found[found >= 0], first[found >= 0]
    numbers = {}
    for name in ("score", "decision", "threshold"):
        numbers[name] = np.full(images, np.nan)
        numbers[name][at] = rows[name].to_numpy().astype(np.float64)[first]
    texts = {}
    for name in ("chosen_on", "source"):
        texts[name] = np.full(images, None, dtype=object)
        texts[name][at] = np.array(rows[name].to_pylist(), dtype=object)[first]
    return Outcomes(
        score=numbers["score"],
        above=numbers["decision"],
        threshold=numbers["threshold"],
        chosen_on=texts["chosen_on"],
        source=texts["source"],
        confusions=_confusions(rows.filter(pa.array(places >= 0, pa.bool_()))),
    )


def _confusions(rows: pa.Table) -> dict[str | None, Confusion]:
    """What a label comes to at its operating point by each source, on the images that may be judged."""
    judged = rows.filter(
        pc.and_(rows["judged"], pc.and_(pc.is_valid(rows["truth"]), pc.is_valid(rows["decision"])))
    ).to_pylist()
    by_source: dict[str | None, list[dict[str, Any]]] = {}
    for row in judged:
        by_source.setdefault(row["source"], []).append(row)
    return {
        source: confusion_of(
            np.array([row["truth"] == 1 for row in mine], dtype=bool),
            np.array([row["decision"] == 1 for row in mine], dtype=bool),
            np.array([row["owner"] for row in mine], dtype=object),
        )
        for source, mine in by_source.items()
    }


def predictions_in(rows: Sequence[Mapping[str, Any]]) -> list[Prediction]:
    """The predictions of an image from rows of `OF_IMAGE`: of several sources of labels the one that counts."""
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
                source=row["source"],
            ),
        )
    return list(first.values())
