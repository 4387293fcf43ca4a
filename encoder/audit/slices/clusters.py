"""Images cut into clusters that look alike, and that the model errs on alike.

K-means in the main directions of the image vectors, and in two more: how much too high the model scores a negative, and
how much too low a positive, as far as the look of an image foretells it (in the spirit of Domino: Eyuboglu et al.,
2022). What foretells the error of an image was learned from other patients (cross-fitted), so that a cluster is not
made of the errors that it is then judged by. Where errors have nothing to do with looks, these two are next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from encoder.audit.confounders.moments import Cohort
from encoder.audit.segments.outcomes import normal_scores
from kb.errors import UsageError
from kb.statistics.interval import numbered

DIRECTIONS = 32
"""Main directions that images are clustered in: beyond these lies mostly noise."""

MANY = 50_000
"""Images from which on k-means looks at some of them at a time."""

WEIGHT = 1.0
"""How far apart an error that looks explain in full puts images: as far as all that they look like does."""

FOLDS, FEWEST = 5, 50
"""Parts that patients are put into, and rows of a truth from which on errors are learned."""

PENALTIES = np.logspace(0, 5, 11)


def clusters_of(cohorts: Sequence[Cohort], count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each image of all data sets in turn, and its distance from the centre of that.

    Raises:
        UsageError: there are fewer images than clusters.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans

    if sum(map(len, cohorts)) < count:
        found = sum(map(len, cohorts))
        raise UsageError(f"{found} images cannot be cut into {count} slices: ask for fewer", parameter="slices")
    main = _main_directions(_beside(cohorts, [_truths_differ(one) for one in cohorts]))
    spread = float(np.sqrt(main.var(axis=0).sum()))
    # That some positives look less ill than others, and score lower, is no finding: the score itself is left out.
    beside_score = _main_directions(_beside(cohorts, [_score_grows(one) for one in cohorts]))
    foretold = np.stack([_foretold(beside_score, cohorts, positive=positive) for positive in (False, True)], axis=1)
    looks = np.concatenate([main, (WEIGHT * spread * foretold).astype(np.float32)], axis=1)
    kind = MiniBatchKMeans if len(looks) > MANY else KMeans
    model = kind(count, n_init=5, random_state=seed).fit(looks)
    far = np.linalg.norm(looks - model.cluster_centers_[model.labels_], axis=1)
    return model.labels_.astype(np.int64), far


def _foretold(main: np.ndarray, cohorts: Sequence[Cohort], *, positive: bool) -> np.ndarray:
    """How far on the wrong side of others of its truth each image would score by its look, in standard deviations."""
    from sklearn.linear_model import RidgeCV

    truth = np.concatenate([one.truth for one in cohorts]).astype(bool) == positive
    wrong = np.zeros(len(main))
    start = 0
    owners, before = [], 0
    for cohort in cohorts:
        mine = np.flatnonzero(cohort.truth.astype(bool) == positive)
        if len(mine):
            wrong[start + mine] = normal_scores(-cohort.logit[mine] if positive else cohort.logit[mine])
        numbers = numbered(cohort.owners)
        owners.append(numbers + before)
        before, start = before + int(numbers.max()) + 1, start + len(cohort)
    fold = np.random.default_rng(0).permutation(before)[np.concatenate(owners)] % FOLDS
    found = np.zeros(len(main))
    if truth.sum() < FEWEST:
        return found
    scaled = main / np.maximum(main.std(axis=0), 1e-12)
    for part in range(FOLDS):
        learned = truth & (fold != part)
        model = RidgeCV(alphas=PENALTIES).fit(scaled[learned], wrong[learned])
        found[fold == part] = model.predict(scaled[fold == part])
    return found


def _main_directions(vectors: np.ndarray) -> np.ndarray:
    """Vectors in the main directions of them all."""
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    main: np.ndarray = centred @ directions[:, np.argsort(-values)[:DIRECTIONS]].astype(np.float32)
    return main


def _beside(cohorts: Sequence[Cohort], taken: Sequence[np.ndarray | None]) -> np.ndarray:
    """The vectors of all without some directions."""
    # Two data sets are laid on one another: else each would be slices of its own, by how its machines look.
    vectors = np.concatenate([cohort.vectors - cohort.vectors.mean(axis=0) for cohort in cohorts])
    directions = [one for one in taken if one is not None]
    if not directions:
        return vectors
    basis = np.linalg.qr(np.stack(directions, axis=1))[0].astype(vectors.dtype)
    beside: np.ndarray = vectors - (vectors @ basis) @ basis.T
    return beside


def _truths_differ(cohort: Cohort) -> np.ndarray | None:
    """The direction in which the truths differ: with it slices would part them, and have no AUROC.

    Truths have their say in that one direction, and not image by image: were each truth laid about its own mean, a
    slice would gather what the model ranks rightly.
    """
    truth = cohort.truth.astype(bool)
    if not truth.any() or truth.all():
        return None
    shift: np.ndarray = cohort.vectors[truth].mean(axis=0) - cohort.vectors[~truth].mean(axis=0)
    return shift


def _score_grows(cohort: Cohort) -> np.ndarray | None:
    """The direction along which the scores of all grow."""
    from sklearn.linear_model import RidgeCV

    read: np.ndarray = RidgeCV(alphas=PENALTIES).fit(cohort.vectors - cohort.vectors.mean(axis=0), cohort.logit).coef_
    return read if np.linalg.norm(read) > 0 else None
