"""A planted shortcut looked for by a foreign model's vectors: by directions carried over, and fitted to reports.

Each world has 30 findings at right angles in the space of an encoder of ours, and a foreign encoder that holds them in
a form of its own: mixed, squashed by tanh, with noise, stretched by up to 30 in some directions, and with a nuisance
that outweighs all of it. In some worlds a model leans on a tube that goes with the disease; in the others, where the
tube goes with the disease too, it reads the disease alone. Whatever finds it looks at image vectors alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import sparse

from bench.drawn_rows import drawn_rows
from bench.measure import Row
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.families import Concepts
from encoder.audit.confounders.find import find_confounders
from encoder.space.concept_space import ConceptSpace
from encoder.space.fitted.activation import activation_directions
from encoder.space.fitted.carried import carried_directions
from encoder.space.fitted.directions import FittedDirections
from encoder.space.fitted.stated import Stated
from encoder.space.projection import Projector, ProjectorFacts
from encoder.vectors.image_vectors import ImageVectors

FINDINGS = ("disease", "tube", *(f"other {number}" for number in range(28)))
IMAGES, DIMENSION, FOREIGN = 1_500, 64, 128
DRAWS = 20
NOISE = (0.2, 1.0)
"""Noise of the foreign vectors: little, and so much that their concepts are told poorly."""

SILENT = Stated(np.empty(0, dtype=np.int64), [], sparse.csr_matrix((0, 0)), {}, frozenset())


@dataclass(frozen=True)
class _World:
    """Images with what they hold, a model's logits, and their vectors by both encoders."""

    held: np.ndarray
    logit: np.ndarray
    ours: ImageVectors
    theirs: ImageVectors
    directions: np.ndarray


def run() -> list[Row]:
    """How often the planted tube stands first and is called, and what is called in worlds that have none."""
    rows = []
    ways: tuple[tuple[str, Callable[[_World], tuple[ImageVectors, Concepts]]], ...] = (
        ("our encoder's own concepts", _own),
        ("concepts carried over", lambda world: _fitted(world, _carried(world, _told(world)))),
        ("concepts carried over, no reports (plain regression)", lambda world: _fitted(world, _carried(world, SILENT))),
        ("directions fitted to reports", lambda world: _fitted(world, _stated(world))),
    )
    for noise in NOISE:
        for name, way in ways:
            planted = [_found(world := _world(seed, noise), *way(world)) for seed in range(DRAWS)]
            clean = [_found(world := _world(100 + seed, noise, leaning=0.0), *way(world)) for seed in range(DRAWS)]
            first = sum([name for name, _ in found[:1]] == ["tube"] for found in planted)
            called = sum(("tube", True) in found for found in planted)
            false = sum(any(is_called for _, is_called in found) for found in clean)
            rows.append(
                Row(
                    f"planted tube by {name}, noise {noise:g}: first / called",
                    f"{first} / {called} of {DRAWS}",
                    f"{false} of {DRAWS} clean worlds with a false call",
                    f"{IMAGES:,} images, vectors alone",
                    number=first,
                    better="higher",
                )
            )
    return rows


def _world(seed: int, noise: float, leaning: float = 0.8) -> _World:
    draw = np.random.default_rng(seed)
    directions = np.linalg.qr(draw.standard_normal((DIMENSION, len(FINDINGS))))[0].T
    held = draw.random((IMAGES, len(FINDINGS))) < 0.2
    held[:, 0] = draw.random(IMAGES) < 0.3
    held[:, 1] = draw.random(IMAGES) < np.where(held[:, 0], 0.9, 0.1)
    amounts = held * draw.uniform(0.5, 1.5, held.shape)
    f = amounts @ directions + 0.25 * draw.standard_normal((IMAGES, DIMENSION))
    logit = f @ (directions[0] + leaning * directions[1]) * 3 + 0.5 * draw.standard_normal(IMAGES)
    mixed = np.tanh(f @ draw.standard_normal((DIMENSION, FOREIGN)) / 2)
    g = mixed + noise * draw.standard_normal((IMAGES, FOREIGN)) + 1
    turned = np.linalg.qr(draw.standard_normal((FOREIGN, FOREIGN)))[0]
    g = g @ turned * np.logspace(0, 1.5, FOREIGN)
    g += 15 * np.outer(draw.standard_normal(IMAGES), draw.standard_normal(FOREIGN))
    return _World(held, logit, _images(f), _images(g), directions)


def _images(matrix: np.ndarray) -> ImageVectors:
    return ImageVectors(
        image_ids=[f"i{n:05}" for n in range(IMAGES)],
        matrix=matrix.astype(np.float32),
        patients=[f"p{n // 2}" for n in range(IMAGES)],
        splits=["test"] * IMAGES,
        studies=[None] * IMAGES,
        patient_ids=[None] * IMAGES,
    )


def _own(world: _World) -> tuple[ImageVectors, Concepts]:
    ids = [f"C{number}" for number in range(len(FINDINGS))]
    present = np.ones(len(FINDINGS), dtype=bool)
    return world.ours, Concepts(ids, FINDINGS, FINDINGS, present, world.directions.astype(np.float32))


def _carried(world: _World, told: Stated) -> FittedDirections | None:
    ids = [f"C{number}" for number in range(len(FINDINGS))]
    columns = {"concept_id": ids, "text": FINDINGS, "assertion": ["present"] * len(ids), "finding": FINDINGS}
    facts = ProjectorFacts("commit", "embedder", "text side", len(ids))
    vectors = world.directions.astype(np.float32)
    space = ConceptSpace(Path(), pa.table(columns), vectors, Projector(np.eye(DIMENSION), facts), vectors.T @ vectors)
    return carried_directions("theirs", world.theirs, "ours", world.ours, space=space, told=told)


def _stated(world: _World) -> FittedDirections | None:
    return activation_directions("theirs", world.theirs, _told(world))


def _told(world: _World) -> Stated:
    bearers = {finding: f"C{number}" for number, finding in enumerate(FINDINGS)}
    stated = sparse.csr_matrix(world.held.astype(np.float64))
    return Stated(np.arange(IMAGES), list(FINDINGS), stated, bearers, frozenset(FINDINGS))


def _fitted(world: _World, found: FittedDirections | None) -> tuple[ImageVectors, Concepts]:
    assert found is not None
    texts, findings, ids = (found.concepts[name].to_pylist() for name in ("text", "finding", "concept_id"))
    return world.theirs, Concepts(ids, texts, findings, np.ones(len(found), dtype=bool), found.vectors)


def _found(world: _World, images: ImageVectors, concepts: Concepts) -> list[tuple[str, bool]]:
    """What is found by image vectors, the weightiest first, and whether it is called a confounder."""
    if not len(concepts):
        return []
    rows = drawn_rows(world.held[:, 0], world.logit, np.arange(IMAGES) // 2)
    evidence = Evidence(rows, [], np.arange(IMAGES), images.matrix)
    found = find_confounders(evidence, concepts, {"disease"}, limit=5)
    return [(row.name, row.verdict == "confounder") for row in found.rows]


if __name__ == "__main__":
    for row in run():
        print(row)
