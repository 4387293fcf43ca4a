"""The folded projector beside the explicit computation, in one run, on a vocabulary of the published bank's size."""

from __future__ import annotations

import numpy as np

from bench.large_vocabulary import BANK
from bench.measure import Row, ratio_row, rounds, seconds
from bench.unit_vectors import unit_vectors

IMAGE, LLM, BATCH = 768, 4096, 32
REPEATS = 5


def run() -> list[Row]:
    """Measure a batch of 32 image vectors both ways: 7 GB of matrices stand in memory for it."""
    dice = np.random.default_rng(0)
    concepts, embeddings = unit_vectors(dice, BANK, IMAGE), unit_vectors(dice, BANK, LLM)
    images = unit_vectors(dice, BATCH, IMAGE)
    folded = (embeddings.T @ concepts).T.copy()
    explicit_answer, folded_answer = (images @ concepts.T) @ embeddings, images @ folded
    cosines = np.einsum("nd,nd->n", explicit_answer, folded_answer)
    cosines /= np.linalg.norm(explicit_answer, axis=1) * np.linalg.norm(folded_answer, axis=1)
    taken = rounds(
        {
            "explicit": lambda: seconds(lambda: (images @ concepts.T) @ embeddings),
            "folded": lambda: min(seconds(lambda: images @ folded) for _ in range(20)),
        },
        REPEATS,
    )
    milliseconds = 1000 * sorted(taken["folded"])[REPEATS // 2]
    return [
        ratio_row(
            f"folded projector, {BATCH} images, {BANK:,} x {IMAGE} x {LLM}",
            taken["explicit"],
            taken["folded"],
            f"the explicit scores; lowest cosine {cosines.min():.7f}",
            better="higher",
            told=f"{milliseconds:.1f} ms",
        )
    ]
