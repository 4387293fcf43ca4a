"""A study taken in, embedded and encoded on a Ray cluster: the tables are those of one machine, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from encoder.vectors.encoding import encode
from ingest.images.images import ingest_images
from ingest.reports.ingest import ingest_reports
from ingest.reports.options import ExtractorOptions, IngestOptions
from kb.engines.local import LocalEngine
from kb.engines.work import Engine
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import cache, load_embedder
from kb.vocabulary.embed_concepts import embed_concepts
from tests.support.ray_cluster import needs_ray, two_workers
from tests.support.reports import write_made_reports
from tests.support.shapes import SIZE, shapes_study
from tests.support.untrained import untrained

pytestmark = needs_ray

TABLES = ("reports", "observations", "concepts", "embeddings", "images", "pixels", "image_vectors", "encoders")


@pytest.fixture(scope="module")
def ray() -> Iterator[Engine]:
    with two_workers() as engine:
        yield engine


def held(kb: KnowledgeBase) -> dict[str, pa.Table]:
    """All tables in the order of their rows."""
    pinned = {name: kb.dataset(name) for name in TABLES if name not in ("embeddings", "pixels")}
    kept = {name: kb.storage.dataset(name) for name in ("embeddings", "pixels")}
    return {name: dataset.to_table() for name, dataset in {**pinned, **kept}.items()}


def study(folder: Path, pictures: Path, reports: Path, model: Path, *, engine: Engine) -> KnowledgeBase:
    kb = KnowledgeBase.create(folder / "study.kb", by="tester")
    ingest_reports(kb, [reports], IngestOptions(workers=1), engine=engine)
    embed_concepts(kb, load_embedder(str(model)), engine=engine)
    ingest_images(kb, [pictures], preprocessing=Preprocessing(SIZE), allow_unjoined=True, engine=engine)
    encode(kb, untrained(pictures / "encoder"), batch_size=5, engine=engine)
    return kb


def test_a_study_is_the_same_bit_by_bit(
    ray: Engine, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "PIECE", 16)
    shapes_study(tmp_path / "s", str(tiny_model), count=40)
    reports = write_made_reports(tmp_path, 250)
    here, there = (
        study(tmp_path / name, tmp_path / "s", reports, tiny_model, engine=engine)
        for name, engine in (("local", LocalEngine()), ("ray", ray))
    )
    assert len(here.log()) == len(there.log())
    mine, theirs = held(here), held(there)
    for name in TABLES:
        assert mine[name].num_rows, name
        assert mine[name].equals(theirs[name]), name


def test_an_extractor_that_asks_a_language_model_stays_here(ray: Engine, kb: KnowledgeBase, tmp_path: Path) -> None:
    llm = ExtractorOptions(name="llm", model="any@http://127.0.0.1:9/v1", dialect="openai")
    with pytest.raises(UsageError, match="counts what it costs in one process"):
        ingest_reports(kb, [write_made_reports(tmp_path, 3)], IngestOptions(extractor=llm), engine=ray)
