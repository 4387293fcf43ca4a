"""`predict probe`: a linear probe of each label, over the stored vectors of an encoder."""

from __future__ import annotations

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.ground_truth import read_truth, wanted_labels
from encoder.prediction.head import Space
from encoder.prediction.predicting import (
    TOO_FEW,
    PredictOptions,
    PredictResult,
    check_some,
    chosen_images,
    chosen_weighting,
    finish,
    new_run,
    training_parts,
)
from encoder.prediction.probe import fit_probe
from encoder.prediction.view import view_of
from encoder.space.concept_space import open_space
from encoder.vectors.encoding import BACKBONE
from kb.knowledge_base import KnowledgeBase


def predict_probe(kb: KnowledgeBase, checkpoint: Checkpoint, options: PredictOptions) -> PredictResult:
    """Train a linear probe of each label on the training patients, and predict all images with it.

    Raises:
        UsageError: no image is encoded, or there are no labels.
    """
    space: Space = options.space or "encoder"
    encoder = checkpoint.encoder_id + (BACKBONE if space == "backbone" else "")
    images, told = chosen_images(kb, encoder, options)
    weighting = chosen_weighting(checkpoint, options.weights, space)
    projector = open_space(kb, checkpoint, weighting=weighting).projector if space == "llm" else None
    seen = view_of(space, images.matrix, projector)
    labels = wanted_labels(kb, options.labels, options.source)
    truth = read_truth(kb, images, labels, source=options.source)
    heads, left_out = [], {}
    for column, label in enumerate(labels):
        head = fit_probe(label, *training_parts(images, seen, truth[:, column]))
        if head is None:
            left_out[label] = TOO_FEW
        else:
            heads.append(seen.head(label, head.weights, head.bias))
    check_some(heads, left_out)
    kept = [labels.index(head.label) for head in heads]
    run = new_run(
        kb,
        "probe",
        space,
        checkpoint=checkpoint,
        options=options,
        parameters={"features": seen.matrix.shape[1], **({"weights": weighting} if space == "llm" else {})},
        heads=heads,
        encoder=encoder,
    )
    return finish(kb, run, images, seen=seen, truth=truth[:, kept], options=options, notes=told, left_out=left_out)
