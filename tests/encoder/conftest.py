"""An encoder that was trained on the shapes, and a knowledge base with its vectors and labels: made once a worker."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from encoder.model.checkpoint import Checkpoint
from encoder.training.trainer import train
from encoder.vectors.encoding import encode
from ingest.labels.labels import ingest_labels
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder
from tests.encoder.shapes import CONFIG, RESNET, shapes_study


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
