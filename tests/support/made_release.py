"""A made release as the published one is laid out, pictures for it, and its zero-shot written out in plain torch.

The release has random weights: only that two ways to compute the same come to the same can be seen by it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tests.support.clip_merges import MERGES, written
from tests.support.plain_release import State, image_features, image_vectors, random_release, text_vectors

LABELS = ("Pleural Effusion", "Cardiomegaly", "Lung_Opacity", "No Finding")
SIZE = 56
"""Pixels of a side: four patches of 14."""

Embed = Callable[[Sequence[str]], np.ndarray]
Tokens = Callable[[Sequence[str]], list[list[int]]]


def bank_texts(count: int) -> list[str]:
    """`count` distinct texts, many of which say what others say, in other words, case or space."""
    findings = ("pleural effusion", "cardiomegaly", "enlarged heart", "the heart is enlarged", "lung opacity", "edema")
    degrees = ("", "small ", "Small ", "large ", "moderate  ", "no ")
    sides = ("", "left ", "right ", "left-sided ", "bilateral ")
    texts = [
        f"{degree}{side}{finding}{more}".strip()
        for more in ("", *(f" at level {number}" for number in range(count)))
        for degree in degrees
        for side in sides
        for finding in findings
    ]
    return list(dict.fromkeys(texts))[:count]


def write_release(folder: Path, texts: Sequence[str], vectors: np.ndarray, *, seed: int = 0) -> State:
    """The three files of a release, and its merges; the rows of the CSV stand in no order. Returns its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    state = random_release(width=64, layers=1, grid=5, text_layers=1, context=32, dimension=32, seed=seed)
    torch.save(state, folder / "best_model.pt")
    torch.save(torch.from_numpy(vectors), folder / f"concept_embeddings_{len(texts)}.pt")
    with (folder / "mimic_concepts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["concept_idx", "concept"])
        writer.writerows((int(row), texts[row]) for row in np.random.default_rng(seed).permutation(len(texts)))
    written(folder / "merges.txt", MERGES)
    return state


def write_study(folder: Path, count: int, *, seed: int = 0) -> list[Path]:
    """Oblong pictures in `folder`, and labels.csv beside it: each of LABELS 1 or 0, by dice. Returns the pictures."""
    folder.mkdir(parents=True)
    dice = np.random.default_rng(seed)
    paths = [folder / f"im{number:04}.png" for number in range(count)]
    for path in paths:
        width, height = dice.integers(60, 140, 2)
        waves = (
            np.sin(np.arange(width) / dice.uniform(1, 20)) * np.cos(np.arange(height) / dice.uniform(1, 20))[:, None]
        )
        noise = dice.integers(0, 30, (height, width))
        Image.fromarray(np.clip(110 + 100 * waves + noise, 0, 255).astype(np.uint8)).save(path, compress_level=1)
    with (folder.parent / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", *LABELS])
        writer.writerows([path.name, *dice.integers(0, 2, len(LABELS))] for path in paths)
    return paths


def read_labels(file: Path) -> dict[str, dict[str, int]]:
    """What `write_study` wrote: by label and image."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    return {label: {row["image_id"]: int(row[label]) for row in rows} for label in LABELS}


def published_square(path: Path, size: int = SIZE) -> torch.Tensor:
    """A picture as the published script makes it: Lanczos, `int()` of the sides, black around: uint8 (size, size)."""
    picture = Image.open(path).convert("RGB")
    ratio = float(size) / max(picture.size)
    inner = tuple(int(side * ratio) for side in picture.size)
    square = Image.new("L", (size, size))
    square.paste(picture.resize(inner, Image.Resampling.LANCZOS), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return torch.from_numpy(np.asarray(square).copy())


def published_scores(
    state: State, paths: Sequence[Path], *, texts: Sequence[str], vectors: np.ndarray, embed: Embed, tokens: Tokens
) -> torch.Tensor:
    """The published zero-shot from its definition, without a projector: (images, LABELS), float64."""
    pixels = torch.stack([published_square(path) for path in paths])
    images = _unit(image_vectors(state, image_features(state, pixels)))
    concepts = _unit(text_vectors(state, tokens(texts)))
    seen = _unit(images @ concepts.T @ torch.from_numpy(vectors).double())
    for_it = _unit(torch.from_numpy(embed([label.lower() for label in LABELS])).double())
    against = _unit(torch.from_numpy(embed([f"no {label.lower()}" for label in LABELS])).double())
    return torch.softmax(torch.stack([seen @ for_it.T, seen @ against.T]), dim=0)[0]


def auroc(scores: torch.Tensor, truth: torch.Tensor) -> float:
    """The share of pairs in which the one that has it scores higher; ties count half."""
    gaps = scores[truth == 1][:, None] - scores[truth == 0][None]
    return float(((gaps > 0).double() + (gaps == 0).double() / 2).mean())


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=1, keepdim=True)
