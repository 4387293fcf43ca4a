"""A small study with an encoder, a probe and a bottleneck, to be looked at in the workbench: made once a worker."""

from __future__ import annotations

import pytest

from encoder.prediction.bottleneck_run import predict_bottleneck
from encoder.prediction.predicting import PredictOptions
from encoder.prediction.probe_run import predict_probe
from encoder.training.trainer import train
from encoder.vectors.encoding import encode
from ingest.labels.labels import ingest_labels
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder
from tests.support.shapes import CONFIG, RESNET, shapes_study


@pytest.fixture(scope="session")
def read_study(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> KnowledgeBase:
    """200 pictures of squares and discs with reports, labels, vectors and two runs, "probe" and "bottleneck"."""
    folder = tmp_path_factory.mktemp("looked-at")
    kb = shapes_study(folder / "study", embedder, count=200)
    ingest_labels(kb, folder / "study" / "labels.csv")
    values = {"objective": "concepts", "backbone": RESNET, "epochs": 10, "patience": 12, "batch_size": 16}
    trained = train(kb, CONFIG.with_values(values), folder / "encoder", device="cpu")
    assert trained is not None
    encode(kb, trained.checkpoint)
    predict_probe(kb, trained.checkpoint, PredictOptions(run="probe", space="encoder"))
    predict_bottleneck(kb, trained.checkpoint, PredictOptions(run="bottleneck"), count=4)
    return KnowledgeBase.open(kb.uri)
