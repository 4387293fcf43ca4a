"""`predict zero-shot`: labels from sentences, over the stored vectors of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
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
from encoder.prediction.probe import FEWEST
from encoder.prediction.prompts import PromptSet
from encoder.prediction.published import CONTRAST, SPACE, Like, as_published, bank_of, published_prompts
from encoder.prediction.runs import check_name
from encoder.prediction.view import View, view_of
from encoder.prediction.zero_shot import Contrast, zero_shot_heads
from encoder.space.concept_matrices import check_embedded
from encoder.space.concept_space import open_space
from encoder.space.projection import Projector
from encoder.vectors.encoding import encode
from encoder.vectors.image_vectors import ImageVectors
from kb.engines.work import Engine
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.label_names import is_no_finding, plain_label
from kb.progress import Watcher
from kb.sql.label_key import label_names_of
from kb.vectors.embedding import Embedder, EmbeddingError
from schemas.terms import IMPORTED

Way = tuple[Space, Contrast]
"""One way to read sentences: in which space, and with or without those against a label."""

DEFAULT: Way = ("encoder", "absent")
"""Where no validation label can choose, of an encoder that was trained here.

General embedders hardly tell "no x" from "x" (cosine 0.8 and more): the difference of the two is mostly noise in the
LLM space, while an encoder's own text side was trained to hold them apart.
"""

DEFAULT_OF_RELEASE: Way = (SPACE, CONTRAST)
"""The same of the published encoder: as it was published."""


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
    like: Like | None = None,
    encode_first: bool = False,
    engine: Engine | None = None,
    watcher: Watcher | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> PredictResult:
    """Predict labels from sentences, in the LLM space or the encoder's own.

    What is not asked for, the space and whether sentences against a label count, is chosen by the mean AUROC on the
    validation images, where these have labels. Scores are calibrated there too, label by label. `like` "published" sets
    all of it at once, and nothing is chosen or calibrated; see `encoder.prediction.published`.

    Args:
        kb: the images, their labels and the vocabulary.
        checkpoint: whose images are read.
        prompts: the sentences.
        options: what all methods share.
        embedder: loads the vocabulary's embedder. That is tried before any concept is encoded.
        contrast: whether sentences against a label count.
        like: "published": as the CLEAR release does it.
        encode_first: encode the images that have no vector yet, once it is known that nothing else is lacking.
        engine: where they are encoded; None is this process. What is left, products of vectors, takes seconds here.
        watcher: hears how it goes.
        say: hears, before the work, what was taken because nothing could choose.

    Raises:
        UsageError: no image is encoded, no label is named or known, the encoder is a frozen backbone, or something
            else was asked for beside `like`.
        EmbeddingError: the embedder is not to be had, or a concept in use has no embedding.
    """
    checkpoint.check_text_side()
    if like is not None:
        options, contrast = as_published(options, prompts, contrast)
    if options.run is not None:
        check_name(kb, options.run, replace=options.replace)
    labels = wanted_labels(kb, options.labels, options.source)
    if not labels:
        raise UsageError("there are no labels here, and none is named", parameter="labels", need="labels")
    embedder = cache(embedder)
    spared = like is None and checkpoint.facts.embedder is None
    if encode_first:
        if options.space != "encoder" or not spared:
            _loaded(embedder, spared=spared)
            check_embedded(kb)
        encode(kb, checkpoint, engine=engine, by=options.by, why=options.why, dry_run=options.dry_run, watcher=watcher)
    images, told = chosen_images(kb, checkpoint.encoder_id, options)
    prompts = replace(prompts if like is None else published_prompts(labels), names=label_names_of(kb))
    truth = _truth_if_known(kb, images, labels, options.source)
    validation = images.numbers_of("validation")
    weighting = chosen_weighting(checkpoint, options.weights, options.space)
    ways, chosen_by = _ways(options.space, contrast, default_way(checkpoint)), []
    if len(ways) > 1 and not _can_choose(labels, truth[validation]):
        ways, chosen_by = ways[:1], [_nothing_chose(ways[0], checkpoint)]
        say(chosen_by[0])
    # The embedder may not be to be had, and to encode all concepts is the long work: it comes after.
    needs_embedder = checkpoint.facts.embedder is not None or any(space != "encoder" for space, _ in ways)
    loaded = _loaded(embedder, spared=spared) if needs_embedder else None
    space = open_space(kb, checkpoint, watcher, weighting=weighting)
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
        for way in ways
    }
    chosen, notes = _best(tried, len(validation))
    notes = [*chosen_by, *notes, *told]
    kept = tried[chosen]
    if like is None:
        heads, calibrated_labels = _calibrated(kept, validation, truth)
    else:
        heads, calibrated_labels = [replace(head, scale=1.0) for head in kept.heads], []
    if unknown := [label for label, known in zip(labels, ~np.isnan(truth).all(axis=0), strict=True) if not known]:
        notes.append(f"no image has a label called {', '.join(unknown)}: predicted all the same, judged by nothing")
    if like is not None:
        notes += bank_of(kb).notes
    elif raw := [head.label for head in kept.heads if head.label not in calibrated_labels]:
        notes.append(f"not calibrated (too few validation images, or they say the opposite): {', '.join(raw)}")
    if unmapped := [label for label in labels if label not in prompts.labels and not prompts.names.knows(label)]:
        notes.append(f"no finding is known by the name {', '.join(unmapped)}: the bare name is the sentence")
    parameters = {
        **({} if like is None else {"like": like}),
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


def default_way(checkpoint: Checkpoint) -> Way:
    """How sentences are read where nothing was asked for and no validation label can choose."""
    return DEFAULT_OF_RELEASE if checkpoint.facts.objective == IMPORTED else DEFAULT


def _ways(space: Space | None, contrast: Contrast | None, default: Way) -> list[Way]:
    """The ways to try: the default first, so that it wins where nothing can be measured."""
    spaces: tuple[Space, ...] = (space,) if space else ("encoder", "llm")
    contrasts: tuple[Contrast, ...] = (contrast,) if contrast else ("absent", "none")
    return sorted(product(spaces, contrasts), key=lambda way: way != default)


def _can_choose(labels: Sequence[str], truth: np.ndarray) -> bool:
    """Whether a finding of the validation images, (n, labels), has enough of either truth for an AUROC."""
    enough = np.minimum((truth == 1).sum(axis=0), (truth == 0).sum(axis=0)) >= FEWEST
    return any(known and not is_no_finding(label) for label, known in zip(labels, enough, strict=True))


def _nothing_chose(way: Way, checkpoint: Checkpoint) -> str:
    imported = checkpoint.facts.objective == IMPORTED
    why = "as published, for this encoder is imported" if imported and way == DEFAULT_OF_RELEASE else "by default"
    return (
        f"space {way[0]}, contrast {way[1]} {why}; nothing chose: no label has ten validation images that have it and "
        "ten that do not"
    )


def _calibrated(kept: _Tried, validation: Sequence[int], truth: np.ndarray) -> tuple[list[Head], list[str]]:
    """Heads as the validation images calibrate them, and the labels of those that they do."""
    fitted = [
        calibrated(head, kept.seen.part(validation).logits([head])[:, 0], truth[validation, column])
        for column, head in enumerate(kept.heads)
    ]
    heads = [new or head for new, head in zip(fitted, kept.heads, strict=True)]
    return heads, [head.label for head in fitted if head is not None]


def _loaded(embedder: Callable[[], Embedder], *, spared: bool) -> Embedder:
    """The embedder, now; `spared` says whether the encoder's own space could do without."""
    try:
        return embedder()
    except EmbeddingError as error:
        advice = " (space encoder needs no embedder)" if spared else ""
        raise EmbeddingError(f"{error}{advice}", need=error.need) from error


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
