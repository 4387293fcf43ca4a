"""Whether `explain` by finding names the side on which a finding was drawn, on phantoms that nothing has seen.

    python -m bench explained_sides

A study of a seed of its own, without the planted shortcut; the small encoder for the processor is trained on its
training patients; asked are the test images in which a finding lies on one side alone, by the boxes of what was drawn.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.measure import Row
from encoder.explanation.explanation import Explainer
from encoder.explanation.grouped import GroupedExplainer
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.prompts import PromptSet
from encoder.prediction.zero_shot_run import predict_zero_shot
from encoder.training.config import read_config
from encoder.training.trainer import train
from encoder.vectors.encoding import encode
from ingest.demo import PhantomStudy, write_phantom_study
from ingest.images.images import ingest_images
from ingest.labels.labels import ingest_labels
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder

SEED, COUNT, SIZE = 20261202, 2_000, 96
SIDED = ("chest tube", "nodule", "opacity", "pacemaker", "pleural effusion", "pneumothorax")
RUN = "sides"


@dataclass(frozen=True, eq=False)
class Sides:
    """What is said of the sides of one finding, image by image.

    Attributes:
        right: whether it leans to the side that was drawn.
        named: whether it stands out enough to be named.
    """

    right: np.ndarray
    named: np.ndarray


def run() -> list[Row]:
    """Draw, train and ask."""
    with tempfile.TemporaryDirectory() as folder:
        explainer, study = prepared(Path(folder))
        return rows(asked(explainer, drawn_sides(study)))


def prepared(folder: Path) -> tuple[GroupedExplainer, PhantomStudy]:
    """What explains the predictions of an encoder of fresh phantoms, and the phantoms."""
    study = write_phantom_study(folder / "study", COUNT, seed=SEED, size=SIZE, shortcut=0.0)
    kb = KnowledgeBase.create(folder / "p.kb")
    ingest_reports(kb, [study.reports], embedder=load_embedder)
    ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SIZE))
    ingest_labels(kb, study.labels)
    trained = train(kb, read_config("cpu-demo"), folder / "encoder")
    assert trained is not None
    encode(kb, trained.checkpoint)
    options = PredictOptions(run=RUN)
    predict_zero_shot(kb, trained.checkpoint, PromptSet(), options=options, embedder=load_embedder)
    return GroupedExplainer(Explainer(kb, trained.checkpoint, RUN)), study


def drawn_sides(study: PhantomStudy) -> dict[tuple[str, str], str]:
    """On which side a finding was drawn, by image and finding, where it is one side alone."""
    found: dict[tuple[str, str], set[str]] = {}
    with study.boxes.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["image"], row["finding"]), set()).add(row["side"])
    return {at: next(iter(sides)) for at, sides in found.items() if len(sides) == 1 and sides <= {"left", "right"}}


def asked(explainer: GroupedExplainer, drawn: Mapping[tuple[str, str], str]) -> dict[str, Sides]:
    """What is said of the test images, by finding."""
    images = explainer.images.of_split("test")
    above = explainer.explainer.above(images.matrix)
    told: dict[str, Sides] = {}
    for number, group in enumerate(explainer.groups):
        rows = [n for n, image in enumerate(images.image_ids) if (image, group.finding) in drawn]
        if group.finding not in SIDED or not rows:
            continue
        sides = [next(one for one in explainer.facings(number, above[n]) if one.facet == "side") for n in rows]
        left = np.array([drawn[images.image_ids[n], group.finding] == "left" for n in rows])
        leans = np.array([one.standing > 0 for one in sides])
        told[group.finding] = Sides(leans == left, np.array([one.name is not None for one in sides]))
    return told


def rows(told: Mapping[str, Sides]) -> list[Row]:
    """The share of sides that are right: of all, whichever way they lean, and of those that are named."""
    right, named = (np.concatenate([getattr(one, name) for one in told.values()]) for name in ("right", "named"))
    by_finding = ", ".join(f"{finding} {one.right.mean():.2f} of {len(one.right)}" for finding, one in told.items())
    leaning = "the side that an explanation leans to is the one that was drawn"
    return [
        _row(leaning, right, f"{right.sum()} of {len(right)}; {by_finding}"),
        _row("the same of the sides that it names", right[named], f"{named.sum()} of {len(named)} named"),
    ]


def _row(what: str, right: np.ndarray, told: str) -> Row:
    percent = 100 * float(right.mean())
    return Row(what, f"{percent:.1f}%", told, "chance 50 %", number=percent, better="higher")
