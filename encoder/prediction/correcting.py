"""What a reader's corrections are worth: the AUROC of a concept bottleneck when k of its concepts are set right.

The reader is played by the reports: what one states, denies or does not mention says if a concept holds for its
image. A reader looks first at concepts of which the model is least sure and which weigh most, by p (1 - p) |weight|,
where p is the probability that the concept holds given its score, and sets right those that the model has wrong: to the
mean score of the training images of which the same is true (Koh et al., 2020, set a quantile, and right ones too).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck import Bottleneck
from encoder.prediction.concept_directions import concept_directions
from encoder.prediction.gap import RESAMPLES, auroc_gap
from encoder.prediction.ground_truth import read_truth
from encoder.prediction.intervention import bottlenecks_of
from encoder.prediction.judged import judged_split
from encoder.prediction.predicting import auroc_of
from encoder.prediction.probe import FEWEST
from encoder.prediction.runs import read_run, require_its_encoder, require_its_vectors
from encoder.training.statements import HOLDS, UNKNOWN
from encoder.training.training_data import Study, read_study
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from kb.errors import UsageError
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase

SHUFFLES = 5
"""Random orders that the order by uncertainty is held against."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """The AUROC after k corrections, a row a label and k; and what is to be known of them."""

    rows: list[dict[str, Any]]
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Readable:
    """Images as a bottleneck reads them, and what their reports make of its concepts.

    Attributes:
        standard: the standardised scores, (n, k).
        right: what they are once a reader has looked: the same where the model is right; NaN where nobody knows.
        probability: that each concept holds, given its score, (n, k).
    """

    standard: np.ndarray
    right: np.ndarray
    probability: np.ndarray

    def looked_at(self, weights: np.ndarray, most: int, *, shuffled: np.random.Generator | None = None) -> Looked:
        """What looking at 0 to `most` concepts of each image comes to.

        Args:
            weights: of the concepts, (k,).
            most: concepts that are looked at.
            shuffled: in a random order rather than the least sure and heaviest first.
        """
        known = ~np.isnan(self.right)
        worth = self.probability * (1 - self.probability) * np.abs(weights)
        if shuffled is not None:
            worth = shuffled.random(worth.shape)
        order = np.argsort(-np.where(known, worth, -1.0), axis=1, kind="stable")[:, :most]
        moved = np.where(known, self.right - self.standard, 0.0)
        logits = (self.standard @ weights)[None] + _steps(np.take_along_axis(moved * weights, order, axis=1), most)
        return Looked(logits, _steps(np.take_along_axis(moved != 0, order, axis=1), most).mean(axis=1))


@dataclass(frozen=True, eq=False)
class Looked:
    """Logits less the bias after 0 to k concepts were looked at, (k + 1, n), and how many were set right, (k + 1,)."""

    logits: np.ndarray
    corrected: np.ndarray


def _steps(moves: np.ndarray, most: int) -> np.ndarray:
    """The sums of what each concept moves, (n, at most `most`), after 0 to `most` of them: (most + 1, n)."""
    padded = np.pad(moves.astype(np.float64), ((0, 0), (1, most - moves.shape[1])))
    return np.cumsum(padded, axis=1).T


def evaluate_corrections(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    run: str,
    *,
    most: int,
    labels: Sequence[str] = (),
    source: str | None = None,
    resamples: int = RESAMPLES,
) -> Corrections:
    """How the AUROC of a bottleneck run moves when a reader looks at 0 to `most` of its concepts in each image.

    Args:
        kb: where the run is.
        checkpoint: its encoder.
        run: its name.
        most: concepts that are looked at in each image.
        labels: these only; default: all that it predicts.
        source: of the labels.
        resamples: of the patients, for the intervals.

    Raises:
        UsageError: the run is no bottleneck, or no image that it is judged on has a report.
    """
    read = read_run(kb, run)
    require_its_vectors(kb, read)
    require_its_encoder(read, checkpoint)
    wanted = [read.head(label).label for label in labels]
    chosen = [one for one in bottlenecks_of(read) if not wanted or one.label in wanted]
    split = judged_split(kb, [run])
    study = read_study(kb, embedded=False, views=read.parameters.get("views", FRONTAL))
    images = read_image_vectors(kb, read.encoder)
    numbers = {example.image_id: number for number, example in enumerate(study.examples)}
    told = images.chosen([at for at, image in enumerate(images.image_ids) if image in numbers])
    parts = [told.of_split("train"), told.chosen(told.numbers_of(split))]
    if not len(parts[1]):
        raise UsageError(
            f"no image of the {split} split has a report: nobody sets anything right", need="reports of images"
        )
    space = concept_directions(kb.at(read.vocabulary_commit) if read.vocabulary_commit else kb, checkpoint)
    truth = read_truth(kb, parts[1], [one.label for one in chosen], source=source)
    rows: list[dict[str, Any]] = []
    notes = [
        f"the reports of {len(parts[1]):,} images of the {split} split play the reader: what they do not mention "
        "counts as not there; k concepts are looked at, the least sure and heaviest first (random: in any order), and "
        "set right where the model has them wrong",
        "where that makes it worse, the model reads something else in a concept than its name says",
    ]
    for column, bottleneck in enumerate(chosen):
        if not bottleneck.concepts:
            notes.append(f"{bottleneck.label}: left out, no concept has a weight")
            continue
        vectors = np.stack([np.asarray(space.vectors[space.place(one.concept_id)]) for one in bottleneck.concepts])
        readable, lacking = _readable(bottleneck, vectors, parts, study, numbers)
        rows += _rows(
            bottleneck, readable, truth[:, column], parts[1].patients, most=most, split=split, resamples=resamples
        )
        if lacking:
            notes.append(
                f"{bottleneck.label}: never looked at, for reports say too little of them: {', '.join(lacking)}"
            )
    if not rows:
        raise UsageError(f"no bottleneck of run '{run}' has a concept with a weight: there is nothing to set right")
    return Corrections(rows, notes)


def _rows(
    bottleneck: Bottleneck,
    readable: Readable,
    truth: np.ndarray,
    patients: Sequence[str],
    *,
    most: int,
    split: str,
    resamples: int,
) -> list[dict[str, Any]]:
    weights = np.array([one.weight for one in bottleneck.concepts])
    looked = readable.looked_at(weights, most)
    ordered, dice = looked.logits, np.random.default_rng(0)
    shuffled = [readable.looked_at(weights, most, shuffled=dice).logits for _ in range(SHUFFLES)]
    rows = []
    for k in range(most + 1):
        value = auroc_of(ordered[k], truth)
        by_chance = [auroc_of(one[k], truth) for one in shuffled]
        change = None if value is None else auroc_gap(truth, ordered[k], ordered[0], patients, resamples=resamples)
        rows.append(
            {
                "label": bottleneck.label,
                "split": split,
                "k": k,
                "corrected": float(looked.corrected[k]),
                "auroc": value,
                "change": None if value is None else value - (auroc_of(ordered[0], truth) or 0.0),
                "change_low": None if change is None else change.low,
                "change_high": None if change is None else change.high,
                "auroc_random": None
                if value is None
                else float(np.mean([one for one in by_chance if one is not None])),
                "n": int((~np.isnan(truth)).sum()),
                "positives": int((truth == 1).sum()),
            }
        )
    return rows


def _readable(
    bottleneck: Bottleneck,
    vectors: np.ndarray,
    parts: Sequence[ImageVectors],
    study: Study,
    numbers: dict[str, int],
) -> tuple[Readable, list[str]]:
    """The judged images as a bottleneck and their reports read them; and the concepts that nobody can correct."""
    means = np.array([one.mean for one in bottleneck.concepts])
    deviations = np.maximum([one.deviation for one in bottleneck.concepts], 1e-12)
    scores = [(part.matrix.astype(np.float64) @ vectors.T - means) / deviations for part in parts]
    known = {concept: number for number, concept in enumerate(study.concept_ids)}
    right = np.full(scores[1].shape, np.nan)
    probability = np.full(scores[1].shape, 0.5)
    lacking = []
    for at, concept in enumerate(bottleneck.concepts):
        number = known.get(concept.concept_id)
        said = (
            None if number is None else [_said(study, [numbers[i] for i in part.image_ids], number) for part in parts]
        )
        if said is None or min((said[0] == 1).sum(), (said[0] == 0).sum()) < FEWEST:
            lacking.append(concept.text)
            continue
        there, gone = (scores[0][said[0] == value, at] for value in (1, 0))
        probability[:, at] = _holds_given(scores[1][:, at], there, gone)
        agreed = (probability[:, at] >= 0.5) == (said[1] == 1)
        level = np.where(said[1] == 1, there.mean(), gone.mean())
        right[:, at] = np.where(np.isnan(said[1]), np.nan, np.where(agreed, scores[1][:, at], level))
    return Readable(scores[1], right, probability), lacking


def _said(study: Study, examples: Sequence[int], concept: int) -> np.ndarray:
    """Whether a concept holds for images, by their reports: 1, 0, or NaN where nobody knows."""
    relations = study.statements.relations(examples, [concept])[:, 0]
    return np.where(relations == UNKNOWN, np.nan, (relations == HOLDS).astype(np.float64))


def _holds_given(score: np.ndarray, there: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """The probability that a concept holds, by two normal distributions of one variance (linear discriminant)."""
    from scipy.special import expit

    variance = max((there.var() * len(there) + gone.var() * len(gone)) / (len(there) + len(gone)), 1e-12)
    apart, middle = there.mean() - gone.mean(), (there.mean() + gone.mean()) / 2
    found: np.ndarray = expit((score - middle) * apart / variance + np.log(len(there) / len(gone)))
    return found
