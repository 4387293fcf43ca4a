"""A small world for audits: findings as directions, images that hold some of them, a model that was led astray."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.drawn_rows import drawn_rows
from encoder.audit.confounders.evidence import Evidence
from encoder.audit.confounders.exposures import exposures_of
from encoder.audit.confounders.families import Concepts

FINDINGS = ("disease", "tube", *(f"other {number}" for number in range(28)))
DIMENSION = 64


@dataclass(frozen=True)
class World:
    directions: np.ndarray
    concepts: Concepts

    def evidence(
        self,
        seed: int,
        *,
        strength: float = 0.9,
        images: int = 1500,
        leaning: float = 0.8,
        reports: bool = False,
        vectors: bool = True,
        sites: tuple[str, ...] = (),
        only_at: str | None = None,
    ) -> Evidence:
        """Images in which the tube goes with the disease; the model reads both, the tube with weight `leaning`.

        With `sites`, each image is of one of them, in turn; with `only_at` the tube goes with the disease there alone.
        """
        draw = np.random.default_rng(seed)
        truth = draw.random(images) < 0.3
        there = draw.random((images, len(FINDINGS))) < 0.2
        site = np.array(sites or (None,), dtype=object)[np.arange(images) // 2 % max(len(sites), 1)]
        linked = np.where(truth, strength, 1 - strength)
        if only_at is not None:
            linked = np.where(site == only_at, linked, 0.3)
        there[:, 0], there[:, 1] = truth, draw.random(images) < linked
        amounts = there * draw.uniform(0.5, 1.5, there.shape)
        f = amounts @ self.directions + 0.25 * draw.standard_normal((images, DIMENSION))
        logit = f @ (self.directions[0] + leaning * self.directions[1]) * 3 + 0.5 * draw.standard_normal(images)
        exposures = []
        if reports:
            known = draw.random(images) < 0.9
            found = [(int(row), FINDINGS[k], FINDINGS[k]) for row, k in zip(*np.nonzero(there), strict=True)]
            exposures = [exposures_of("report", found, known)]
        rows = drawn_rows(truth, logit, np.arange(images) // 2)
        encoded = np.arange(images if vectors else 0)
        groups = {"site": site} if sites else {}
        return Evidence(rows, exposures, encoded, f.astype(np.float32) if vectors else None, groups)


def world(seed: int = 0) -> World:
    draw = np.random.default_rng(seed)
    # At right angles: a model that reads the disease alone leans on nothing else.
    directions = np.linalg.qr(draw.standard_normal((DIMENSION, len(FINDINGS))))[0].T
    texts, findings, present, vectors = [], [], [], []
    for finding, direction in zip(FINDINGS, directions, strict=True):
        for kind in ("left", "right", "large"):
            texts.append(f"{kind} {finding}")
            findings.append(finding)
            present.append(True)
            vectors.append(_unit(direction + 0.05 * draw.standard_normal(DIMENSION)))
        texts.append(f"no {finding}")
        findings.append(finding)
        present.append(False)
        vectors.append(_unit(-direction + 0.05 * draw.standard_normal(DIMENSION)))
    ids = [f"C{number}" for number in range(len(texts))]
    return World(directions, Concepts(ids, texts, findings, np.array(present), np.array(vectors, dtype=np.float32)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
