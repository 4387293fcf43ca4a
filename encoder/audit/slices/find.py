"""Slices: clusters of images that look alike, where a model does worse than elsewhere, and what such images hold.

Images are clustered by how they look, and by the errors that their looks foretell; of two data sets together, so that a
slice is the same region of one basis in both, each judged by its own labels. A slice is low where the model surely does
worse than in the others: more false alarms or misses at the threshold that all share, scores on the wrong side of
others of the same truth, or a lower AUROC. It is then held against the nearest slice that does well, concept by
concept.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.families import Concepts
from encoder.audit.segments.figures import figures_of
from encoder.audit.segments.result import Figures
from encoder.audit.slices.clusters import clusters_of
from encoder.audit.slices.description import described, traits_of
from encoder.audit.slices.judging import judged
from encoder.audit.slices.parts import Part
from encoder.audit.slices.result import Slice
from kb.errors import UsageError
from kb.statistics.auroc import auroc_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceOptions:
    """How to slice.

    Attributes:
        slices: how many clusters.
        min_size: images under which nothing is said of a slice.
        min_positives: positives, and negatives, under which it has no AUROC, and nothing is said of their errors.
        concepts: that a low slice is described by.
        examples: images of each slice that are named.
        seed: of the clustering.
    """

    slices: int = 10
    min_size: int = 30
    min_positives: int = 5
    concepts: int = 5
    examples: int = 6
    seed: int = 0


def find_slices(
    evidence: Evidence,
    concepts: Concepts | None,
    aside: Collection[str],
    *,
    options: SliceOptions | None = None,
    other: Evidence | None = None,
    names: tuple[str, str] = ("here", "there"),
    thresholds: tuple[float | None, float | None] = (None, None),
) -> list[Slice]:
    """The slices of one data set, the most harmful of the low ones first; or of two, slice by slice.

    Args:
        evidence: rows with image vectors.
        concepts: what low slices are described by; None for no description.
        aside: findings that describe nothing: the disease itself.
        options: how; see `SliceOptions`.
        other: a second data set, of the same encoder.
        names: what the two are called.
        thresholds: of the scores of each; without one its errors are not looked at.

    Raises:
        UsageError: no row has an image vector, or there are fewer images than slices.
    """
    options = options or SliceOptions()
    both = [evidence] if other is None else [evidence, other]
    if any(one.vectors is None for one in both):
        raise UsageError("slices are clusters of image vectors, and these predictions are of images that have none")
    cohorts = [one.cohort() for one in both]
    labels, distances = clusters_of(cohorts, options.slices, options.seed)
    ends = np.cumsum([len(cohort) for cohort in cohorts])[:-1]
    parts = [
        Part(data=name, evidence=one, cohort=cohort, labels=mine, distances=far, threshold=threshold)
        for name, one, cohort, mine, far, threshold in zip(
            names if other is not None else ("",),
            both,
            cohorts,
            np.split(labels, ends),
            np.split(distances, ends),
            thresholds[: len(both)],
            strict=True,
        )
    ]
    order = np.argsort(-np.bincount(labels, minlength=options.slices), kind="stable")
    found = [
        _slice(part, parts[0], number + 1, int(cluster), options)
        for number, cluster in enumerate(order)
        for part in parts
    ]
    found = judged(found, parts, order, min_size=options.min_size, min_positives=options.min_positives)
    if concepts is not None:
        found = [described(one, found, parts, order, concepts, aside, options.concepts) for one in found]
    if other is not None:
        return sorted(found, key=lambda one: (one.number, one.data != names[0]))
    ranks = {"low": 0, "": 1, "small": 2}
    return sorted(
        found,
        key=lambda one: (
            ranks[one.verdict],
            -(one.extra or 0.0),
            one.auroc if one.auroc is not None else 2.0,
            one.number,
        ),
    )


def _slice(part: Part, first: Part, number: int, cluster: int, options: SliceOptions) -> Slice:
    """One slice before it is judged."""
    chosen = part.members(cluster)
    truth, logit = part.cohort.truth[chosen].astype(bool), part.cohort.logit[chosen]
    positives, n = int(truth.sum()), len(chosen)
    units = part.rows.units
    score = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
    wrong = np.argsort(-np.abs(truth - score), kind="stable")[: options.examples]
    near = np.argsort(part.distances[chosen], kind="stable")[: options.examples]
    enough = n >= options.min_size and max(positives, n - positives) >= options.min_positives
    ranked = enough and min(positives, n - positives) >= options.min_positives
    auroc = auroc_interval(truth, logit, part.cohort.owners[chosen]) if ranked else None
    here, elsewhere = (None, None) if not enough else _figures(part, first, cluster)
    return Slice(
        number=number,
        data=part.data,
        n=n,
        positives=positives,
        patients=len(np.unique(part.cohort.owners[chosen])),
        auroc=auroc.value if auroc else None,
        auroc_low=auroc.low if auroc else None,
        auroc_high=auroc.high if auroc else None,
        mean_score=float(part.rows.score[chosen].mean()) if n else float("nan"),
        verdict="" if enough else "small",
        against=None,
        concepts=(),
        traits=traits_of(part, chosen, options.concepts) if enough else (),
        images=tuple(units[int(chosen[at])] for at in near),
        wrong=tuple(units[int(chosen[at])] for at in wrong),
        here=here,
        elsewhere=elsewhere,
    )


def _figures(part: Part, first: Part, cluster: int) -> tuple[Figures | None, Figures | None]:
    """How the run does in a slice, and in what it is held against: all other images, or the slice of the first data."""
    if part.threshold is None:
        return None, None
    inside = part.labels == cluster
    here = figures_of(part.rows, inside, part.threshold)
    if part is not first:
        there = first.labels == cluster
        known = first.threshold is not None and there.any()
        return here, figures_of(first.rows, there, first.threshold or 0.0) if known else None
    return here, figures_of(part.rows, ~inside, part.threshold) if not inside.all() else None
