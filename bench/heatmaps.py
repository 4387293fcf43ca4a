"""Where heat maps fall on phantoms: the pointing game and the overlap of several methods, by label, over three seeds.

Each seed draws its own study without the planted shortcut (a shortcut would be the right place), trains the small
encoder for the processor on it, and asks the probe of each label where it looks, in test images that show the finding.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.heatmap_methods import METHODS
from bench.measure import Row
from encoder.explanation.heatmap import concept_quantity, relevance, smoothed
from encoder.explanation.placing import Corners, Placed, placed
from encoder.model.checkpoint import Checkpoint, load_checkpoint
from encoder.prediction.probe import Examples, fit_probe
from encoder.training.config import read_config
from encoder.training.trainer import train
from ingest.demo import write_phantom_study
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder

SEEDS, COUNT, SIZE = (0, 1, 2), 2_000, 96
EACH = 12
"""Images of each label and seed."""

OURS = "integrated gradients"
LABELS = ("cardiomegaly", "chest tube", "nodule", "opacity", "pacemaker", "pleural effusion", "pneumothorax")

Found = Mapping[str, Mapping[str, Sequence[Placed]]]
"""What the maps of one seed come to, by method and label."""


@dataclass(frozen=True, eq=False)
class Phantoms:
    """A drawn study: its pictures (n, size, size), splits, patients, labels (n, labels), boxes by image and label."""

    pixels: np.ndarray
    splits: np.ndarray
    patients: list[str]
    truth: np.ndarray
    boxes: Mapping[tuple[int, str], Sequence[Corners]]


def run() -> list[Row]:
    """Draw, train and measure."""
    with tempfile.TemporaryDirectory() as folder:
        return rows([measure(*prepared(Path(folder) / str(seed), seed)) for seed in SEEDS])


def prepared(folder: Path, seed: int) -> tuple[Checkpoint, Phantoms]:
    """An encoder of phantoms, and the phantoms."""
    study = write_phantom_study(folder / "study", COUNT, seed=seed, size=SIZE, shortcut=0.0)
    kb = KnowledgeBase.create(folder / "p.kb")
    ingest_reports(kb, [study.reports], embedder=load_embedder)
    ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SIZE))
    train(kb, read_config("cpu-demo").with_values({"seed": seed}), folder / "encoder")
    return load_checkpoint(folder / "encoder"), read_phantoms(folder / "study")


def read_phantoms(folder: Path) -> Phantoms:
    """A drawn study from its files."""
    from PIL import Image

    images, labels, boxes = (list(_rows(folder / f"{name}.csv")) for name in ("images", "labels", "boxes"))
    numbers = {row["image"]: number for number, row in enumerate(images)}
    found: dict[tuple[int, str], list[Corners]] = {}
    for row in boxes:
        corners = float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"])
        found.setdefault((numbers[row["image"]], row["finding"]), []).append(corners)
    by_image = {row["image"]: [float(row[label]) for label in LABELS] for row in labels}
    return Phantoms(
        pixels=np.stack([np.asarray(Image.open(folder / row["image"])) for row in images]),
        splits=np.array([row["split"] for row in images]),
        patients=[row["patient_id"] for row in images],
        truth=np.array([by_image[row["image"]] for row in images]),
        boxes=found,
    )


def measure(checkpoint: Checkpoint, phantoms: Phantoms, each: int = EACH) -> Found:
    """The maps of all methods on test images of each label."""
    import torch

    vectors, mean = _vectors(checkpoint, phantoms.pixels), phantoms.pixels.mean(axis=0, dtype=np.float64)
    tower = checkpoint.encoder.image.eval()
    found: dict[str, dict[str, list[Placed]]] = {name: {} for name in (OURS, *METHODS)}
    taken = dict.fromkeys(found, 0.0)
    for column, label in enumerate(LABELS):
        parts = [
            Examples(vectors[at], phantoms.truth[at, column], [phantoms.patients[n] for n in at.tolist()])
            for at in (np.flatnonzero(phantoms.splits == split) for split in ("train", "validation"))
        ]
        head = fit_probe(label, *parts)
        assert head is not None
        direction = torch.from_numpy(head.weights).float()
        shown = [n for n in np.flatnonzero(phantoms.splits == "test").tolist() if (n, label) in phantoms.boxes][:each]
        for number in shown:
            pixels = phantoms.pixels[number]
            image, base = (torch.from_numpy(one.astype(np.float32)) for one in (pixels, mean))
            for name in found:
                started = time.perf_counter()
                if name == OURS:
                    relevant = relevance(checkpoint, pixels, mean, quantity=concept_quantity(head.weights))
                else:
                    relevant = METHODS[name](tower, image, base, direction).astype(np.float32)
                taken[name] += time.perf_counter() - started
                said = placed(smoothed(relevant, SIZE), phantoms.boxes[number, label])
                found[name].setdefault(label, []).append(said)
    print({name: f"{seconds:.0f} s" for name, seconds in taken.items()})
    return found


def rows(seeds: Sequence[Found]) -> list[Row]:
    """A line a method: the mean hit over labels and seeds, its range over seeds, and the hits by label."""
    first = seeds[0][OURS]
    chance = np.mean([one.area for found in first.values() for one in found])
    lines = []
    for name in seeds[0]:
        hits = [np.mean([_mean(found[name][label], "hit") for label in found[name]]) for found in seeds]
        overlap = np.mean([_mean(found[name][label], "overlap") for found in seeds for label in found[name]])
        by_label = ", ".join(f"{label} {np.mean([_mean(f[name][label], 'hit') for f in seeds]):.2f}" for label in first)
        lines.append(
            Row(
                f"{name}: the strongest place lies in the box",
                f"{np.mean(hits):.2f}",
                f"{min(hits):.2f} to {max(hits):.2f}; {by_label}; mean overlap {overlap:.2f}",
                f"chance {chance:.2f}",
                number=float(np.mean(hits)) if name == OURS else None,
                better="higher" if name == OURS else None,
            )
        )
    return lines


def _vectors(checkpoint: Checkpoint, pixels: np.ndarray) -> np.ndarray:
    import torch

    tower = checkpoint.encoder.image.eval()
    with torch.inference_mode():
        parts = [tower(torch.from_numpy(pixels[start : start + 64])).numpy() for start in range(0, len(pixels), 64)]
    return np.concatenate(parts)


def _mean(found: Sequence[Placed], name: str) -> float:
    return float(np.mean([getattr(one, name) for one in found]))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
