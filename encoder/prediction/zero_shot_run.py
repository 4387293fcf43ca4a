"""`predict zero-shot`: labels from sentences, over the stored vectors of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.calibration import calibrated
from encoder.prediction.ground_truth import known_labels, read_truth, wanted_labels
from encoder.prediction.head import Head, Space
from encoder.prediction.predicting import (
    PredictOptions,
    PredictResult,
    auroc_of,
    chosen_images,
    chosen_weighting,
    finish,
    new_run,
)
from encoder.prediction.prompts import PromptSet
from encoder.prediction.view import View, view_of
from encoder.prediction.zero_shot import Contrast, zero_shot_heads
from encoder.space.concept_space import open_space
from encoder.space.projection import Projector
from encoder.vectors.image_vectors import ImageVectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import is_no_finding, plain_label
from kb.progress import Watcher
from kb.sql.label_key import label_names_of
from kb.vectors.embedding import Embedder

Way = tuple[Space, Contrast]
"""One way to read sentences: in which space, and with or without those against a label."""

DEFAULT: Way = ("encoder", "absent")
"""Where no validation label can choose.

General embedders hardly tell "no x" from "x" (cosine 0.8 and more): the difference of the two is mostly noise in the
LLM space, while an encoder's own text side was trained to hold them apart.
"""


@dataclass(frozen=True, eq=False)
class _Tried:
    """The heads of one way, images as they see them, and their mean AUROC on the validation images."""

    heads: list[Head]
    seen: View
    auroc: float | None


def predict_zero_shot(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    prompts: PromptSet,
    *,
    options: PredictOptions,
    embedder: Callable[[], Embedder],
    contrast: Contrast | None = None,
    watcher: Watcher | None = None,
) -> PredictResult:
    """Predict labels from sentences, in the LLM space or the encoder's own.

    What is not asked for, the space and whether sentences against a label count, is chosen by the mean AUROC on the
    validation images, where these have labels. Scores are calibrated there too, label by label.

    Raises:
        UsageError: no image is encoded, no label is named or known, or the encoder is a frozen backbone.
    """
    checkpoint.check_text_side()
    images, told = chosen_images(kb, checkpoint.encoder_id, options)
    prompts = replace(prompts, names=label_names_of(kb))
    labels = wanted_labels(kb, options.labels, options.source)
    if not labels:
        raise UsageError("there are no labels here, and none is named", parameter="labels", need="labels")
    truth = _truth_if_known(kb, images, labels, options.source)
    validation = images.numbers_of("validation")
    weighting = chosen_weighting(checkpoint, options.weights, options.space)
    space = open_space(kb, checkpoint, watcher, weighting=weighting)
    needs_embedder = options.space != "encoder" or checkpoint.facts.embedder is not None
    loaded = embedder() if needs_embedder else None
    tried = {
        way: _try(
            way,
            labels,
            prompts,
            checkpoint=checkpoint,
            embedder=loaded,
            images=images,
            truth=truth,
            validation=validation,
            projector=space.projector,
        )
        for way in _ways(options.space, contrast)
    }
    chosen, notes = _best(tried, len(validation))
    notes += told
    kept = tried[chosen]
    heads, calibrated_labels = [], []
    for column, head in enumerate(kept.heads):
        fitted = calibrated(head, kept.seen.part(validation).logits([head])[:, 0], truth[validation, column])
        heads.append(fitted or head)
        if fitted is not None:
            calibrated_labels.append(head.label)
    if unknown := [label for label, known in zip(labels, ~np.isnan(truth).all(axis=0), strict=True) if not known]:
        notes.append(f"no image has a label called {', '.join(unknown)}: predicted all the same, judged by nothing")
    if raw := [head.label for head in kept.heads if head.label not in calibrated_labels]:
        notes.append(f"not calibrated (too few validation images, or they say the opposite): {', '.join(raw)}")
    if unmapped := [label for label in labels if label not in prompts.labels and not prompts.names.knows(label)]:
        notes.append(f"no finding is known by the name {', '.join(unmapped)}: the bare name is the sentence")
    parameters = {
        "contrast": chosen[1],
        **({"weights": weighting} if chosen[0] == "llm" else {}),
        "prompts": {label: asdict(prompts.of(label)) for label in labels},
        "calibrated": calibrated_labels,
        "validation_auroc": {"-".join(way): found.auroc for way, found in tried.items()},
    }
    run = new_run(
        kb, "zero-shot", chosen[0], checkpoint=checkpoint, options=options, parameters=parameters, heads=heads
    )
    return finish(kb, run, images, seen=kept.seen, truth=truth, options=options, notes=notes, left_out={})


def _ways(space: Space | None, contrast: Contrast | None) -> list[Way]:
    """The ways to try: the default first, so that it wins where nothing can be measured."""
    spaces: tuple[Space, ...] = (space,) if space else ("encoder", "llm")
    contrasts: tuple[Contrast, ...] = (contrast,) if contrast else ("absent", "none")
    return sorted(product(spaces, contrasts), key=lambda way: way != DEFAULT)


def _try(
    way: Way,
    labels: Sequence[str],
    prompts: PromptSet,
    checkpoint: Checkpoint,
    embedder: Embedder | None,
    images: ImageVectors,
    truth: np.ndarray,
    validation: Sequence[int],
    projector: Projector,
) -> _Tried:
    space, contrast = way
    heads = zero_shot_heads(labels, prompts, space, checkpoint=checkpoint, embedder=embedder, contrast=contrast)
    seen = view_of(space, images.matrix, projector)
    if contrast == "none":
        # A sentence alone has no zero of its own: the mean image is where a score begins, and no external one moves it.
        own = images.numbers_of("internal") or images.numbers_of("all")
        heads = [replace(head, bias=-float(seen.along(head.weights)[own].mean())) for head in heads]
    found = [
        auroc
        for column, head in enumerate(heads)
        if not is_no_finding(head.label)
        and (auroc := auroc_of(seen.part(validation).logits([head])[:, 0], truth[validation, column])) is not None
    ]
    return _Tried(heads, seen, float(np.mean(found)) if found else None)


def _best(tried: Mapping[Way, _Tried], images: int) -> tuple[Way, list[str]]:
    """The way that does best on the validation images; says what was measured."""
    first = next(iter(tried))
    if len(tried) == 1:
        return first, []
    known = {way: found.auroc for way, found in tried.items() if found.auroc is not None}
    if not known:
        text = "nothing chose: no label has ten validation images that have it and ten that do not"
        return first, [f"space {first[0]}, contrast {first[1]} by default; {text}"]
    best = max(known, key=known.__getitem__)
    measured = ", ".join(f"{space} {contrast} {value:.3f}" for (space, contrast), value in known.items())
    text = f"space {best[0]}, contrast {best[1]}: the best mean AUROC on {images:,} validation images ({measured})"
    return best, [text]


def _truth_if_known(kb: KnowledgeBase, images: ImageVectors, labels: Sequence[str], source: str | None) -> np.ndarray:
    """The truth of labels if there is any; zero-shot also predicts what nobody has labelled."""
    known = {plain_label(label) for label in known_labels(kb, source)}
    truth = np.full((len(images), len(labels)), np.nan)
    columns = [column for column, label in enumerate(labels) if plain_label(label) in known]
    if columns:
        truth[:, columns] = read_truth(kb, images, [labels[column] for column in columns], source=source)
    return truth
