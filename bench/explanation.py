"""One explanation over the published bank's size, many at once, and re-scoring after a curation, in one run.

The concept space is made at that size (random unit vectors: the arithmetic is the same), without a knowledge base.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.large_vocabulary import BANK
from bench.measure import Row, ratio_row, rounds, seconds
from bench.unit_vectors import unit_vectors
from encoder.explanation.largest import largest_contributions
from encoder.prediction.head import Head
from encoder.prediction.view import view_of
from encoder.space.concept_space import ConceptSpace
from encoder.space.projection import Projector, ProjectorFacts

IMAGE, LLM, LABELS, TOP = 768, 4096, 14, 10
IMAGES, CHANGED = 100_000, 100
FEWER, BATCH, ALONE, AT_ONCE = 20_000, 512, 50, 256
"""Concepts of a bank that are explained by, images at once and one by one, and images of a block."""

REPEATS = 5


def run() -> list[Row]:
    """Explain one image, and re-score 100,000 after 100 concepts changed."""
    with tempfile.TemporaryDirectory() as folder:
        dice = np.random.default_rng(0)
        space, embeddings = _space(Path(folder), dice)
        return [
            _explaining(space, embeddings, dice),
            _many(space.vectors[:FEWER], dice),
            _rescoring(space, embeddings, dice),
        ]


def _explaining(space: ConceptSpace, embeddings: np.ndarray, dice: np.random.Generator) -> Row:
    image = unit_vectors(dice, 1, IMAGE)[0]
    weights = unit_vectors(dice, LABELS, LLM).T.copy()
    aligned = embeddings @ weights  # kept beside the checkpoint after a run's first explanation
    z = space.projector.matrix @ image
    logit = weights[:, 0] @ z / np.linalg.norm(z)
    residuals = []

    def explained() -> None:
        contributions = space.scores(image) * aligned[:, 0] / np.float32(np.linalg.norm(space.projector.matrix @ image))
        np.argsort(-np.abs(contributions), kind="stable")[:TOP]
        residuals.append(abs(contributions.sum(dtype=np.float64) - logit))

    def both_products() -> None:
        (space.vectors @ image) * (embeddings @ weights[:, 0].astype(np.float32))

    taken = rounds({"both": lambda: seconds(both_products), "kept": lambda: seconds(explained)}, REPEATS)
    return ratio_row(
        f"explain one image over {BANK:,} concepts",
        taken["both"],
        taken["kept"],
        "both products over all concepts each time",
        better="higher",
        told=f"{sorted(taken['kept'])[REPEATS // 2]:.2f} s, residual {max(residuals):.0e}",
    )


def _many(vectors: np.ndarray, dice: np.random.Generator) -> Row:
    """The largest contributions of many predictions, by blocks of images and concepts against one by one."""
    images, weights = unit_vectors(dice, BATCH, IMAGE), unit_vectors(dice, len(vectors), LABELS)
    kept: dict[str, np.ndarray] = {}

    def at_once() -> None:
        found = [
            largest_contributions(vectors, weights, images[start : start + AT_ONCE], top=TOP)
            for start in range(0, BATCH, AT_ONCE)
        ]
        kept["at once"] = np.concatenate([one[0].places for one in found])[:ALONE]

    def one_by_one() -> None:
        rows = []
        for image in images[:ALONE]:
            contributions = (vectors @ image) * weights[:, 0]
            rows.append(np.argsort(-np.abs(contributions), kind="stable")[:TOP])
        kept["one by one"] = np.stack(rows)

    taken = rounds({"one by one": lambda: seconds(one_by_one), "at once": lambda: seconds(at_once)}, 3)
    each = {"one by one": ALONE, "at once": BATCH * LABELS}
    per_prediction = {name: [took / each[name] for took in found] for name, found in taken.items()}
    rate = 1 / sorted(per_prediction["at once"])[1]
    same = float((kept["at once"] == kept["one by one"]).mean())
    return ratio_row(
        f"the {TOP} largest contributions over {len(vectors):,} concepts, {LABELS} labels",
        per_prediction["one by one"],
        per_prediction["at once"],
        "one prediction after another",
        better="higher",
        told=f"{rate:,.0f} predictions/s, {same:.1%} of the places the same",
    )


def _rescoring(space: ConceptSpace, embeddings: np.ndarray, dice: np.random.Generator) -> Row:
    images = unit_vectors(dice, IMAGES, IMAGE)
    heads = [Head(str(n), weights) for n, weights in enumerate(unit_vectors(dice, LABELS, LLM).astype(np.float64))]
    changed = dice.choice(BANK, CHANGED, replace=False)
    came = unit_vectors(dice, CHANGED, LLM), unit_vectors(dice, CHANGED, IMAGE)

    def scored(matrix: np.ndarray) -> None:
        view_of("llm", images, replace(space.projector, matrix=matrix)).logits(heads)

    def followed() -> None:
        went = embeddings[changed].T.astype(np.float64) @ space.vectors[changed].astype(np.float64)
        matrix = space.projector.matrix - went + came[0].T.astype(np.float64) @ came[1].astype(np.float64)
        scored(matrix)

    def rebuilt() -> None:
        matrix = np.zeros((LLM, IMAGE))
        for start in range(0, BANK, 8_192):
            part = slice(start, start + 8_192)
            matrix += embeddings[part].T.astype(np.float64) @ np.asarray(space.vectors[part], np.float64)
        scored(matrix)

    taken = rounds({"rebuilt": lambda: seconds(rebuilt), "followed": lambda: seconds(followed)}, 1)
    return ratio_row(
        f"re-score {IMAGES:,} images on {LABELS} labels after {CHANGED} concepts changed",
        taken["rebuilt"],
        taken["followed"],
        "a projector built anew",
        better="higher",
        told=f"{taken['followed'][0]:.1f} s",
    )


def _space(folder: Path, dice: np.random.Generator) -> tuple[ConceptSpace, np.ndarray]:
    import pyarrow as pa

    vectors, embeddings = unit_vectors(dice, BANK, IMAGE), unit_vectors(dice, BANK, LLM)
    concepts = pa.table({"concept_id": [f"C{n}" for n in range(BANK)]})
    matrix = (embeddings.T @ vectors).astype(np.float64)
    projector = Projector(matrix, ProjectorFacts("bench", "bench", "bench", BANK))
    return ConceptSpace(folder, concepts, vectors, projector, np.eye(IMAGE)), embeddings
