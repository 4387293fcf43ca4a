"""The tests of concepts, written out over the matrix of all scores: what the moments must agree with."""

from __future__ import annotations

import numpy as np

from encoder.audit.confounders.concept_tests import ConceptTests
from encoder.audit.confounders.moments import Cohort


def explicit_tests(cohort: Cohort, concepts: np.ndarray) -> ConceptTests:
    scores = cohort.vectors.astype(np.float64) @ concepts.T
    truth, logit, n = cohort.truth, cohort.logit, len(cohort)
    means = {side: scores[truth == side].mean(axis=0) for side in (False, True)}
    within = scores - np.where(truth[:, None], means[True], means[False])
    beyond = logit - np.where(truth, logit[truth].mean(), logit[~truth].mean())
    reach = 5 * 1.4826 * np.median(np.abs(beyond))
    beyond = np.clip(beyond, -reach, reach)
    beyond = beyond - np.where(truth, beyond[truth].mean(), beyond[~truth].mean())
    total = beyond @ beyond
    slope = beyond @ within / total
    spread = np.sqrt((within**2).sum(axis=0) / (n - 2))
    patients = np.unique(cohort.owners)

    def error(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
        sums = [(factor[cohort.owners == p, None] * values[cohort.owners == p]).sum(axis=0) for p in patients]
        return np.sqrt((np.array(sums) ** 2).sum(axis=0) * len(patients) / (len(patients) - 1))

    weights = np.where(truth, 1 / truth.sum(), -1 / (~truth).sum())
    along = np.sqrt(total / (n - 2)) / spread
    return ConceptTests(
        spread,
        slope * along,
        error(beyond / total, within - np.outer(beyond, slope)) * along,
        (means[True] - means[False]) / spread,
        error(weights, within) / spread,
    )


def random_cohort(seed: int, images: int = 120, dimension: int = 6, per_patient: int = 2) -> Cohort:
    draw = np.random.default_rng(seed)
    truth = draw.random(images) < 0.4
    truth[:2], truth[2:4] = True, False
    vectors = draw.standard_normal((images, dimension)) + np.outer(truth, draw.standard_normal(dimension))
    logit = vectors @ draw.standard_normal(dimension) + draw.standard_normal(images)
    owners = draw.permutation(np.arange(images) // per_patient)
    return Cohort(vectors.astype(np.float32), truth, logit, owners)
