"""How large gradients are, and how many steps the clip cuts: it is for the rare step, not for every one."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import Row
from ingest.demo import write_phantom_study
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import load_embedder

COUNT, SIZE, EPOCHS = 500, 96, 6
VIT = {
    "model_type": "dinov2",
    "num_channels": 1,
    "image_size": SIZE,
    "patch_size": 12,
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "layerscale_value": 1.0,
}
BACKBONES = {"the ResNet of cpu-demo": {}, "a small ViT": {"backbone": VIT, "learning_rate": 1e-3}}


def run() -> list[Row]:
    """Train both objectives on phantoms, with a network of either kind, and count the steps that were clipped."""
    with tempfile.TemporaryDirectory() as folder:
        study = write_phantom_study(Path(folder) / "study", COUNT, size=SIZE)
        kb = KnowledgeBase.create(Path(folder) / "k.kb")
        ingest_reports(kb, [study.reports], embedder=load_embedder)
        ingest_images(kb, [], table=study.image_table, preprocessing=Preprocessing(SIZE))
        return [
            _row(kb, Path(folder), name, {**values, "objective": objective})
            for name, values in BACKBONES.items()
            for objective in ("concepts", "report")
        ]


def _row(kb: KnowledgeBase, folder: Path, name: str, values: dict[str, object]) -> Row:
    import numpy as np

    from encoder.training.config import read_config
    from encoder.training.tracking.steps_file import read_steps
    from encoder.training.trainer import train

    config = read_config("cpu-demo").with_values({"epochs": EPOCHS, **values})
    out = folder / f"{name} {config.objective}"
    train(kb, config, out, device="cpu")
    rows = read_steps(out)
    low, median, high = np.percentile([row["gradient_norm"] for row in rows], (5, 50, 95))
    clipped = sum(row["clipped"] for row in rows) / len(rows)
    what = f"steps clipped at {config.gradient_clip:g}, `{config.objective}`, {name}"
    told = f"{len(rows)} steps; norm {median:.2f} ({low:.2f} to {high:.2f}, 5 to 95 %)"
    return Row(what, f"{clipped:.0%}", "", told, number=100 * clipped, better="lower")
