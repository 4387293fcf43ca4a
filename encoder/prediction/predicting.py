"""What all ways to predict share: their options, their result, and how a run is finished and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck import Bottleneck
from encoder.prediction.head import Head, Space
from encoder.prediction.judged import chosen_on, moved_images, parts_of, warnings
from encoder.prediction.probe import FEWEST, Examples
from encoder.prediction.runs import Run, check_name, store_run
from encoder.prediction.view import View
from encoder.space.weighting import Weighting, default_weighting
from encoder.vectors.image_vectors import ImageVectors, read_image_vectors
from encoder.vectors.precision import computed
from kb.errors import UsageError
from kb.images.patients import read_patients
from kb.images.view_choice import FRONTAL, read_views, told_left_out, view_choice
from kb.knowledge_base import KnowledgeBase
from kb.sql.trained_here import learns_here
from kb.statistics.ranking import Ranking

TOO_FEW = f"fewer than {FEWEST} training images have it, or have it not"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictOptions:
    """What all methods share.

    Attributes:
        run: the name of the run; default: the method, and the space.
        labels: which; default: all that are known of the images.
        source: the source of labels to go by.
        views: of the images that are learned from and predicted; see `kb.images.view_choice`.
        space: of the heads; None lets the method choose.
        weights: of the concepts in the LLM space; None: as the encoder has it, see `encoder.space.weighting`.
        replace: whether a run of that name may be replaced.
        by: who.
        why: the reason.
        dry_run: compute, and write nothing.
    """

    run: str | None = None
    labels: Sequence[str] = ()
    source: str | None = None
    views: str = FRONTAL
    space: Space | None = None
    weights: Weighting | None = None
    replace: bool = False
    by: str | None = None
    why: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class PredictResult:
    """What a prediction came to.

    Attributes:
        run: the run as it was stored.
        images: how many were predicted.
        notes: what was chosen, and why.
        left_out: labels that could not be predicted, with the reason.
        rows: a line a label and part: AUROC, n, positives and patients of the images it is judged on, why there is no
            AUROC, and what else is known.
        bottlenecks: of the labels, for that method.
        split: of the images it is judged on: "all" for sentences before an encoder that was not trained here; external
            ones are judged apart, in rows of their own.
        commit: None for a dry run.
    """

    run: Run
    images: int
    notes: list[str]
    left_out: dict[str, str]
    rows: list[dict[str, Any]]
    bottlenecks: list[Bottleneck] = field(default_factory=list)
    commit: str | None = None
    split: str = "test"

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "run": self.run.name,
            "method": self.run.method,
            "space": self.run.space,
            "weights": self.run.weighting,
            "like": self.run.parameters.get("like"),
            "encoder": self.run.encoder,
            "images": self.images,
            "split": self.split,
            "labels": self.rows,
            "left_out": self.left_out,
            "notes": self.notes,
            "bottlenecks": {b.label: b.to_dict() for b in self.bottlenecks},
            "commit": self.commit,
        }


def chosen_images(kb: KnowledgeBase, encoder: str, options: PredictOptions) -> tuple[ImageVectors, list[str]]:
    """The encoded images of the views that are asked for; the second says what was left out.

    Raises:
        UsageError: there are no encoded images, or none of these views.
    """
    wanted, images, known = view_choice(options.views), read_image_vectors(kb, encoder), read_views(kb)
    left_out = wanted.left_out(known.get(image_id) for image_id in images.image_ids)
    if not left_out:
        return images, []
    kept = [n for n, image_id in enumerate(images.image_ids) if known.get(image_id) in wanted]
    told = f"left out for their view: {told_left_out(left_out)} (views: {options.views})"
    if not kept:
        raise UsageError(f"nothing is predicted: all images are {told}", parameter="views")
    return images.chosen(kept), [told]


def chosen_weighting(checkpoint: Checkpoint, asked: Weighting | None, space: Space | None) -> Weighting:
    """How concepts count in the LLM space of a new run: as asked for, else as the encoder has it.

    Raises:
        UsageError: it is asked for in another space, where they have no weights.
    """
    if asked is not None and space not in (None, "llm"):
        raise UsageError(
            f"concepts have weights in the LLM space only, and this is space {space}: read the LLM space, or name none",
            parameter="space",
        )
    return asked or default_weighting(checkpoint)


def auroc_of(logit: np.ndarray, truth: np.ndarray) -> float | None:
    """The AUROC of some images; None if fewer than ten have the label, or have it not."""
    known = ~np.isnan(truth)
    positives = int(truth[known].sum())
    if min(positives, int(known.sum()) - positives) < FEWEST:
        return None
    return Ranking(truth[known], logit[known]).auroc


def training_parts(images: ImageVectors, seen: View, truth: np.ndarray) -> tuple[Examples, Examples]:
    """The training and the validation images of one label, as its head reads them."""
    parts = []
    for split in ("train", "validation"):
        numbers = images.numbers_of(split)
        parts.append(Examples(seen.matrix[numbers], truth[numbers], [images.patients[n] for n in numbers]))
    return parts[0], parts[1]


def _counted(images: ImageVectors, numbers: Sequence[int], truth: np.ndarray) -> dict[str, Any]:
    """How many of some images a label is known of, how many hold it, whose they are, and why there is no AUROC."""
    known = [n for n in numbers if not np.isnan(truth[n])]
    positives = sum(truth[n] == 1 for n in known)
    few = {"with": positives, "without": len(known) - positives}
    reasons = [f"{count} {what} it, {FEWEST} are needed" for what, count in few.items() if count < FEWEST]
    return {
        "n": len(known),
        "positives": int(positives),
        "patients": len({images.patients[n] for n in known}),
        "no_auroc": "nobody says whether it holds" if numbers and not known else next(iter(reasons), None),
    }


def check_some(heads: Sequence[Head], left_out: Mapping[str, str]) -> None:
    """Refuse a run without any label (UsageError)."""
    if not heads:
        raise UsageError(f"no label can be learned: {'; '.join(f'{name}: {why}' for name, why in left_out.items())}")


def new_run(
    kb: KnowledgeBase,
    method: str,
    space: Space,
    *,
    checkpoint: Checkpoint,
    options: PredictOptions,
    parameters: Mapping[str, Any],
    heads: Sequence[Head],
    encoder: str | None = None,
) -> Run:
    """A run that is yet to be stored; UsageError if its name is taken."""
    name = options.run or f"{method}-{space}"
    check_name(kb, name, replace=options.replace)
    info, vectors = kb.embedder, computed(kb, encoder or checkpoint.encoder_id)
    precision = {"precision": vectors.precision} if vectors and vectors.precision else {}
    return Run(
        name=name,
        method=method,
        space=space,
        encoder=encoder or checkpoint.encoder_id,
        embedder=info.embedder_id if info else None,
        vocabulary_commit=kb.commit.commit_id,
        parameters={"views": options.views, **precision, **parameters},
        heads=heads,
    )


def finish(
    kb: KnowledgeBase,
    run: Run,
    images: ImageVectors,
    *,
    seen: View,
    truth: np.ndarray,
    options: PredictOptions,
    notes: list[str],
    left_out: dict[str, str],
) -> PredictResult:
    """Predict the images with the heads of a run, store both, and say how it does on images it has not learned from."""
    if images.stale:
        notes.append(f"{images.stale:,} images were left out: their picture is another now, and not encoded yet")
    own = images.numbers_of("internal") or images.numbers_of("all")
    mean = [float(value) for value in images.matrix[own].mean(axis=0, dtype="float64")]
    run = replace(run, parameters={**run.parameters, "mean_image": mean})
    found = seen.logits(run.heads)
    learned = learns_here(kb, run.method, run.encoder)
    parts = {part: images.numbers_of(part) for part in parts_of(set(images.splits), "test" if learned else "all")}
    split = next(iter(parts))
    if moved := moved_images(kb, run.encoder):
        parts = {split: []}
        now = read_patients(kb).split_of_image(moved[0])
        notes.append(
            f"the encoder has learned from {len(moved):,} images that now lie in the {now} split (first: {moved[0]}), "
            "for a table told since whose they are: nothing is judged; train it anew"
        )
    rows = [
        {
            "label": head.label,
            "split": part,
            "auroc": auroc_of(found[numbers, column], truth[numbers, column]),
            **_counted(images, numbers, truth[:, column]),
        }
        for part, numbers in parts.items()
        for column, head in enumerate(run.heads)
    ]
    commit = None
    if not options.dry_run:
        commit = store_run(kb, run, images, logits=found, replace=options.replace, by=options.by, why=options.why)
    if not options.dry_run:
        notes += warnings(kb, [run.name])
    if not learned and (note := chosen_on(run.name, run.parameters)) is not None:
        notes.append(note)
    return PredictResult(
        run=run, images=len(images), notes=notes, left_out=left_out, rows=rows, commit=commit, split=split
    )
