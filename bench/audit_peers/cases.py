"""Data sets with a planted fault, as tables, vectors and pictures: what every tool of the comparison gets.

Each has attributes, the truth, and the scores of a model; `planted` marks the rows that the fault is in. A clean one of
each kind is drawn beside them: what is called there is a false call.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import norm

ROWS = 5_000
SKILL = math.sqrt(2) * norm.ppf(0.9)
"""How far the truths lie apart in the scores of a model with an AUROC of 0.9."""

DIMENSION, FINDINGS = 32, 12


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One data set.

    Attributes:
        name: what is planted.
        attributes: columns of text or numbers, (n,) each.
        truth: (n,), bool.
        score: (n,), between 0 and 1.
        planted: the rows of the fault, (n,), bool; none where the case is clean.
        vectors: of the images, (n, d), float32, where there are any.
        pictures: grey levels, (n, 64, 64), uint8, where there are any.
    """

    name: str
    attributes: dict[str, np.ndarray]
    truth: np.ndarray
    score: np.ndarray
    planted: np.ndarray
    vectors: np.ndarray | None = None
    pictures: np.ndarray | None = field(default=None, repr=False)


def weak_pair(seed: int, *, clean: bool = False) -> Case:
    """Women of 70 and over are ranked by chance; nothing of one attribute alone says so."""
    random = np.random.default_rng(seed)
    attributes = _attributes(random, ROWS)
    truth = random.random(ROWS) < 0.3
    hidden = (attributes["sex"] == "F") & (attributes["age"] >= 70)
    planted = hidden & (not clean)
    logit = SKILL * truth * ~planted + SKILL * 0.3 * planted + random.normal(size=ROWS)
    return Case(name="weak pair", attributes=attributes, truth=truth, score=_score(logit), planted=planted)


def shifted_group(seed: int, *, clean: bool = False) -> Case:
    """Portable radiographs score higher, sick or not: they rank as well as others, and are falsely alarmed."""
    random = np.random.default_rng(seed)
    attributes = _attributes(random, ROWS)
    truth = random.random(ROWS) < 0.3
    planted = (attributes["scanner"] == "portable") & (not clean)
    logit = SKILL * truth + 1.2 * planted + random.normal(size=ROWS)
    return Case(name="shifted group", attributes=attributes, truth=truth, score=_score(logit), planted=planted)


def hidden_slice(seed: int, *, clean: bool = False) -> Case:
    """A thing in a tenth of the images hides the disease from the model; only their vectors know of it."""
    random = np.random.default_rng(seed)
    n = 2_000
    things = random.standard_normal((FINDINGS, DIMENSION))
    things /= np.linalg.norm(things, axis=1, keepdims=True)
    held = random.random((n, FINDINGS)) < 0.1
    truth = held[:, 0] | (random.random(n) < 0.2)
    held[:, 0] = truth
    planted = held[:, 1] & (not clean)
    vectors = held @ things + random.standard_normal((n, DIMENSION)) * 0.15
    logit = SKILL * truth * ~planted + SKILL * 0.15 * planted + random.normal(size=n)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return Case(name="hidden slice", attributes={}, truth=truth, score=_score(logit), planted=planted, vectors=unit)


def bright_pictures(seed: int, *, clean: bool = False) -> Case:
    """Pictures of the sick are brighter, and the model leans on it."""
    random = np.random.default_rng(seed)
    n = 600
    truth = random.random(n) < 0.4
    bright = random.random(n) < (0.5 if clean else np.where(truth, 0.85, 0.15))
    planted = bright & (not clean)
    logit = 0.5 * SKILL * truth + 1.5 * planted + random.normal(size=n)
    level = np.where(bright, 150, 95)[:, None, None]
    pictures = np.clip(level + 25 * random.standard_normal((n, 64, 64)), 0, 255).astype(np.uint8)
    return Case(
        name="bright pictures", attributes={}, truth=truth, score=_score(logit), planted=planted, pictures=pictures
    )


def _attributes(random: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """What a table says of images: two attributes that matter somewhere, and six that never do."""
    return {
        "sex": random.choice(["F", "M"], n),
        "age": random.integers(18, 95, n),
        "scanner": random.choice(["portable", "fixed a", "fixed b"], n, p=[0.25, 0.5, 0.25]),
        "site": random.choice(["north", "south", "west"], n),
        "view": random.choice(["PA", "AP"], n),
        "weekday": random.choice(["mon", "tue", "wed", "thu", "fri"], n),
        "dose": np.round(random.lognormal(0, 0.4, n), 3),
        "height": random.normal(170, 10, n).round(),
        "reader": random.choice(list("abcdef"), n),
    }


def _score(logit: np.ndarray) -> np.ndarray:
    """Logits around the middle of both truths, as scores."""
    return 1 / (1 + np.exp(-(logit - SKILL / 2 - 0.4)))
