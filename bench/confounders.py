"""Confounders: all concepts tested from moments, at full size and against the explicit scores; and verdicts.

The verdicts are those on worlds unlike ours (`bench.foreign_verdicts`).
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from bench import foreign_verdicts
from bench.drawn_rows import drawn_rows
from bench.measure import Row, ratio_row, rounds, seconds
from encoder.audit.confounders.concept_tests import ConceptTests, test_concepts
from encoder.audit.confounders.moments import Cohort, moments_of

CONCEPTS, IMAGES, DIMENSION = 368_294, 100_000, 768
SMALL_CONCEPTS, SMALL_IMAGES = 8_192, 10_000
REPEATS = 3
ROWS = 16_384
FIELDS = ("spread", "lean", "lean_error", "shift", "shift_error")


def run() -> list[Row]:
    """Measure both sizes, and verdicts; an answer that differs from the explicit one by more than 1e-4 is an error."""
    cohort, concepts = _cohort(SMALL_IMAGES), _unit(np.random.default_rng(1), SMALL_CONCEPTS)
    largest = _difference(test_concepts(moments_of(cohort), concepts), explicit_tests(cohort, concepts))
    if largest > 1e-4:
        sys.exit(f"the tests from moments differ from the explicit ones by {largest:.1e}")
    taken = rounds(
        {
            "explicit": lambda: seconds(lambda: explicit_tests(cohort, concepts)),
            "moments": lambda: seconds(lambda: test_concepts(moments_of(cohort), concepts)),
        },
        REPEATS,
    )
    # In a process of its own: the peak of memory is its.
    done = subprocess.run([sys.executable, "-m", "bench.confounders"], capture_output=True, text=True, check=True)
    whole, peak = map(float, done.stdout.split())
    return [
        ratio_row(
            f"confounder tests, {SMALL_IMAGES:,} images x {SMALL_CONCEPTS:,} concepts x {DIMENSION}",
            taken["explicit"],
            taken["moments"],
            f"the matrix of all scores; largest difference {largest:.0e}",
            better="higher",
        ),
        Row(
            f"confounders, the whole audit, {IMAGES:,} images x {CONCEPTS:,} concepts",
            f"{whole:.1f} s, {peak:.1f} GB",
            "",
            "limit: 60 s, 4 GB",
            number=whole,
            better="lower",
        ),
        *foreign_verdicts.rows(),
    ]


def full_size() -> tuple[float, float]:
    """The seconds and the peak of memory in GB of a whole audit of the full size: tests, with and without, erasing."""
    import resource

    from encoder.audit.confounders.evidence import Evidence
    from encoder.audit.confounders.families import Concepts
    from encoder.audit.confounders.find import find_confounders

    vectors = np.empty((CONCEPTS, DIMENSION), dtype=np.float32)
    for start in range(0, CONCEPTS, ROWS):
        vectors[start : start + ROWS] = _unit(np.random.default_rng(start), min(ROWS, CONCEPTS - start))
    cohort = _cohort(IMAGES)
    names, findings = [f"c{n}" for n in range(CONCEPTS)], [f"f{n // 100}" for n in range(CONCEPTS)]
    concepts = Concepts(names, names, findings, np.ones(CONCEPTS, dtype=bool), vectors)
    rows = drawn_rows(cohort.truth, cohort.logit, cohort.owners)
    evidence = Evidence(rows, (), np.arange(IMAGES), cohort.vectors)
    whole = seconds(lambda: find_confounders(evidence, concepts, {"f0"}, rescore=lambda f: f[:, 0]))
    return whole, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _difference(ours: ConceptTests, explicit: ConceptTests) -> float:
    """The largest difference of any number, against the largest of its kind."""
    pairs = [(getattr(ours, name), getattr(explicit, name)) for name in FIELDS]
    return max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)


def explicit_tests(cohort: Cohort, concepts: np.ndarray) -> ConceptTests:
    """The same from the matrix of all scores, (images, concepts): what a reader of the formulas would write."""
    scores = cohort.vectors.astype(np.float64) @ concepts.T.astype(np.float64)
    truth, logit = cohort.truth, cohort.logit
    n, patients = len(truth), len(np.unique(cohort.owners))
    means = [scores[truth == side].mean(axis=0) for side in (False, True)]
    shift = means[1] - means[0]
    scores -= np.where(truth[:, None], means[1], means[0])
    beyond = logit - np.where(truth, logit[truth].mean(), logit[~truth].mean())
    total = beyond @ beyond
    spread = np.sqrt((scores**2).sum(axis=0) / (n - 2))
    slope = beyond @ scores / total
    weights = np.where(truth, 1 / truth.sum(), -1 / (~truth).sum())

    def error(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
        sums = np.zeros((patients, values.shape[1]))
        np.add.at(sums, cohort.owners, values * factor[:, None])
        return np.sqrt((sums**2).sum(axis=0) * patients / (patients - 1))

    shift_error = error(weights, scores) / spread
    lean_error = error(beyond / total, scores - np.outer(beyond, slope))
    along = np.sqrt(total / (n - 2)) / spread
    return ConceptTests(spread, slope * along, lean_error * along, shift / spread, shift_error)


def _cohort(images: int) -> Cohort:
    draw = np.random.default_rng(0)
    vectors = np.concatenate([_unit(draw, min(ROWS, images - start)) for start in range(0, images, ROWS)])
    truth = draw.random(images) < 0.2
    logit = vectors @ draw.standard_normal(DIMENSION).astype(np.float32) + truth
    owners = np.unique(draw.integers(0, images // 2, images), return_inverse=True)[1]
    return Cohort(vectors, truth, logit.astype(np.float64), owners)


def _unit(draw: np.random.Generator, rows: int) -> np.ndarray:
    found = draw.standard_normal((rows, DIMENSION), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


if __name__ == "__main__":
    print(*full_size())
