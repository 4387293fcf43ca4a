"""What the page of an image asks of models: explanations, heat maps, a bottleneck whose concepts are set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from encoder.explanation.explanation import Explanation
from encoder.explanation.grouped_explanation import GroupedExplanation
from encoder.prediction.bottleneck import BottleneckConcept
from encoder.prediction.head import scores
from encoder.prediction.runs import read_run
from encoder.prediction.saved_interventions import SavedIntervention, saved_interventions
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from workbench.images.catalogue import catalogue_of
from workbench.images.layers import HeatLayer, heat_layer
from workbench.images.models import explainers_of
from workbench.images.outcomes import Prediction

LISTED = 8
"""Findings, or concepts, that are listed."""

REACH = 5
"""How far a concept can be set up and down at the least, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which prediction of an image is explained."""

    run: str
    label: str


@dataclass(frozen=True, slots=True)
class Slider:
    """One concept of a bottleneck: where it stands in the image, and what it is worth.

    Attributes:
        concept: with its weight.
        standing: its standardised score; 0 is what the mean training image has.
        reach: how far it can be set, up and down: to all that stands here or is kept.
    """

    concept: BottleneckConcept
    standing: float
    reach: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SliderBoard:
    """A bottleneck's concepts in one image.

    Attributes:
        sliders: the heaviest first.
        score: the prediction as it is.
        saved: the interventions that are kept of the run, for this image or all.
    """

    sliders: Sequence[Slider]
    score: float
    saved: Sequence[SavedIntervention]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a prediction becomes: `above` is None where nothing cuts it."""

    score: float
    logit: float
    above: bool | None


def explainable_runs(base: KnowledgeBase) -> dict[str, list[str]]:
    """The runs that can be explained, with the labels that they predict."""
    columns = ["run", "method", "space", "heads"]
    rows = base.dataset("runs").to_table(columns=columns).to_pylist()
    return {
        row["run"]: sorted((head["label"] for head in row["heads"]), key=str.casefold)
        for row in sorted(rows, key=lambda row: row["run"])
        if row["heads"] and row["space"] != "backbone"
    }


def asked_of(
    base: KnowledgeBase, predictions: Sequence[Prediction], run: str | None, label: str | None
) -> Asked | None:
    """Which prediction to explain: the one that is named, else the one of the first run that is furthest above its cut.

    None where no run can be explained.
    """
    known = explainable_runs(base)
    runs = [run] if run in known else list(known)
    if not runs:
        return None
    chosen = runs[0]
    if label in known[chosen]:
        return Asked(chosen, str(label))
    own = [one for one in predictions if one.run == chosen and one.label in known[chosen]]
    if not own:
        return Asked(chosen, known[chosen][0])
    best = max(own, key=lambda one: one.score - (one.threshold if one.threshold is not None else 0.5))
    return Asked(chosen, best.label)


def explained(base: KnowledgeBase, image_id: str, asked: Asked) -> GroupedExplanation:
    """One prediction by finding."""
    with explainers_of(base).of(asked.run) as explainer:
        return explainer.explain(image_id, asked.label, top=LISTED)


def explained_exactly(base: KnowledgeBase, image_id: str, asked: Asked, top: int) -> Explanation:
    """One prediction as the exact sum of its concepts."""
    with explainers_of(base).of(asked.run) as explainer:
        return explainer.explainer.explain(image_id, asked.label, top=top, evidence=1)


def heat_of(base: KnowledgeBase, image_id: str, asked: Asked, finding: str, view: str | None) -> HeatLayer:
    """Where in an image a prediction comes from, or with a finding where the image shows that."""
    with explainers_of(base).of(asked.run) as explainer:
        return heat_layer(explainer, image_id, asked.label, finding, view)


def preprocessing_of(base: KnowledgeBase, run: str) -> str:
    """The id of the preprocessing that a run's encoder reads: a heat map of the run lies on such a square."""
    with explainers_of(base).of(run) as explainer:
        return explainer.explainer.checkpoint.preprocessing.preprocessing_id


def board_of(base: KnowledgeBase, image_id: str, asked: Asked) -> SliderBoard:
    """The concepts of a bottleneck in an image; UsageError if the run is none."""
    made = explainers_of(base).sliders(asked.run, asked.label)
    standing = made.standard(explainers_of(base).vector(image_id, asked.run))
    known = saved_interventions(read_run(base, asked.run))
    saved = [one for one in known if one.image in (None, image_id) and (not one.labels or asked.label in one.labels)]
    return SliderBoard(
        sliders=[_slider(one, float(at), saved) for one, at in zip(made.bottleneck.concepts, standing, strict=True)],
        score=float(scores(np.array(made.logit(standing)))),
        saved=saved,
    )


def _slider(concept: BottleneckConcept, standing: float, saved: Sequence[SavedIntervention]) -> Slider:
    told = [one.values[concept.concept_id] for one in saved if concept.concept_id in one.values]
    return Slider(concept, standing, max(REACH, *(math.ceil(abs(value)) for value in (standing, *told))))


def moved(base: KnowledgeBase, image_id: str, asked: Asked, values: Mapping[str, float]) -> Moved:
    """What a bottleneck says of an image when concepts, by id, are set to standardised scores."""
    at = catalogue_of(base).at(image_id)
    made = explainers_of(base).sliders(asked.run, asked.label)
    standing = made.standard(explainers_of(base).vector(image_id, asked.run))
    known = {one.concept_id: at for at, one in enumerate(made.bottleneck.concepts)}
    for concept, value in values.items():
        if concept not in known:
            raise UsageError(f"the bottleneck of {asked.label} has no concept {concept}")
        standing[known[concept]] = value
    logit = made.logit(standing)
    score = float(scores(np.array(logit)))
    cut = catalogue_of(base).outcomes(asked.run, asked.label).threshold[at]
    return Moved(score=score, logit=logit, above=None if np.isnan(cut) else bool(score >= cut))
