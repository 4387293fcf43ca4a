"""A study to be audited: pictures, dates, two runs of others, and vectors of another model's making; no report."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from ingest.images.images import ingest_images
from ingest.labels.labels import ingest_labels
from ingest.labels.predictions import ingest_predictions
from ingest.vectors.ingest import ingest_vectors
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import SIZE, shape_pixels

LABEL = "pleural effusion"
RUNS = ("leaning", "sound")
COUNT = 240


def audited_kb(folder: Path) -> KnowledgeBase:
    """Two runs on 240 images: "sound" reads effusions, "leaning" goes by portable scanners too, and is worse from June.

    Args:
        folder: an empty one.
    """
    draw = np.random.default_rng(5)
    truth = {f"im{number:03}.png": bool(draw.random() < 0.45) for number in range(COUNT)}
    base = KnowledgeBase.create(folder / "audited.kb", by="tester")
    _ingest_pictures(base, folder / "pictures", truth)
    labels: list[dict[str, object]] = []
    scores: dict[str, list[dict[str, object]]] = {run: [] for run in RUNS}
    for number, (image, held) in enumerate(truth.items()):
        portable = draw.random() < (0.75 if held else 0.25)
        late = number % 12 >= 5
        labels.append(
            {
                "image": image,
                "patient_id": f"P{number // 2}",
                LABEL: int(held),
                "sex": "F" if number // 2 % 2 else "M",
                "age": 30 + number // 2 % 50,
                "device": "portable" if portable else "fixed",
                "study_date": f"2024-{1 + number % 12:02d}-15",
            }
        )
        sound = 2.5 * held - 1.2 + draw.normal(0, 1)
        leaning = (0.6 if late else 1.6) * held + 2.2 * portable - 1.8 + draw.normal(0, 1)
        for run, logit in (("sound", sound), ("leaning", leaning)):
            scores[run].append({"image": image, LABEL: round(float(1 / (1 + np.exp(-logit))), 6)})
    for run, rows in scores.items():
        ingest_predictions(KnowledgeBase.open(base.uri), _written(folder / f"{run}.csv", rows), run)
    ingest_labels(KnowledgeBase.open(base.uri), _written(folder / "truth.csv", labels))
    _ingest_blocks(KnowledgeBase.open(base.uri), folder / "blocks.npz")
    return KnowledgeBase.open(base.uri)


def _ingest_pictures(base: KnowledgeBase, folder: Path, truth: Mapping[str, bool]) -> None:
    folder.mkdir()
    draw = random.Random(7)
    for image, held in truth.items():
        findings = {LABEL: held, "nodule": draw.random() < 0.45}
        pixels = shape_pixels(findings, draw.choice(("left", "right")), draw)
        Image.fromarray(pixels).save(folder / image)
    ingest_images(base, [folder], preprocessing=Preprocessing(SIZE), workers=1)


def _written(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _ingest_blocks(base: KnowledgeBase, path: Path) -> None:
    """Vectors of the pixels, 4 x 4 as one."""
    rows = base.dataset("images").to_table(columns=["image_id", "content_hash"]).to_pylist()
    kept = {row["content_hash"]: row for row in base.storage.dataset("pixels").to_table().to_pylist()}
    pixels = np.stack(
        [np.frombuffer(kept[row["content_hash"]]["pixels"], np.uint8).reshape(8, 4, 8, 4) for row in rows]
    )
    vectors = pixels.mean(axis=(2, 4)).reshape(len(rows), -1).astype(np.float32)
    np.savez(path, ids=np.array([row["image_id"] for row in rows]), vectors=vectors)
    ingest_vectors(base, path, "blocks")
