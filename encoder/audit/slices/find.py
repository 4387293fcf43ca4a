"""Slices: clusters of images that look alike, where a model does worse than elsewhere, and what such images hold.

Images are clustered by k-means in the main directions of their vectors, the one in which the label's truths differ left
out; of two data sets together, so that a slice is the same region of one basis in both, each judged by its own labels.
A slice counts as low where even the upper end of its interval, patients resampled and corrected for how many slices are
looked at, lies under the AUROC of the others. It is then held against the nearest slice that does well, concept by
concept, from moments, the label's own share taken out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from encoder.audit.confounders.concept_tests import bulk_of, p_values, test_concepts
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.false_discovery import q_values
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.moments import Cohort, moments_of
from encoder.audit.slices.result import Slice, SliceConcept, Trait
from kb.errors import UsageError
from kb.statistics.auroc import auroc_interval
from kb.statistics.interval import Z95
from kb.statistics.ranking import Ranking
from kb.statistics.resampling import interval, multiplicities, resampled

DIRECTIONS = 32
"""Main directions that images are clustered in: beyond these lies mostly noise."""

MANY = 50_000
"""Images from which on k-means looks at some of them at a time."""

LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceOptions:
    """How to slice.

    Attributes:
        slices: how many clusters.
        min_size: images under which nothing is said of a slice.
        min_positives: positives, and negatives, under which it has no AUROC.
        resamples: of the patients.
        concepts: that a low slice is described by.
        examples: images of each slice that are named.
        seed: of clustering and resampling.
    """

    slices: int = 10
    min_size: int = 30
    min_positives: int = 5
    resamples: int = 1000
    concepts: int = 5
    examples: int = 6
    seed: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class _Part:
    """One data set, cut: the cluster of each image, how far it lies from its centre, and what is resampled."""

    data: str
    evidence: Evidence
    cohort: Cohort
    labels: np.ndarray
    distances: np.ndarray
    drawn: np.ndarray


def find_slices(
    evidence: Evidence,
    concepts: Concepts | None,
    aside: Collection[str],
    *,
    options: SliceOptions | None = None,
    other: Evidence | None = None,
    names: tuple[str, str] = ("here", "there"),
) -> list[Slice]:
    """The slices of one data set, the worst first; or of two, slice by slice.

    Args:
        evidence: rows with image vectors.
        concepts: what low slices are described by; None for no description.
        aside: findings that describe nothing: the disease itself.
        options: how; see `SliceOptions`.
        other: a second data set, of the same encoder.
        names: what the two are called.

    Raises:
        UsageError: no row has an image vector, or there are fewer images than slices.
    """
    options = options or SliceOptions()
    both = [evidence] if other is None else [evidence, other]
    if any(one.vectors is None for one in both):
        raise UsageError("slices are clusters of image vectors, and these predictions are of images that have none")
    cohorts = [one.cohort() for one in both]
    labels, distances = _clusters(_beside_disease(cohorts), options)
    ends = np.cumsum([len(cohort) for cohort in cohorts])[:-1]
    parts = [
        _Part(
            data=name,
            evidence=one,
            cohort=cohort,
            labels=mine,
            distances=far,
            drawn=multiplicities(_patients(cohort), options.resamples, options.seed),
        )
        for name, one, cohort, mine, far in zip(
            names if other is not None else ("",),
            both,
            cohorts,
            np.split(labels, ends),
            np.split(distances, ends),
            strict=True,
        )
    ]
    order = np.argsort(-np.bincount(labels, minlength=options.slices), kind="stable")
    found = [_slice(part, number + 1, int(cluster), options) for number, cluster in enumerate(order) for part in parts]
    found = _judged(found, parts, order, options)
    if concepts is not None:
        found = [
            _described(one, found, parts, order=order, concepts=concepts, aside=aside, options=options) for one in found
        ]
    ranks = {"low": 0, "": 1, "small": 2}
    if other is not None:
        return sorted(found, key=lambda one: (one.number, one.data != names[0]))
    return sorted(found, key=lambda one: (ranks[one.verdict], one.auroc if one.auroc is not None else 2.0, one.number))


def _clusters(vectors: np.ndarray, options: SliceOptions) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each image, and its distance from the centre of that."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    if len(vectors) < options.slices:
        raise UsageError(
            f"{len(vectors)} images cannot be cut into {options.slices} slices: ask for fewer", parameter="slices"
        )
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    main = centred @ directions[:, np.argsort(-values)[:DIRECTIONS]].astype(np.float32)
    kind = MiniBatchKMeans if len(vectors) > MANY else KMeans
    model = kind(options.slices, n_init=5, random_state=options.seed).fit(main)
    far = np.linalg.norm(main - model.cluster_centers_[model.labels_], axis=1)
    return model.labels_.astype(np.int64), far


def _beside_disease(cohorts: Sequence[Cohort]) -> np.ndarray:
    """The vectors of all without the direction in which each data set's truths differ.

    Else slices would part positives from negatives, and have no AUROC. Truths have their say in that one direction, and
    not image by image: were each truth laid about its own mean, a slice would gather what the model ranks rightly.
    """
    shifts = [
        cohort.vectors[cohort.truth].mean(axis=0) - cohort.vectors[~cohort.truth].mean(axis=0)
        for cohort in cohorts
        if cohort.truth.any() and not cohort.truth.all()
    ]
    # Two data sets are laid on one another: else each would be slices of its own, by how its machines look.
    vectors = np.concatenate([cohort.vectors - cohort.vectors.mean(axis=0) for cohort in cohorts])
    if not shifts:
        return vectors
    basis = np.linalg.qr(np.stack(shifts, axis=1))[0].astype(vectors.dtype)
    beside: np.ndarray = vectors - (vectors @ basis) @ basis.T
    return beside


def _patients(cohort: Cohort) -> int:
    return int(cohort.owners.max()) + 1


def _slice(part: _Part, number: int, cluster: int, options: SliceOptions) -> Slice:
    chosen = np.flatnonzero(part.labels == cluster)
    truth, logit = part.cohort.truth[chosen], part.cohort.logit[chosen]
    positives, n = int(truth.sum()), len(chosen)
    units = part.evidence.rows.units
    names = [units[int(row)] for row in part.evidence.encoded[chosen]]
    score = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
    wrong = np.argsort(-np.abs(truth - score), kind="stable")[: options.examples]
    near = np.argsort(part.distances[chosen], kind="stable")[: options.examples]
    enough = n >= options.min_size and min(positives, n - positives) >= options.min_positives
    ranked = auroc_interval(truth, logit, part.cohort.owners[chosen]) if enough else None
    return Slice(
        number=number,
        data=part.data,
        n=n,
        positives=positives,
        patients=len(np.unique(part.cohort.owners[chosen])),
        auroc=None if ranked is None else ranked.value,
        auroc_low=None if ranked is None else ranked.low,
        auroc_high=None if ranked is None else ranked.high,
        mean_score=float(score.mean()) if n else float("nan"),
        verdict="" if enough else "small",
        against=None,
        concepts=(),
        traits=_traits(part, chosen, options) if enough else (),
        images=tuple(names[int(at)] for at in near),
        wrong=tuple(names[int(at)] for at in wrong),
    )


def _traits(part: _Part, chosen: np.ndarray, options: SliceOptions) -> tuple[Trait, ...]:
    """What most images of a slice have, or lack, more than the others do: beyond twice the error of the difference."""
    inside = np.zeros(len(part.evidence.rows), dtype=bool)
    inside[part.evidence.encoded[chosen]] = True
    found = []
    for exposures in part.evidence.exposures:
        for number, name in enumerate(exposures.names):
            here, there = inside & exposures.known[number], ~inside & exposures.known[number]
            has = exposures.column(number)
            if here.any() and there.any():
                share, elsewhere = float(has[here].mean()), float(has[there].mean())
                error = np.sqrt(share * (1 - share) / here.sum() + elsewhere * (1 - elsewhere) / there.sum())
                if abs(share - elsewhere) > max(2 * error, 0.1):
                    found.append(Trait(name, share, elsewhere))
    return tuple(sorted(found, key=lambda one: -abs(one.share - one.elsewhere))[: options.concepts])


def _resamples(part: _Part, chosen: np.ndarray) -> np.ndarray:
    """The AUROC of some rows in every resample of the patients."""
    ranking = Ranking(part.cohort.truth[chosen], part.cohort.logit[chosen])

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        return {"auroc": ranking.scores_of(weights)[0]}

    return resampled(part.drawn, part.cohort.owners[chosen], measure)["auroc"]


def _judged(found: Sequence[Slice], parts: Sequence[_Part], order: np.ndarray, options: SliceOptions) -> list[Slice]:
    """The slices with their verdict: low against the others or, of two data sets, against the same one of the first."""
    stated = sum(one.auroc is not None for one in found)
    judged = []
    for one in found:
        verdict = one.verdict
        if one.auroc is not None:
            part = next(part for part in parts if part.data == one.data)
            chosen = part.labels == order[one.number - 1]
            mine = _resamples(part, np.flatnonzero(chosen))
            if one.data == "":
                margin = mine - _resamples(part, np.flatnonzero(~chosen))
            elif part is parts[1]:
                there = np.flatnonzero(parts[0].labels == order[one.number - 1])
                known = next(s.auroc for s in found if (s.number, s.data) == (one.number, parts[0].data))
                margin = None if known is None else mine - _resamples(parts[0], there)
            else:
                margin = None
            bounds = None if margin is None else interval(margin, 1 - LEVEL / max(stated, 1))
            verdict = "low" if bounds is not None and bounds[1] < 0 else ""
        judged.append(replace(one, verdict=verdict))
    return judged


def _described(
    one: Slice,
    found: Sequence[Slice],
    parts: Sequence[_Part],
    order: np.ndarray,
    concepts: Concepts,
    aside: Collection[str],
    options: SliceOptions,
) -> Slice:
    """A low slice with the concepts that tell it from the nearest good one; of two data sets, from its like there."""
    if one.verdict != "low":
        return one
    part = next(part for part in parts if part.data == one.data)
    mine = part.cohort.part(np.flatnonzero(part.labels == order[one.number - 1]))
    if one.data != "":
        against, other = one.number, parts[0].cohort.part(np.flatnonzero(parts[0].labels == order[one.number - 1]))
    else:
        good = [s for s in found if s.auroc is not None and s.verdict != "low" and s.auroc > (one.auroc or 0)]
        if not good:
            return one
        centre = mine.vectors.mean(axis=0)
        members = {s.number: part.cohort.part(np.flatnonzero(part.labels == order[s.number - 1])) for s in good}
        against = min(members, key=lambda number: float(np.linalg.norm(members[number].vectors.mean(axis=0) - centre)))
        other = members[against]
    stated = _apart_in_words(mine, other, concepts, aside, options.concepts, same_patients=one.data == "")
    return replace(one, against=against, concepts=stated)


def _apart_in_words(
    mine: Cohort, other: Cohort, concepts: Concepts, aside: Collection[str], limit: int, *, same_patients: bool
) -> tuple[SliceConcept, ...]:
    """The concepts, one a finding, that one slice holds more or less of than another at the same truth."""
    member = np.concatenate([np.ones(len(mine), dtype=bool), np.zeros(len(other), dtype=bool)])
    truth = np.concatenate([mine.truth, other.truth])
    vectors = np.concatenate([mine.vectors, other.vectors])
    for side in (True, False):  # what the label itself brings is taken out of both
        if truth[member == side].any() and not truth[member == side].all():
            rows = np.flatnonzero(member == side)
            held = vectors[rows[truth[rows]]].mean(axis=0) - vectors[rows[~truth[rows]]].mean(axis=0)
            vectors[rows] -= np.outer(truth[rows] - truth[rows].mean(), held).astype(np.float32)
    apart = 0 if same_patients else int(mine.owners.max()) + 1
    owners = np.unique(np.concatenate([mine.owners, other.owners + apart]), return_inverse=True)[1]
    noise = np.concatenate([mine.logit, other.logit])
    tests = test_concepts(moments_of(Cohort(vectors, member, noise, owners)), concepts.vectors)
    findings = np.asarray(concepts.findings, dtype=object).astype(str)
    wanted = concepts.present & ~np.isin(findings, sorted(aside))
    groups = np.unique(findings, return_inverse=True)[1]
    bulk = bulk_of(tests.shift[wanted], tests.shift_error[wanted], groups[wanted])
    q = q_values(np.where(wanted, p_values(tests.shift, tests.shift_error, bulk), np.nan))
    centre = bulk.centre if bulk else 0.0
    found: dict[str, int] = {}
    for at in np.argsort(-np.where(wanted, np.abs(np.nan_to_num(tests.shift - centre)), -1), kind="stable"):
        if wanted[at] and len(found) < limit:
            found.setdefault(findings[at], int(at))
    return tuple(
        SliceConcept(
            concept_id=concepts.ids[at],
            text=concepts.texts[at],
            finding=concepts.findings[at],
            difference=float(tests.shift[at]),
            low=float(tests.shift[at] - Z95 * tests.shift_error[at]),
            high=float(tests.shift[at] + Z95 * tests.shift_error[at]),
            q=float(q[at]),
        )
        for at in found.values()
    )
