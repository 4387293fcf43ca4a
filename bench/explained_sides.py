"""Whether `explain` by finding names the side on which a finding was drawn, on phantoms that nothing has seen.

    python -m bench explained_sides

A study of a seed of its own, without the planted shortcut; the small encoder for the processor is trained on its
training patients; asked are the test images in which a finding lies on one side alone, by the boxes of what was drawn.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
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

SEED, COUNT, SIZE = 20261130, 2_000, 96
SIDED = ("chest tube", "nodule", "opacity", "pacemaker", "pleural effusion", "pneumothorax")
RUN = "sides"

Told = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Of each finding, image by image: how far it stands to the left, and whether it was drawn there."""


def run() -> list[Row]:
    """Draw, train and ask."""
    with tempfile.TemporaryDirectory() as folder:
        explainer, study = prepared(Path(folder))
        return rows(*asked(explainer, drawn_sides(study)))


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


def asked(explainer: GroupedExplainer, drawn: Mapping[tuple[str, str], str]) -> tuple[Told, Mapping[str, int]]:
    """What is said of the test images, and how many of the sides were named at all."""
    images = explainer.images.of_split("test")
    above = explainer.explainer.above(images.matrix)
    told: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    named: dict[str, int] = {}
    for number, group in enumerate(explainer.groups):
        rows = [n for n, image in enumerate(images.image_ids) if (image, group.finding) in drawn]
        if group.finding not in SIDED or not rows:
            continue
        sides = [next(one for one in explainer.facings(number, above[n]) if one.facet == "side") for n in rows]
        left = np.array([drawn[images.image_ids[n], group.finding] == "left" for n in rows])
        told[group.finding] = np.array([one.standing for one in sides]), left
        named[group.finding] = sum(one.name is not None for one in sides)
    return told, named


def rows(told: Told, named: Mapping[str, int]) -> list[Row]:
    """The share of sides that are right: of all, whichever way they lean, and of those that are named."""
    right = {finding: (standing > 0) == left for finding, (standing, left) in told.items()}
    every, count = np.concatenate(list(right.values())), sum(named.values())
    clear = [np.abs(standing) for standing, _ in told.values()]
    kept = [
        size >= np.sort(size)[len(size) - named[f]] if named[f] else size < 0
        for f, size in zip(told, clear, strict=True)
    ]
    of_named = np.concatenate([right[f][keep] for f, keep in zip(told, kept, strict=True)])
    by_finding = ", ".join(f"{finding} {one.mean():.2f} of {len(one)}" for finding, one in right.items())
    return [
        Row(
            f"the side that an explanation leans to is the one that was drawn: {by_finding}",
            f"{every.mean():.1%}",
            f"{every.sum()} of {len(every)}",
            "chance 50 %",
        ),
        Row("of the sides that it names", f"{of_named.mean():.1%}", f"{count} of {len(every)} named", "chance 50 %"),
    ]
