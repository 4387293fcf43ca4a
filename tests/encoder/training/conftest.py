"""A study of few pictures at two sizes, and encoders trained on it for an instant: made once a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.training.trainer import train
from ingest.images.images import ingest_images
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from tests.support.shapes import CONFIG, VIT, shapes_study

LARGER = 48


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> KnowledgeBase:
    """Pictures of 32 pixels, and the same of 48."""
    folder = tmp_path_factory.mktemp("few")
    kb = shapes_study(folder, str(tiny_model), count=60)
    ingest_images(kb, [folder], table=folder / "images.csv", preprocessing=Preprocessing(LARGER), workers=1)
    return kb


@pytest.fixture(scope="session")
def begun(few: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of a small vision transformer, one an objective."""
    folder = tmp_path_factory.mktemp("begun")
    for objective in ("concepts", "report"):
        values = {"objective": objective, "backbone": VIT, "epochs": 1, "batch_size": 12}
        train(few, CONFIG.with_values(values), folder / objective, device="cpu")
    return {objective: folder / objective for objective in ("concepts", "report")}
