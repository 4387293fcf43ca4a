"""Interventions: what the predictions of a concept bottleneck become when some of its concepts are set by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.prediction.bottleneck import Bottleneck, BottleneckConcept, intervene
from encoder.prediction.concept_directions import concept_directions
from encoder.prediction.head import scores
from encoder.prediction.runs import Run, read_run, require_its_encoder, require_its_vectors
from encoder.vectors.image_vectors import read_image_vectors
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.language.query_reading import read_query


@dataclass(frozen=True, slots=True)
class Interventions:
    """Scores before and after, a row an image and label (of all images: their means), and which concepts were set.

    Attributes:
        rows: the scores.
        notes: which concepts of each label were set, in words.
        concepts: the standardised score that each concept was set to, by its id.
    """

    rows: list[dict[str, Any]]
    notes: list[str]
    concepts: Mapping[str, float] = field(default_factory=dict)


def set_concepts(
    kb: KnowledgeBase,
    checkpoint: Checkpoint,
    run: str,
    *,
    values: Mapping[str, float],
    image_ids: Sequence[str] | None = None,
    labels: Sequence[str] = (),
) -> Interventions:
    """Set concepts of a bottleneck run to standardised scores, and predict again.

    Args:
        kb: where the run is.
        checkpoint: its encoder.
        run: its name.
        values: concepts by id, text or finding, and what each is set to: 0 is what the mean training image has.
        image_ids: these images; default: the mean over all test images.
        labels: these only; default: those that a concept which is set counts for.

    Raises:
        UsageError: the run is no bottleneck, or none of its concepts has that name; the message says what there are.
    """
    read = read_run(kb, run)
    require_its_vectors(kb, read)
    require_its_encoder(read, checkpoint)
    wanted = {read.head(label).label for label in labels}
    bottlenecks = [bottleneck for bottleneck in bottlenecks_of(read) if not wanted or bottleneck.label in wanted]
    chosen = {b.label: _values(b, values) for b in bottlenecks}
    unknown = [name for name in values if not any(name in told for told, _ in chosen.values())]
    if unknown:
        names = sorted({concept.text for b in bottlenecks for concept in b.concepts})
        raise UsageError(f"no concept of run '{run}' is called '{unknown[0]}': {', '.join(names[:30])}")
    space = concept_directions(kb.at(read.vocabulary_commit) if read.vocabulary_commit else kb, checkpoint)
    images = read_image_vectors(kb, read.encoder, image_ids)
    if image_ids is None:
        images = images.of_split("test") if "test" in images.splits else images
    rows, notes = [], []
    for bottleneck in bottlenecks:
        _, by_id = chosen[bottleneck.label]
        if not by_id:
            continue
        vectors = {
            c.concept_id: np.asarray(space.vectors[space.place(c.concept_id)], np.float64) for c in bottleneck.concepts
        }
        before, after = intervene(bottleneck, vectors, images.matrix, values=by_id)
        before, after = scores(before), scores(after)
        names = [c.text for c in bottleneck.concepts if c.concept_id in by_id]
        notes.append(f"{bottleneck.label}: set {', '.join(names)}")
        if image_ids is None:
            rows.append(_row(f"mean of {len(images):,} images", bottleneck.label, before.mean(), after.mean()))
            continue
        rows += [
            _row(image_id, bottleneck.label, b, a)
            for image_id, b, a in zip(images.image_ids, before, after, strict=True)
        ]
    return Interventions(rows, notes, {one: value for _, by_id in chosen.values() for one, value in by_id.items()})


def _row(image: str, label: str, before: float, after: float) -> dict[str, Any]:
    return {
        "image": image,
        "label": label,
        "score_before": float(before),
        "score_after": float(after),
        "change": float(after - before),
    }


def bottlenecks_of(run: Run) -> list[Bottleneck]:
    """The bottlenecks of a stored run; UsageError if it is of another method."""
    stated = run.parameters.get("bottlenecks")
    if run.method != "bottleneck" or not stated:
        raise UsageError(f"run '{run.name}' is a {run.method}, not a concept bottleneck: there is nothing to set")
    return [
        Bottleneck(
            head.label,
            tuple(BottleneckConcept(**concept) for concept in stated[head.label]["concepts"]),
            stated[head.label]["bias"],
            head,
        )
        for head in run.heads
    ]


def _values(bottleneck: Bottleneck, values: Mapping[str, float]) -> tuple[set[str], dict[str, float]]:
    """Which of the names this bottleneck knows, and the values by concept id.

    A text names the concept that is called so, else all whose text holds it and that say the same of it: "nodule" is
    never "no nodule".
    """
    known: set[str] = set()
    by_id: dict[str, float] = {}
    for name, value in values.items():
        wanted = name.casefold().strip()
        exact = [c for c in bottleneck.concepts if wanted in (c.concept_id.casefold(), c.text.casefold())]
        alike = [c for c in bottleneck.concepts if wanted in c.text.casefold() and _denies(name) == _denies(c.text)]
        found = exact or alike
        if found:
            known.add(name)
            by_id |= {concept.concept_id: value for concept in found}
    return known, by_id


def _denies(text: str) -> bool:
    try:
        return read_query(text).assertion == "absent"
    except ValueError:
        return False
