"""`predict zero-shot`: labels from sentences, over the stored vectors of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from encoder.concept_space import open_space
from encoder.image_vectors import ImageVectors, read_image_vectors
from encoder.prediction.calibration import calibrated
from encoder.prediction.head import Head, Space, features, logits
from encoder.prediction.predicting import PredictOptions, PredictResult, auroc_of, finish, new_run
from encoder.prediction.prompts import PromptSet
from encoder.prediction.truth import known_labels, read_truth, wanted_labels
from encoder.prediction.zero_shot import zero_shot_heads
from kb.errors import UsageError
from kb.watcher import Watcher

if TYPE_CHECKING:
    import numpy as np

    from encoder.checkpoint import Checkpoint
    from encoder.projection import Projector
    from kb.embedding import Embedder
    from kb.knowledge_base import KnowledgeBase

DEFAULT_SPACE: Space = "encoder"
"""Where zero-shot predicts when no validation labels can choose: general embedders hardly tell "no x" from "x"."""


def predict_zero_shot(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    prompts: PromptSet,
    options: PredictOptions,
    embedder: Callable[[], Embedder],
    watcher: Watcher | None = None,
) -> PredictResult:
    """Predict labels from sentences, in the LLM space or the encoder's own.

    Where no space is asked for and the validation images have labels, both are measured there and the better one is
    taken. Scores are calibrated on the validation images, label by label, where these have enough of it.

    Raises:
        UsageError: no image is encoded, or no label is named or known.
    """
    images = read_image_vectors(kb, checkpoint.encoder_id)
    labels = wanted_labels(kb, options.labels, options.source)
    if not labels:
        raise UsageError("which labels? name them with --label, or `clear-kb ingest labels FILE`")
    truth = _truth_if_known(kb, images, labels, options.source)
    space = open_space(kb, checkpoint, watcher)
    needs_embedder = options.space != "encoder" or checkpoint.facts.embedder is not None
    loaded = embedder() if needs_embedder else None
    tried: dict[Space, list[Head]] = {
        name: zero_shot_heads(labels, prompts, name, checkpoint, loaded)
        for name in ((options.space,) if options.space else ("encoder", "llm"))
    }
    validation = [n for n, split in enumerate(images.splits) if split == "validation"]
    chosen, notes = _better_space(tried, images, truth, validation, space.projector)
    seen = features(chosen, images.matrix, space.projector)
    heads = []
    for column, head in enumerate(tried[chosen]):
        fitted = calibrated(head, logits([head], seen[validation])[:, 0], truth[validation, column])
        if fitted is None:
            notes.append(f"{head.label}: not calibrated, for there are too few validation images with this label")
        heads.append(fitted or head)
    parameters = {
        "prompts": {label: asdict(prompts.of(label)) for label in labels},
        "calibrated": [head.label for head, raw in zip(heads, tried[chosen], strict=True) if head is not raw],
    }
    run = new_run(kb, "zero-shot", chosen, checkpoint, options, parameters, heads)
    return finish(kb, run, images, seen, truth, options, notes, {})


def _better_space(
    tried: Mapping[Space, list[Head]],
    images: ImageVectors,
    truth: np.ndarray,
    validation: Sequence[int],
    projector: Projector,
) -> tuple[Space, list[str]]:
    """The space whose heads do better on the validation images; says what was measured."""
    import numpy as np

    if len(tried) == 1:
        return next(iter(tried)), []
    worth: dict[Space, float] = {}
    for space, heads in tried.items():
        seen = features(space, images.matrix[list(validation)], projector)
        found = [
            auroc
            for column, head in enumerate(heads)
            if (auroc := auroc_of(logits([head], seen)[:, 0], truth[list(validation), column])) is not None
        ]
        if found:
            worth[space] = float(np.mean(found))
    if not worth:
        return DEFAULT_SPACE, [f"space {DEFAULT_SPACE}: no validation image has a label that could choose"]
    best = max(worth, key=worth.__getitem__)
    measured = ", ".join(f"{space} {value:.3f}" for space, value in worth.items())
    return best, [f"space {best}: mean AUROC on {len(validation):,} validation images: {measured}"]


def _truth_if_known(kb: KnowledgeBase, images: ImageVectors, labels: Sequence[str], source: str | None) -> np.ndarray:
    """The truth of labels where there is any; zero-shot also predicts what nobody has labelled."""
    import numpy as np

    known = set(known_labels(kb, source))
    truth = np.full((len(images), len(labels)), np.nan)
    columns = [column for column, label in enumerate(labels) if label in known]
    if columns:
        truth[:, columns] = read_truth(kb, images, [labels[column] for column in columns], source)
    return truth
