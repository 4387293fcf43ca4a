"""A small study for tests: squares and discs on grey, with reports that say where; a network learns it in seconds."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoder.model.checkpoint import Checkpoint
from encoder.training.config import TrainConfig
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_embedder

SIZE = 32
NET = {
    "model_type": "convnext",
    "num_channels": 1,
    "patch_size": 4,
    "num_stages": 2,
    "hidden_sizes": [16, 32],
    "depths": [1, 1],
}
RESNET = {
    "model_type": "resnet",
    "num_channels": 1,
    "layer_type": "basic",
    "embedding_size": 16,
    "hidden_sizes": [16, 32],
    "depths": [1, 1],
}
"""Its batch norms learn most from few images."""

VIT = {
    "model_type": "dinov2",
    "num_channels": 1,
    "image_size": SIZE,
    "patch_size": 8,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "layerscale_value": 1.0,
}
CONFIG = TrainConfig().with_values(
    {
        "backbone": NET,
        "dimension": 16,
        "size": SIZE,
        "text": {"width": 32, "layers": 1, "heads": 2, "context": 32, "tokens": 400},
        "batch_size": 32,
        "epochs": 3,
        "patience": 3,
        "learning_rate": 3e-3,
        "ema": 0.9,
        "augment": {"rotate": 0.0, "scale": 0.0, "shift": 0.0, "contrast": 0.0, "brightness": 0.0},
    }
)
"""A training of seconds."""


def shapes_study(folder: Path, embedder: str | Embedder, count: int = 120, seed: int = 0) -> KnowledgeBase:
    """A knowledge base of `count` pictures: an effusion is a bright base, a nodule a bright spot, both on a side."""
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    reports, images, labels = [], [], []
    for number in range(count):
        name, findings = f"im{number:04d}.png", {f: draw.random() < 0.45 for f in ("pleural effusion", "nodule")}
        side = draw.choice(("left", "right"))
        _draw(folder / name, findings, side, draw)
        said = [f"There is a {side} {f}." if there else f"No {f}." for f, there in findings.items()]
        reports.append({"report_id": f"R{number}", "study_id": f"S{number}", "findings": " ".join(said)})
        split = "train" if number % 10 < 6 else "validation" if number % 10 < 8 else "test"
        images.append({"image": name, "study_id": f"S{number}", "patient_id": f"P{number // 2}", "split": split})
        labels.append({"image": name, **{f: int(there) for f, there in findings.items()}})
    for table, rows in (("reports", reports), ("images", images), ("labels", labels)):
        with (folder / f"{table}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    kb = KnowledgeBase.create(folder / "shapes.kb", by="tester")
    ingest_reports(
        kb,
        [folder / "reports.csv"],
        embedder=lambda: load_embedder(embedder) if isinstance(embedder, str) else embedder,
    )
    ingest_images(kb, [folder], table=folder / "images.csv", preprocessing=Preprocessing(SIZE), workers=1)
    return kb


def _draw(path: Path, findings: dict[str, bool], side: str, draw: random.Random) -> None:
    from PIL import Image

    Image.fromarray(shape_pixels(findings, side, draw)).save(path)


def shape_pixels(findings: Mapping[str, bool], side: str, draw: random.Random) -> np.ndarray:
    """One such picture, 8 bits."""
    dice = np.random.default_rng(draw.randrange(2**31))
    pixels = dice.normal(70, 10, (SIZE, SIZE))
    left = slice(SIZE // 2, SIZE) if side == "left" else slice(0, SIZE // 2)
    if findings["pleural effusion"]:
        pixels[-9:, left] += 110
    if findings["nodule"]:
        row, column = dice.integers(4, 14), left.start + dice.integers(2, 8)
        pixels[row : row + 6, column : column + 6] += 120
    return pixels.clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Shapes:
    """The study, its trained encoders (by objective) and its embedder."""

    kb: KnowledgeBase
    concepts: Checkpoint
    report: Checkpoint
    embedder: Embedder

    def now(self) -> KnowledgeBase:
        """The knowledge base at its newest commit."""
        return KnowledgeBase.open(self.kb.uri)
