"""A vocabulary of the published bank's size, made from the lexicon: no report and no download is needed."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.unit_vectors import ROWS, shortened
from kb.language.lexicon import load_lexicon

BANK = 368_294
"""Observations in the published bank."""

DENIED = 0.15
SIDES = ("", "", "", "left", "right", "bilateral")
SEVERITIES = ("", "", "", "", "mild", "moderate", "severe", "small", "large", "minimal", "trace")
DESCRIPTORS = (
    "", "", "patchy", "linear", "focal", "diffuse", "chronic", "acute", "new", "old", "healed", "calcified", "nodular",
    "rounded", "hazy", "streaky", "dense", "subtle", "multiple", "scattered", "residual", "loculated", "confluent",
    "ill-defined", "well-defined", "post-operative", "degenerative", "displaced", "prominent", "asymmetric",
)  # fmt: skip


def large_vocabulary(count: int = BANK, seed: int = 0) -> list[str]:
    """`count` distinct observations, lower case, in the order of `seed`."""
    texts: dict[str, None] = {}
    for text in _observations(random.Random(seed)):
        texts.setdefault(text)
        if len(texts) == count:
            break
    return list(texts)


def _observations(dice: random.Random) -> Iterator[str]:
    lexicon = load_lexicon()
    names = [term.lower() for term in lexicon.terms()]
    places = ["", "", *(label for label in lexicon.places())]
    while True:
        size = f"{dice.randint(2, 60)} mm" if dice.random() < 0.08 else ""
        words = [
            "no" if dice.random() < DENIED else "",
            dice.choice(SEVERITIES),
            dice.choice(SIDES),
            size,
            dice.choice(DESCRIPTORS),
            dice.choice(names),
        ]
        place = dice.choice(places)
        yield " ".join(word for word in [*words, f"in the {place}" if place else ""] if word)


def word_vectors(texts: list[str], dimension: int, seed: int = 0) -> np.ndarray:
    """Unit vectors that are near where texts share words, as embeddings are: the sum of one random vector a word."""
    dice = np.random.default_rng(seed)
    words = {word: at for at, word in enumerate(sorted({word for text in texts for word in text.split()}))}
    table = dice.standard_normal((len(words), dimension)).astype(np.float32)
    vectors = np.empty((len(texts), dimension), dtype=np.float32)
    for at, text in enumerate(texts):
        vectors[at] = table[[words[word] for word in text.split()]].sum(axis=0)
    for start in range(0, len(vectors), ROWS):
        part = vectors[start : start + ROWS]
        part += 0.3 * dice.standard_normal(part.shape, dtype=np.float32)
    return shortened(vectors)


def bank_of(folder: Path, count: int, dimension: int) -> tuple[Path, Path]:
    """A bank as the published one is laid out: its CSV and its tensor, written to `folder`."""
    import torch

    texts = large_vocabulary(count)
    concepts, tensor = folder / "mimic_concepts.csv", folder / "concept_embeddings.pt"
    with concepts.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["concept_idx", "concept"])
        writer.writerows(enumerate(texts))
    torch.save(torch.from_numpy(word_vectors(texts, dimension)), tensor)
    return concepts, tensor
