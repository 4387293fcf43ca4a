"""`predict bottleneck`: a few named concepts for each label, and what they cost against all of the image vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck import Bottleneck
from encoder.prediction.concept_directions import concept_directions
from encoder.prediction.concept_review import Review
from encoder.prediction.gap import auroc_gap
from encoder.prediction.ground_truth import read_truth, wanted_labels
from encoder.prediction.head import Head
from encoder.prediction.offer import Chooser, with_stability
from encoder.prediction.predicting import (
    TOO_FEW,
    PredictOptions,
    PredictResult,
    auroc_of,
    check_some,
    chosen_images,
    finish,
    new_run,
    training_parts,
)
from encoder.prediction.view import View, view_of
from encoder.vectors.image_vectors import ImageVectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Silent, Watcher


def predict_bottleneck(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    options: PredictOptions,
    *,
    count: int = 12,
    concept_ids: Sequence[str] | None = None,
    review: Review | None = None,
    resamples: int = 0,
    watcher: Watcher | None = None,
) -> PredictResult:
    """Train a concept bottleneck of each label, and say what it costs against a probe of all of the image vector.

    Args:
        kb: the knowledge base.
        checkpoint: the encoder.
        options: what all methods share; the space is the encoder's.
        count: concepts that are offered to a label.
        concept_ids: these concepts, as a curator chose them; default: chosen by data.
        review: a curator's decisions, within which data choose.
        resamples: of the training patients, to say how often each concept is chosen again; 0: it is not said.
        watcher: hears how it goes.

    Raises:
        UsageError: no image is encoded, there are no labels, or a concept is not in use.
    """
    if options.space not in (None, "encoder"):
        raise UsageError("a concept bottleneck reads the concepts' scores: there is no space to choose")
    watcher = watcher or Silent()
    images, told = chosen_images(kb, checkpoint.encoder_id, options)
    space = concept_directions(kb, checkpoint, watcher)
    labels = wanted_labels(kb, options.labels, options.source)
    truth = read_truth(kb, images, labels, source=options.source)
    seen = view_of("encoder", images.matrix, None)
    train = images.numbers_of("train")
    covariance = np.cov(images.matrix[train].astype(np.float64).T)
    listed = None if concept_ids is None else [space.place(concept_id) for concept_id in concept_ids]
    chooser = Chooser(space=space, count=count, review=review or Review(), listed=listed)
    bottlenecks: list[Bottleneck] = []
    probes: list[Head] = []
    validation, left_out = [], {}
    for column, label in enumerate(labels):
        parts = training_parts(images, seen, truth[:, column])
        found = chooser.fit(label, *parts, covariance)
        if found is None:
            left_out[label] = TOO_FEW
            continue
        probes.append(found[0])
        bottlenecks.append(found[1])
        validation.append(parts[1])
    check_some([bottleneck.head for bottleneck in bottlenecks], left_out)
    kept = [labels.index(bottleneck.label) for bottleneck in bottlenecks]
    learned_from = training_parts(images, seen, truth[:, kept[0]])[0]
    bottlenecks = with_stability(
        bottlenecks, chooser, learned_from, truth[train][:, kept], validation, resamples=resamples, watcher=watcher
    )
    heads = [bottleneck.head for bottleneck in bottlenecks]
    parameters = {
        "offered": "a list" if listed is not None else count,
        "resamples": resamples,
        "bottlenecks": {bottleneck.label: bottleneck.to_dict() for bottleneck in bottlenecks},
    }
    run = new_run(
        kb, "bottleneck", "encoder", checkpoint=checkpoint, options=options, parameters=parameters, heads=heads
    )
    result = finish(
        kb, run, images, seen=seen, truth=truth[:, kept], options=options, notes=[*told, *space.told], left_out=left_out
    )
    _add_gaps(result, images, seen, truth=truth[:, kept], probes=probes, bottlenecks=bottlenecks)
    _add_notes(result, review or Review(), resamples)
    return result


def _add_gaps(
    result: PredictResult,
    images: ImageVectors,
    seen: View,
    truth: np.ndarray,
    probes: Sequence[Head],
    bottlenecks: Sequence[Bottleneck],
) -> None:
    """Say of each label and part what the unrestricted probe reaches, and how much more: a paired interval."""
    by_label = {bottleneck.label: at for at, bottleneck in enumerate(bottlenecks)}
    for row in result.rows:
        column = by_label[row["label"]]
        judged = images.numbers_of(row["split"]) if row["auroc"] is not None else []
        row["probe_auroc"] = row["gap"] = row["gap_low"] = row["gap_high"] = None
        if judged:
            free, own = seen.part(judged).logits([probes[column], bottlenecks[column].head]).T
            known = truth[judged, column]
            row["probe_auroc"] = auroc_of(free, known)
            row["gap"] = row["probe_auroc"] - row["auroc"]
            if (spread := auroc_gap(known, free, own, [images.patients[n] for n in judged])) is not None:
                row["gap_low"], row["gap_high"] = spread.low, spread.high
        row["concepts"] = len(bottlenecks[column].concepts)
    result.bottlenecks.extend(bottlenecks)


def _add_notes(result: PredictResult, review: Review, resamples: int) -> None:
    """Say what was decided and came to nothing, and how the figures are meant."""
    result.notes.append(
        "gap: what a probe of all of the image vector ranks better by, with 95% of the patient bootstrap of both"
    )
    if resamples:
        result.notes.append(
            f"selected: the share of {resamples} resamples of the training patients in which a concept was chosen and "
            "weighed again; alike: it, or one whose score goes along with it"
        )
    for bottleneck in result.bottlenecks:
        weighed = {one.concept_id for one in bottleneck.concepts}
        accepted = (one for one in review.of(bottleneck.label) if one.status == "accepted")
        without = [one.concept for one in accepted if one.concept_id not in weighed]
        if without:
            result.notes.append(f"{bottleneck.label}: accepted, and without a weight: {', '.join(without)}")
