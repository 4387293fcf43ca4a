"""The functions that `import encoder` offers: what the encoder's commands do, for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encoder.evaluation.adjusting import Adjust
from encoder.evaluation.evaluate import evaluate as evaluate_runs
from encoder.evaluation.evaluation import Evaluation
from encoder.evaluation.options import Options
from encoder.evaluation.thresholds import ThresholdBy
from encoder.explanation.explanation import Explainer, Explanation
from encoder.explanation.image_search import ImageSearch, SearchSpace
from encoder.explanation.image_search import search_images as search_encoded
from encoder.model.architecture import Levels
from encoder.model.backbones.choice import BackboneChoice
from encoder.model.backbones.pooling import Pooling
from encoder.prediction.bottleneck_run import predict_bottleneck as run_bottleneck
from encoder.prediction.concept_review import Review
from encoder.prediction.predicting import PredictOptions, PredictResult
from encoder.prediction.probe_run import predict_probe as run_probe
from encoder.prediction.prompts import PromptSet
from encoder.prediction.published import Like
from encoder.prediction.runs import only_run, read_run
from encoder.prediction.view import Space
from encoder.prediction.zero_shot import Contrast
from encoder.prediction.zero_shot_run import predict_zero_shot as run_zero_shot
from encoder.space.weighting import Weighting
from encoder.training.config import TrainConfig, read_config
from encoder.validation.result import Validation
from encoder.validation.validate import validate as validate_models
from encoder.vectors.encoders import find_checkpoint, find_encoder
from encoder.vectors.encoding import EncodeResult, Layer
from encoder.vectors.encoding import encode as encode_images
from encoder.vectors.frozen import FrozenEncoding
from encoder.vectors.frozen import encode_backbone as encode_frozen
from encoder.vectors.precision import Asked
from kb.engines.work import Engine
from kb.images.patient_split import Part
from kb.images.preprocessing import Fit, Resample
from kb.images.view_choice import FRONTAL
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher
from kb.vectors.embedding import Embedder, load_stored_embedder

if TYPE_CHECKING:
    from encoder.training.train_result import TrainResult


def train(
    base: KnowledgeBase,
    out: str | Path,
    *,
    config: TrainConfig | str = "one-gpu",
    values: Mapping[str, Any] | None = None,
    resume: bool = False,
    device: str | None = None,
    track: Sequence[str] = (),
    watcher: Watcher | None = None,
) -> TrainResult | None:
    """Train an image encoder on the images that have reports, against the vocabulary.

    Args:
        base: the images, their reports and the vocabulary.
        out: the checkpoint's folder.
        config: "cpu-demo", "one-gpu", "many-gpus", a YAML file, or a configuration that was read.
        values: any of its values anew: {"epochs": 3, "augment": {"rotate": 3}, "start": "encoder"}.
        resume: go on with the interrupted training in `out`.
        device: default: the GPU of this process, else the processor.
        track: trackers that hear of every step: tensorboard, wandb, mlflow.
        watcher: hears of every step.

    Returns:
        What it came to; None on the processes that do not lead.

    Raises:
        UsageError: no image has a report, pixels are missing, a split is empty, or `out` is taken.
        EmbeddingError: a concept that is trained against has no embedding.
    """
    from encoder.training.trainer import train as train_encoder

    given = dict(values or {})
    chosen = read_config(config, given.get("start")) if isinstance(config, str) else config
    return train_encoder(
        base, chosen.with_values(given), Path(out), resume=resume, device=device, track=track, watcher=watcher
    )


def encode(
    base: KnowledgeBase,
    encoder: str | None = None,
    *,
    layer: Layer = "projection",
    where: str | None = None,
    batch_size: int = 64,
    device: str | None = None,
    precision: Asked = "auto",
    again: bool = False,
    engine: Engine | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> EncodeResult:
    """Encode the images that have no vector of an encoder yet.

    Args:
        base: where the images are and the vectors go; it stands on the new commit afterwards.
        encoder: the folder of a checkpoint, or its id; not needed if vectors of one encoder only are stored.
        layer: "projection" for vectors of the shared space, "backbone" for what lies before it.
        where: SQL over the columns of `images` that chooses some of them.
        batch_size: images a forward pass.
        device: default: the best there is.
        precision: "float32" or "bfloat16"; "auto" is that of its vectors that are there, else float32.
        again: encode all images, in place of all vectors of the encoder.
        engine: where (see `kb.open_engine`); default: this process.
        by: who.
        why: the reason.
        dry_run: count, and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: there are no such images, pixels are missing, or its vectors here are of another precision.
    """
    return encode_images(
        base,
        find_checkpoint(base, encoder),
        layer=layer,
        where=where,
        batch_size=batch_size,
        device=device,
        precision=precision,
        again=again,
        engine=engine,
        by=by,
        why=why,
        dry_run=dry_run,
        watcher=watcher,
    )


def encode_backbone(
    base: KnowledgeBase,
    backbone: str,
    *,
    revision: str | None = None,
    architecture: str | None = None,
    pooling: Pooling = "auto",
    size: int | None = None,
    fit: Fit = "pad",
    resample: Resample | None = None,
    mean: Levels | None = None,
    deviation: Levels | None = None,
    out: str | Path | None = None,
    where: str | None = None,
    batch_size: int = 64,
    device: str | None = None,
    precision: Asked = "auto",
    again: bool = False,
    engine: Engine | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> FrozenEncoding:
    """Encode images by a pretrained backbone as it is: an encoder of its own, without a training.

    Args:
        base: where the images are and the vectors go; it stands on the new commit afterwards.
        backbone: a name on a hub, a folder (of transformers, timm or open_clip), "timm:NAME", "torchvision:NAME", or a
            file of weights.
        revision: of a name on a hub.
        architecture: of a file of weights, "timm:NAME" or "torchvision:NAME"; not needed for CLIP's ViT.
        pooling: what becomes the vector: "auto", "class", "mean", "attention" or "pooler".
        size: pixels of a side; default: what the backbone was made for.
        fit: what became of oblong pictures, as ingested.
        resample: the filter that they were scaled with, as ingested; default: the backbone's own, where there is it.
        mean: grey level that is taken off, for all channels or each; default: the backbone's own, else MIMIC-CXR's.
        deviation: grey levels that become 1, likewise.
        out: the folder of its checkpoint; default: one in the user's cache.
        where: SQL over the columns of `images` that chooses some of them.
        batch_size: images a forward pass.
        device: default: the best there is.
        precision: of its vectors; auto: as those that are here, else float32.
        again: encode all images, in place of all vectors of this encoder.
        engine: where (see `kb.open_engine`); default: this process.
        by: who.
        why: the reason.
        dry_run: count, and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: the backbone does not take such pictures, there are no such images, or pixels are missing.
        ClearKbError: the backbone is not to be had.
    """
    return encode_frozen(
        base,
        BackboneChoice(name=backbone, revision=revision, architecture=architecture, pooling=pooling, size=size),
        fit=fit,
        resample=resample,
        mean=mean,
        deviation=deviation,
        out=None if out is None else Path(out),
        where=where,
        batch_size=batch_size,
        device=device,
        precision=precision,
        again=again,
        engine=engine,
        by=by,
        why=why,
        dry_run=dry_run,
        watcher=watcher,
    )


def predict_zero_shot(
    base: KnowledgeBase,
    *,
    labels: Sequence[str] = (),
    prompts: PromptSet | None = None,
    space: Space | None = None,
    weights: Weighting | None = None,
    contrast: Contrast | None = None,
    like: Like | None = None,
    encode_first: bool = False,
    engine: Engine | None = None,
    run: str | None = None,
    encoder: str | None = None,
    source: str | None = None,
    views: str = FRONTAL,
    replace: bool = False,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> PredictResult:
    """Predict labels from sentences that say they hold, and that they do not; nothing is trained.

    Args:
        base: the knowledge base; it stands on the new commit afterwards.
        labels: which; default: all that are known.
        prompts: the sentences; default: "{x}" against "no {x}".
        space: "encoder" or "llm"; default: the better one on the validation images.
        weights: of the concepts in the LLM space: "each" counts once, or each "finding"; default: "finding" for an
            encoder trained against concepts, else "each".
        contrast: whether sentences against a label count; default: as for the space.
        like: "published": space, contrast, weights, sentences and scale of the published zero-shot, all at once.
        encode_first: encode the images that have no vector yet, once it is known that nothing else is lacking.
        engine: where they are encoded (see `kb.open_engine`); default: this process.
        run: the name of the run; default: the method and the space.
        encoder: the folder of a checkpoint, or its id.
        source: the source of labels to go by.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        replace: whether a run of that name may be replaced.
        by: who.
        why: the reason.
        dry_run: compute, and write nothing.
        watcher: hears how it goes.
        say: hears, before the work, what was taken because nothing could choose.

    Raises:
        UsageError: no image is encoded, no label is named or known, or something else was asked for beside `like`.
        EmbeddingError: the vocabulary's embedder is not to be had, or a concept has no embedding.
    """
    options = _options(
        run,
        labels,
        source,
        views,
        space=space,
        weights=weights,
        replace=replace,
        by=by,
        why=why,
        dry_run=dry_run,
    )
    return run_zero_shot(
        base,
        find_checkpoint(base, encoder, text_side=True),
        prompts or PromptSet(),
        options=options,
        embedder=lambda: _stored_embedder(base),
        contrast=contrast,
        like=like,
        encode_first=encode_first,
        engine=engine,
        watcher=watcher,
        say=say,
    )


def predict_probe(
    base: KnowledgeBase,
    *,
    labels: Sequence[str] = (),
    space: Space = "encoder",
    weights: Weighting | None = None,
    run: str | None = None,
    encoder: str | None = None,
    source: str | None = None,
    views: str = FRONTAL,
    replace: bool = False,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> PredictResult:
    """Train a linear probe of each label on the training patients, and predict all images with it.

    Args:
        base: the knowledge base; it stands on the new commit afterwards.
        labels: which; default: all that are known.
        space: "encoder", "llm" (projected through the vocabulary) or "backbone".
        weights: of the concepts in the LLM space: "each" counts once, or each "finding"; default: "finding" for an
            encoder trained against concepts, else "each".
        run: the name of the run; default: the method and the space.
        encoder: the folder of a checkpoint, or its id.
        source: the source of labels to go by.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        replace: whether a run of that name may be replaced.
        by: who.
        why: the reason.
        dry_run: compute, and write nothing.

    Raises:
        UsageError: no image is encoded, or there are no labels.
    """
    options = _options(
        run,
        labels,
        source,
        views,
        space=space,
        weights=weights,
        replace=replace,
        by=by,
        why=why,
        dry_run=dry_run,
    )
    return run_probe(base, find_checkpoint(base, encoder), options)


def predict_bottleneck(
    base: KnowledgeBase,
    *,
    labels: Sequence[str] = (),
    count: int = 12,
    concept_ids: Sequence[str] | None = None,
    review: Review | None = None,
    resamples: int = 20,
    run: str | None = None,
    encoder: str | None = None,
    source: str | None = None,
    views: str = FRONTAL,
    replace: bool = False,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> PredictResult:
    """Train a concept bottleneck of each label: a few named concepts, and what they cost against a probe.

    Args:
        base: the knowledge base; it stands on the new commit afterwards.
        labels: which; default: all that are known.
        count: concepts that are offered to a label.
        concept_ids: these concepts, as a curator chose them; default: chosen by data.
        review: a curator's decisions (`encoder.prediction.concept_review.read_review`), within which data choose.
        resamples: of the training patients, to say how often each concept is chosen again; 0: it is not said.
        run: the name of the run; default: the method and the space.
        encoder: the folder of a checkpoint, or its id.
        source: the source of labels to go by.
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        replace: whether a run of that name may be replaced.
        by: who.
        why: the reason.
        dry_run: compute, and write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: no image is encoded, there are no labels, or a concept is not in use.
    """
    options = _options(run, labels, source, views, space=None, replace=replace, by=by, why=why, dry_run=dry_run)
    return run_bottleneck(
        base,
        find_checkpoint(base, encoder),
        options,
        count=count,
        concept_ids=concept_ids,
        review=review,
        resamples=resamples,
        watcher=watcher,
    )


def evaluate(
    base: KnowledgeBase,
    runs: Sequence[str] = (),
    *,
    labels: Sequence[str] = (),
    split: Part | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    source: str | None = None,
    min_positives: int = 10,
    bootstrap: int = 1000,
    seed: int = 0,
    threshold_by: ThresholdBy = "youden",
    threshold_from: str | float = "auto",
    against: str | None = None,
    readers: str | Path | Sequence[str | Path] | None = None,
    by: str | None = None,
    adjust: Adjust | None = None,
) -> Evaluation:
    """Score runs against the labels: AUROC, AUPRC, F1, MCC, calibration, with 95% intervals.

    Args:
        base: the knowledge base, at any commit.
        runs: their names; default: all.
        labels: these only; default: all that the runs predict.
        split: default: "test" for runs of an encoder that was trained here, else "all"; and "external" apart, if any.
        where: SQL over the images: "sex = 'F' AND age > 60".
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        source: the source of labels to go by, if several contradict each other.
        min_positives: labels with fewer positives, or negatives, are left out.
        bootstrap: resamples of the patients; 0: only intervals that need none.
        seed: of the resamples.
        threshold_by: what a threshold is chosen by.
        threshold_from: "auto": given with the run, else of a validation, else cross-fitted; one of these by its name;
            "target:sensitivity=0.9" for what is to be reached; the name of another run, or the threshold itself.
        against: a run that each of them is compared with, on the rows of both.
        readers: "stored" for the readings that are kept with labels, a source of some, or files of them.
        by: what rows are grouped by: site, source, view, sex, age_band, month, or any attribute.
        adjust: how the p values that are shown are adjusted for their number: "holm" or "bh"; default: not.

    Raises:
        UsageError: there is no such run, label or source.

    Example:
        >>> round(encoder.evaluate(base, ["theirs"], bootstrap=0).get("theirs", "edema").values["auroc"], 3)
        0.98
    """
    options = Options(
        labels=labels,
        split=split,
        where=where,
        views=views,
        source=source,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
        threshold_by=threshold_by,
        threshold_from=threshold_from,
    )
    return evaluate_runs(base, runs, options, against=against, readers=readers, by=by, adjust=adjust)


def validate(
    base: KnowledgeBase,
    runs: Sequence[str] = (),
    *,
    seeds: Mapping[str, Sequence[str]] | None = None,
    sites: Sequence[str] = (),
    by: str = "site",
    baseline: str | None = None,
    labels: Sequence[str] = (),
    split: Part | None = None,
    where: str | None = None,
    views: str = FRONTAL,
    source: str | None = None,
    readers: str | Path | Sequence[str | Path] | None = None,
    min_positives: int = 10,
    bootstrap: int = 1000,
    seed: int = 0,
    adjust: Adjust | None = "holm",
) -> Validation:
    """Validate models at each site by itself: AUROC by label and as mean, with intervals and paired tests.

    Args:
        base: the knowledge base, at any commit.
        runs: models of one run each; default: all runs, unless there are models of several.
        seeds: models of several runs that differ in their seed: {"ours": ["ours-0", "ours-1"]}.
        sites: these only; default: all.
        by: what a site is: site, source, view, sex, age_band, month, or any attribute.
        baseline: the model that all others are tested against.
        labels: these only; default: all that the runs predict.
        split: default: "test" for runs of an encoder that was trained here, else "all"; and "external" apart, if any.
        where: SQL over the images: "sex = 'F' AND age > 60".
        views: of the images: "frontal" (PA, AP and unknown), "all", or some ("PA,AP", "lateral").
        source: the source of labels to go by, if several contradict each other.
        readers: "stored" for the readings that are kept with labels, a source of some, or files of them.
        min_positives: labels with fewer positives, or negatives, are left out.
        bootstrap: resamples of the patients of a site; 0: only intervals that need none.
        seed: of the resamples.
        adjust: how the p values are adjusted for their number: "holm", "bh" or not.

    Raises:
        UsageError: there is no such run, model, site or label.

    Example:
        >>> encoder.validate(base, ["theirs"], bootstrap=0).rows[0].auroc
        0.98
    """
    options = Options(
        labels=labels,
        split=split,
        where=where,
        views=views,
        source=source,
        min_positives=min_positives,
        bootstrap=bootstrap,
        seed=seed,
    )
    return validate_models(
        base,
        runs,
        options,
        seeds=seeds,
        sites=sites,
        by=by,
        baseline=baseline,
        readers=readers,
        adjust=adjust,
    )


def explain(
    base: KnowledgeBase,
    image: str,
    label: str,
    *,
    run: str | None = None,
    encoder: str | None = None,
    top: int = 10,
    evidence: int = 1,
    absolute: bool = False,
) -> Explanation:
    """Take one prediction apart: what each concept adds to its logit, and the report sentences behind it.

    Args:
        base: the knowledge base.
        image: the id of an encoded image.
        label: that the run predicts.
        run: its name; default: the only one of the encoder.
        encoder: the folder of a checkpoint, or its id.
        top: contributions and findings that are listed.
        evidence: report sentences of each.
        absolute: scores as they are, not against the mean image.

    Raises:
        UsageError: the image is not encoded, or the run does not predict the label.
    """
    checkpoint = find_checkpoint(base, encoder or (read_run(base, run).encoder if run else None), text_side=True)
    explainer = Explainer(base, checkpoint, run or only_run(base, checkpoint.encoder_id))
    return explainer.explain(image, label, top=top, evidence=evidence, absolute=absolute)


def search_images(
    base: KnowledgeBase,
    query: str,
    *,
    k: int = 12,
    space: SearchSpace = "encoder",
    encoder: str | None = None,
) -> ImageSearch:
    """The encoded images nearest to a sentence, a concept, or another image.

    Args:
        base: where to search.
        query: the id of an image, the id or text of a concept, or any sentence.
        k: how many at most.
        space: the encoder's own, or the LLM space that images are projected into.
        encoder: the folder of a checkpoint, its id, or the name of vectors from elsewhere.

    Raises:
        UsageError: nothing is encoded or embedded, or there is no such image or concept.
    """
    return search_encoded(
        base, find_encoder(base, encoder), query, space=space, k=k, embedder=lambda: _stored_embedder(base)
    )


def _options(
    run: str | None,
    labels: Sequence[str],
    source: str | None,
    views: str,
    *,
    space: Space | None,
    weights: Weighting | None = None,
    replace: bool,
    by: str | None,
    why: str | None,
    dry_run: bool,
) -> PredictOptions:
    return PredictOptions(
        run=run,
        labels=labels,
        source=source,
        views=views,
        space=space,
        weights=weights,
        replace=replace,
        by=by,
        why=why,
        dry_run=dry_run,
    )


def _stored_embedder(base: KnowledgeBase) -> Embedder:
    return load_stored_embedder(base.require_embedder())
