"""`predict bottleneck`: a few named concepts for each label, and what they cost against all of the image vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck import Bottleneck, choose_concepts, fit_bottleneck
from encoder.prediction.concept_directions import ConceptDirections, concept_directions
from encoder.prediction.ground_truth import read_truth, wanted_labels
from encoder.prediction.head import Head
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
from encoder.prediction.probe import fit_probe
from encoder.prediction.view import View, view_of
from encoder.vectors.image_vectors import ImageVectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher


def predict_bottleneck(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    options: PredictOptions,
    *,
    count: int = 12,
    concept_ids: Sequence[str] | None = None,
    watcher: Watcher | None = None,
) -> PredictResult:
    """Train a concept bottleneck of each label, and say what it costs against a probe of all of the image vector.

    Args:
        kb: the knowledge base.
        checkpoint: the encoder.
        options: what all methods share; the space is the encoder's.
        count: concepts that are offered to a label.
        concept_ids: these concepts, as a curator chose them; default: chosen by data.
        watcher: hears how it goes.

    Raises:
        UsageError: no image is encoded, there are no labels, or a concept is not in use.
    """
    if options.space not in (None, "encoder"):
        raise UsageError("a concept bottleneck reads the concepts' scores: there is no space to choose")
    images, told = chosen_images(kb, checkpoint.encoder_id, options)
    space = concept_directions(kb, checkpoint, watcher)
    labels = wanted_labels(kb, options.labels, options.source)
    truth = read_truth(kb, images, labels, source=options.source)
    seen = view_of("encoder", images.matrix, None)
    train = images.numbers_of("train")
    covariance = np.cov(images.matrix[train].astype(np.float64).T)
    listed = None if concept_ids is None else _places(space, concept_ids)
    bottlenecks, probes, left_out = [], [], {}
    for column, label in enumerate(labels):
        parts = training_parts(images, seen, truth[:, column])
        probe = fit_probe(label, *parts)
        places = listed
        if probe is not None and places is None:
            places = choose_concepts(space.vectors, probe.weights, covariance, count=count)
        if probe is None or not places:
            left_out[label] = TOO_FEW
            continue
        found = fit_bottleneck(
            label, np.asarray(space.vectors[places]), _concepts(space, places), train=parts[0], validation=parts[1]
        )
        assert found is not None
        bottlenecks.append(found)
        probes.append(probe)
    heads = [bottleneck.head for bottleneck in bottlenecks]
    check_some(heads, left_out)
    kept = [labels.index(head.label) for head in heads]
    parameters = {
        "offered": "a list" if listed is not None else count,
        "bottlenecks": {bottleneck.label: bottleneck.to_dict() for bottleneck in bottlenecks},
    }
    run = new_run(
        kb, "bottleneck", "encoder", checkpoint=checkpoint, options=options, parameters=parameters, heads=heads
    )
    result = finish(
        kb, run, images, seen=seen, truth=truth[:, kept], options=options, notes=[*told, *space.told], left_out=left_out
    )
    _add_gaps(result, images, seen, truth=truth[:, kept], probes=probes, bottlenecks=bottlenecks)
    return result


def _add_gaps(
    result: PredictResult,
    images: ImageVectors,
    seen: View,
    truth: np.ndarray,
    probes: Sequence[Head],
    bottlenecks: Sequence[Bottleneck],
) -> None:
    by_label = {bottleneck.label: at for at, bottleneck in enumerate(bottlenecks)}
    for row in result.rows:
        column = by_label[row["label"]]
        judged = images.numbers_of(row["split"]) if row["auroc"] is not None else []
        free = auroc_of(seen.part(judged).logits([probes[column]])[:, 0], truth[judged, column]) if judged else None
        row["probe_auroc"] = free
        row["gap"] = None if free is None else free - row["auroc"]
        row["concepts"] = len(bottlenecks[column].concepts)
    result.bottlenecks.extend(bottlenecks)


def _places(space: ConceptDirections, concept_ids: Sequence[str]) -> list[int]:
    return [space.place(concept_id) for concept_id in concept_ids]


def _concepts(space: ConceptDirections, places: Sequence[int]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = space.concepts.take(list(places)).select(["concept_id", "text"]).to_pylist()
    return rows
