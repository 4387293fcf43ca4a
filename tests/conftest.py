"""What many tests stand on: a fresh knowledge base, the bundled embedder, the command line as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_embedder
from tests.support.command_process import run_command
from tests.support.copies import copy_of
from tests.support.paths import SHARED
from tests.support.s3_server import S3Server
from tests.support.small_models import tiny_sentence_transformer
from tests.support.tables import ward_in


@pytest.fixture(scope="session")
def empty_kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """What copies are made of: to make twenty tables takes three times as long."""
    return KnowledgeBase.create(tmp_path_factory.mktemp("empty") / "test.kb", by="tester")


@pytest.fixture
def kb(empty_kb: KnowledgeBase, tmp_path: Path) -> KnowledgeBase:
    """An empty knowledge base of the test's own."""
    return copy_of(empty_kb, tmp_path)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The bundled all-MiniLM-L6-v2."""
    return load_embedder()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a 16-d BERT made from a config: quick to load, of no meaning."""
    return tiny_sentence_transformer(tmp_path_factory.mktemp("models") / "tiny", dimension=16, seed=0)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 server on loopback."""
    with S3Server() as server:
        yield server


@pytest.fixture
def cli(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `clear-kb` through its entry point, in a process of its own and an empty folder."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("CLEAR_KB")} | {"NO_COLOR": "1"}

    def run(
        *arguments: object, code: int = 0, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = run_command(
            [str(argument) for argument in arguments],
            folder=tmp_path,
            environment={**ours, **(environment or {})},
            captured=tmp_path_factory.mktemp("printed"),
            timeout=300,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture
def cli_json(cli: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., object]:
    """Runs `clear-kb ... --format json` and reads what it prints."""

    def run(*arguments: object, code: int = 0) -> object:
        return json.loads(cli(*arguments, "--format", "json", code=code).stdout)

    return run


@pytest.fixture(scope="session")
def openi_csv() -> Path:
    """The real Open-i reports, where they are at hand."""
    path = SHARED / "data" / "openi_reports.csv"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    return path


@pytest.fixture(scope="session")
def ward_kb(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeBase:
    """A small ward that many tests ask; none changes it."""
    return ward_in(tmp_path_factory.mktemp("ward"))
