"""From the three published files to predictions, explanation and audit, through the real command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.model.checkpoint import load_checkpoint
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_embedder
from tests.support.made_release import SIZE, bank_texts, write_release, write_study

Cli = Callable[..., subprocess.CompletedProcess[str]]
TEXTS = bank_texts(60)
KB = ("--kb", "clear.kb")
IMPORT = ("import-release", "release", "--size", SIZE, *KB)


@pytest.fixture
def maker(tiny_model: Path) -> Embedder:
    return load_embedder(str(tiny_model))


@pytest.fixture
def release(tmp_path: Path, maker: Embedder) -> Path:
    write_release(tmp_path / "release", TEXTS, maker.embed(TEXTS))
    return tmp_path / "release"


def concepts(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.open(tmp_path / "clear.kb")


def test_four_commands_from_the_release_to_an_audit(
    release: Path, tiny_model: Path, tmp_path: Path, cli: Cli, cli_json: Callable[..., Any]
) -> None:
    write_study(tmp_path / "images", 40)
    cli("ingest", "images", "images", "--size", SIZE, "--resample", "lanczos", *KB)
    cli("ingest", "labels", "labels.csv", *KB)

    shown = cli(*IMPORT, "--embedder", tiny_model).stdout
    assert "60 of 60 texts added, 60 with their vector" in shown and f"{SIZE} pixels, pad, lanczos" in shown
    assert "lacks" not in shown
    told = cli("predict", "zero-shot", "--like", "published", "--encode", "--encoder", "clear-encoder", *KB)
    assert "space llm, weights each" in told.stdout
    assert "as published  score: sigmoid(cos(z, x) - cos(z, no x)), not scaled, not calibrated" in told.stdout
    assert "not the published scores" not in told.stderr
    explained = cli_json("explain", "im0000.png", "No Finding", "--run", "zero-shot-llm", *KB)
    assert abs(explained["residual"]) < 1e-5
    assert (
        "Cardiomegaly" in cli("audit", "confounders", "--label", "Cardiomegaly", "--run", "zero-shot-llm", *KB).stdout
    )

    again = cli_json(*IMPORT, "--embedder", tiny_model)
    assert (again["known"], again["concepts"]["added"], again["concepts"]["commit"]) == (True, 0, None)


def test_what_lacks_is_told_at_once_and_the_advice_helps(
    release: Path, tiny_model: Path, tmp_path: Path, cli: Cli
) -> None:
    write_study(tmp_path / "images", 24)
    shown = cli(*IMPORT).stdout
    assert "the name of what made the embeddings" in shown and "clear-kb vocab embedder NAME" in shown
    cli("ingest", "images", "images", "--size", SIZE, "--resample", "lanczos", *KB)
    cli("ingest", "labels", "labels.csv", *KB)
    predict = ("predict", "zero-shot", "--encode", "--encoder", "clear-encoder", *KB)
    for like in (("--like", "published"), ()):
        refused = cli(*predict, *like, code=1).stderr
        assert "does not say what made them" in refused and "clear-kb vocab embedder NAME" in refused
        assert ("space encoder needs no embedder" in refused) == (not like)
    assert concepts(tmp_path).dataset("image_vectors").count_rows() == 0  # it was found out before
    assert not (tmp_path / "clear-encoder" / "space").exists()
    cli("vocab", "embedder", tiny_model, *KB)
    assert "as published" in cli(*predict, "--like", "published", "--run", "named").stdout
    assert "space encoder" in cli(*predict, "--space", "encoder", "--run", "own").stdout


def test_the_encoders_own_vectors_are_not_taken_for_embeddings(release: Path, tmp_path: Path, cli: Cli) -> None:
    cli(*IMPORT)
    own = load_checkpoint(tmp_path / "clear-encoder").encoder.text_vectors(TEXTS)
    torch.save(own.clone(), release / f"concept_embeddings_{len(TEXTS)}.pt")
    shown = cli("import-release", "release", "--size", SIZE, "--kb", "own.kb").stdout
    assert "holds the encoder's own vectors of the texts" in shown and "clear-kb embed --model NAME" in shown
    assert KnowledgeBase.open(tmp_path / "own.kb").embedder is None


def test_files_that_do_not_fit_are_refused_before_the_weights_are_read(release: Path, tmp_path: Path, cli: Cli) -> None:
    torch.save(torch.from_numpy(np.ones((3, 16), dtype=np.float32)), release / f"concept_embeddings_{len(TEXTS)}.pt")
    assert "60 concepts" in cli(*IMPORT, code=2).stderr
    (release / "best_model.pt").unlink()
    (release / "mimic_concepts.csv").unlink()
    assert "has no best_model.pt and no mimic_concepts.csv" in cli(*IMPORT, code=2).stderr
    assert "there is no folder nowhere" in cli("import-release", "nowhere", *KB, code=2).stderr
    assert not (tmp_path / "clear-encoder").exists()
