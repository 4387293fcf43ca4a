"""One image: whose it is, its report, what every run says of it, and where it lies among the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from encoder.evaluation.confusion import Confusion
from encoder.explanation.map_side import Sides, sides_of_view
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.study_statements import StudyReport, read_study_reports
from workbench.images.catalogue import catalogue_of
from workbench.images.outcomes import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known of an image.

    Attributes:
        image_id: which.
        facts: names and values, in the order in which a person reads them.
        content: the hash of its file, by which its pixels are kept.
        width: of its picture, in pixels; with its `height`.
        study_id: its study.
        patient_id: its patient.
        view: how the chest was taken, by all tables that tell it; None where nobody knows.
        sides: whether the view tells sides; None where it tells none.
        before: the image before it by id, and `after` the one after.
    """

    image_id: str
    facts: Sequence[tuple[str, str]]
    content: str
    width: int
    height: int
    study_id: str | None
    patient_id: str | None
    view: str | None
    sides: Sides | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """How a label of a run fares at the point at which it is cut: on the images that may be judged.

    Attributes:
        run: which.
        label: of which label.
        score: of the image.
        threshold: where it is cut; None where nothing cuts it.
        chosen_on: by which rows that was chosen.
        source: of the labels that count for this image; None where nothing speaks of any.
        confusion: what it comes to by these labels; None where no image may be judged.
    """

    run: str
    label: str
    score: float
    threshold: float | None
    chosen_on: str
    source: str | None
    confusion: Confusion | None


def picture_of(base: KnowledgeBase, image_id: str) -> Picture:
    """What is known of an image; UsageError if there is none of that id."""
    catalogue = catalogue_of(base)
    at = catalogue.at(image_id)
    row = catalogue.table.slice(at, 1).to_pylist()[0]
    view = row["view"] or catalogue.column("view")[at]
    told = [
        ("study", row["study_id"]),
        ("patient", row["patient_id"]),
        ("view", view),
        ("sex", row["sex"]),
        ("age", None if row["age"] is None else f"{row['age']:g}"),
        ("picture", f"{row['width']} × {row['height']} pixels"),
    ]
    return Picture(
        image_id=image_id,
        facts=[(name, str(value)) for name, value in told if value],
        content=row["content_hash"],
        width=row["width"],
        height=row["height"],
        study_id=row["study_id"],
        patient_id=row["patient_id"],
        view=view,
        sides=sides_of_view(view),
        before=catalogue.ids[at - 1] if at else None,
        after=catalogue.ids[at + 1] if at + 1 < len(catalogue) else None,
    )


def reports_of(base: KnowledgeBase, picture: Picture) -> tuple[StudyReport, ...]:
    """The reports of the study of an image."""
    return read_study_reports(base, picture.study_id, picture.patient_id)


def predictions_of(base: KnowledgeBase, image_id: str) -> list[Prediction]:
    """What every run says of every label of an image, by label and run."""
    return catalogue_of(base).predictions(image_id)


def operating_point_of(base: KnowledgeBase, image_id: str, run: str, label: str) -> OperatingPoint:
    """How a label of a run fares where it is cut, beside the score of an image; UsageError if it has no score."""
    catalogue = catalogue_of(base)
    told = catalogue.outcomes(run, label)
    at = catalogue.at(image_id)
    if np.isnan(told.score[at]):
        raise UsageError(f"run '{run}' predicts no '{label}' of {image_id}")
    return OperatingPoint(
        run=run,
        label=label,
        score=float(told.score[at]),
        threshold=None if np.isnan(told.threshold[at]) else float(told.threshold[at]),
        chosen_on=told.chosen_on[at],
        source=told.source[at],
        confusion=told.confusions.get(told.source[at]),
    )
