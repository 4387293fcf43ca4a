"""An encoder that was trained on the shapes, and a knowledge base with its vectors and labels: made once a worker."""

from __future__ import annotations

import pytest

from encoder.training.trainer import train
from encoder.vectors.encoding import encode
from ingest.labels.labels import ingest_labels
from kb.vectors.embedding import Embedder
from tests.support.shapes import CONFIG, RESNET, Shapes, shapes_study


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Shapes:
    folder = tmp_path_factory.mktemp("trained")
    kb = shapes_study(folder / "study", embedder, count=300)
    ingest_labels(kb, folder / "study" / "labels.csv")
    made = {}
    for objective, epochs in (("concepts", 14), ("report", 4)):
        values = {"objective": objective, "backbone": RESNET, "epochs": epochs, "patience": 16, "batch_size": 16}
        result = train(kb, CONFIG.with_values(values), folder / objective, device="cpu")
        assert result is not None
        made[objective] = result.checkpoint
        encode(kb, result.checkpoint)
    return Shapes(kb, made["concepts"], made["report"], embedder)
