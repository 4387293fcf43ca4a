"""Readers beside a model: each one's sensitivity and specificity, their mean, and where these lie to its curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from encoder.evaluation.evaluation import ReaderScore
from encoder.evaluation.matched_row import Row
from encoder.evaluation.reader_tables import Reading
from encoder.evaluation.rows import LabelRows
from kb.language.label_names import plain_label
from kb.statistics.ranking import Ranking, sensitivity_at

MEAN_READER = "mean of {} readers"


def readings_of(readings: Sequence[Reading]) -> dict[str, dict[str, dict[str, bool]]]:
    """Readings by label, reader and image or study."""
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for one in readings:
        found.setdefault(plain_label(one.label), {}).setdefault(one.reader, {})[one.unit] = one.value
    return found


def read_rows(rows: LabelRows, values: Mapping[str, bool], studies: Mapping[str, str]) -> list[bool | None]:
    """What a reader says of each row: of the image itself, else of its study."""
    return [values.get(unit, values.get(studies.get(unit, ""))) for unit in rows.unit]


def studies_of(rows: Iterable[Row]) -> dict[str, str]:
    """The studies of images, by "image ID": "study ID"."""
    return {row["unit"]: f"study {row['study_id']}" for row in rows if row["image_id"] and row["study_id"]}


def score_readers(
    rows: Sequence[LabelRows], readings: Sequence[Reading], studies: Mapping[str, str]
) -> list[ReaderScore]:
    """Every reader, and their mean, beside every run, on the rows that were read and whose truth is known.

    Args:
        rows: of each run and label.
        readings: what the readers said.
        studies: of the images, by "image ID": "study ID".
    """
    by_label = readings_of(readings)
    found: list[ReaderScore] = []
    for mine in rows:
        values = by_label.get(plain_label(mine.label), {})
        each = {reader: read_rows(mine, said, studies) for reader, said in values.items()}
        scores = {reader: one for reader, told in each.items() if (one := _beside(mine, reader, told)) is not None}
        found += [scores[reader] for reader in sorted(scores)]
        if len(scores) > 1:
            found.append(_mean_reader(mine, list(scores.values()), [each[reader] for reader in scores]))
    return found


def _beside(rows: LabelRows, reader: str, told: Sequence[bool | None]) -> ReaderScore | None:
    mine = rows.take(np.array([value is not None for value in told], dtype=bool))
    if not mine.positives or not mine.negatives:
        return None
    said = np.array([value for value in told if value is not None], dtype=bool)
    sensitivity, specificity = float(said[mine.truth].mean()), float((~said[~mine.truth]).mean())
    return _placed(mine, reader, sensitivity, specificity)


def _mean_reader(rows: LabelRows, scores: Sequence[ReaderScore], told: Sequence[Sequence[bool | None]]) -> ReaderScore:
    """The mean of the readers' sensitivities and of their specificities, on all rows that any of them read."""
    mine = rows.take(np.array([any(value is not None for value in one) for one in zip(*told, strict=True)], dtype=bool))
    sensitivity = float(np.mean([score.sensitivity for score in scores]))
    specificity = float(np.mean([score.specificity for score in scores]))
    return _placed(mine, MEAN_READER.format(len(scores)), sensitivity, specificity)


def _placed(mine: LabelRows, reader: str, sensitivity: float, specificity: float) -> ReaderScore:
    model = sensitivity_at(Ranking(mine.truth, mine.rank).curve(), specificity)
    gap = sensitivity - model
    return ReaderScore(
        run=mine.run,
        label=mine.label,
        reader=reader,
        n=len(mine.truth),
        positives=mine.positives,
        sensitivity=sensitivity,
        specificity=specificity,
        model_sensitivity=model,
        lies="on" if abs(gap) < 1e-9 else "above" if gap > 0 else "below",
        split=mine.split,
        group=mine.group,
    )
