"""A study taken in, embedded and encoded on a Ray cluster: the tables are those of one machine, byte for byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from encoder.vectors.encoding import encode
from ingest.extractors.rules import RulesExtractor
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
from tests.support.examples import drawn_from
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


def study(
    folder: Path, pictures: Path, reports: Path, model: Path, *, engine: Engine, with_networks: bool
) -> KnowledgeBase:
    kb = KnowledgeBase.create(folder / "study.kb", by="tester")
    ingest_reports(kb, [reports], IngestOptions(workers=1), engine=engine)
    ingest_images(kb, [pictures], preprocessing=Preprocessing(SIZE), allow_unjoined=True, engine=engine)
    if with_networks:
        embed_concepts(kb, load_embedder(str(model)), engine=engine)
        encode(kb, untrained(pictures / "encoder"), batch_size=5, engine=engine)
    return kb


@pytest.mark.parametrize(
    "with_networks",
    # Every worker of a cluster loads torch, which takes longer than all that is asked of it here.
    [False, pytest.param(True, marks=pytest.mark.soak)],
    ids=["reports and pictures", "vectors too"],
)
def test_a_study_is_the_same_bit_by_bit(
    ray: Engine, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, with_networks: bool
) -> None:
    # Pieces and chunks of which this small study has many: how they are cut is no matter of the engine.
    monkeypatch.setattr(cache, "PIECE", 16)
    monkeypatch.setattr(RulesExtractor, "chunk_reports", 30)
    shapes_study(tmp_path / "s", str(tiny_model), count=24)
    reports = write_made_reports(tmp_path, 120)
    here, there = (
        study(tmp_path / name, tmp_path / "s", reports, tiny_model, engine=engine, with_networks=with_networks)
        for name, engine in (("local", LocalEngine()), ("ray", ray))
    )
    # An encoding commits what it has every two minutes, too.
    acts = ("ingest reports", "ingest images", *(["embed"] if with_networks else []))
    for kb in (here, there):
        assert sorted(commit.operation for commit in kb.log() if commit.operation in acts) == sorted(acts)
    mine, theirs = held(here), held(there)
    for name in TABLES if with_networks else TABLES[:3] + TABLES[4:6]:
        assert mine[name].num_rows, name
        assert mine[name].equals(theirs[name]), name


@pytest.mark.soak
def test_an_extractor_that_asks_a_language_model_stays_here(ray: Engine, kb: KnowledgeBase, tmp_path: Path) -> None:
    llm = ExtractorOptions(name="llm", model="any@http://127.0.0.1:9/v1", dialect="openai")
    with pytest.raises(UsageError, match="counts what it costs in one process"):
        ingest_reports(kb, [write_made_reports(tmp_path, 3)], IngestOptions(extractor=llm), engine=ray)


KILLS = 8


def servers(place: str) -> list[int]:
    """The processes of clusters whose files lie in a folder."""
    found = subprocess.run(["pgrep", "-f", f"{place}/ckb-ray-"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


@pytest.fixture
def place() -> Iterator[str]:
    """A folder for temporary files whose path is short."""
    with tempfile.TemporaryDirectory(prefix="k-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.mark.soak
def test_a_killed_command_leaves_nothing_and_is_done_when_it_is_said_again(tmp_path: Path, place: str) -> None:
    """Kills at seeded moments; the command that ends at last has the tables of one that was never killed."""
    reports = write_made_reports(tmp_path, 6_000)
    draw = random.Random(drawn_from(20))
    environment = {**os.environ, "TMPDIR": place}
    clear_kb = [str(Path(sys.executable).with_name("clear-kb")), "ingest", "reports", str(reports), "--no-embed"]
    asked = [*clear_kb, "--kb", str(tmp_path / "ray.kb"), "--engine", "ray", "--workers", "2"]
    killed = 0
    for _ in range(KILLS):
        process = subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        try:
            process.wait(draw.uniform(3, 25))
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
    assert killed
    subprocess.run(asked, check=True, capture_output=True)
    subprocess.run([*clear_kb, "--kb", str(tmp_path / "local.kb")], check=True, capture_output=True)
    there, here = (KnowledgeBase.open(str(tmp_path / name)) for name in ("ray.kb", "local.kb"))
    assert [commit.operation for commit in there.log()].count("ingest reports") == 1
    for name in ("reports", "observations", "concepts"):
        mine, theirs = here.dataset(name).to_table(), there.dataset(name).to_table()
        assert mine.num_rows and mine.equals(theirs), name
    until = time.monotonic() + 60
    while left := servers(place):
        assert time.monotonic() < until, f"processes of a cluster whose command was killed: {left}"
        time.sleep(1)
