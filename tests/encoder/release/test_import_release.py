"""From the three published files to predictions, explanation and audit, through the real command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.face import predict_zero_shot
from encoder.release.release_folder import ReleaseResult, import_folder
from ingest.images.images import ingest_images
from ingest.labels.labels import ingest_labels
from kb.errors import UsageError
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, EmbeddingError, load_embedder
from kb.vocabulary.name_embedder import name_embedder
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


def study(tmp_path: Path) -> KnowledgeBase:
    """A knowledge base with pictures and their labels, the pictures made as published."""
    kb = KnowledgeBase.create(tmp_path / "clear.kb", by="tester")
    write_study(tmp_path / "images", 40)
    ingest_images(kb, [tmp_path / "images"], preprocessing=Preprocessing(SIZE, "pad", "lanczos"), workers=1)
    ingest_labels(kb, tmp_path / "labels.csv")
    return kb


def imported(release: Path, to: Path, **options: Any) -> ReleaseResult:
    kb = KnowledgeBase.create(to.with_suffix(".kb"), by="tester")
    return import_folder(kb, release, to, preprocessing=Preprocessing(SIZE, "pad", "lanczos"), **options)


def test_four_commands_from_the_release_to_an_audit(
    release: Path, tiny_model: Path, tmp_path: Path, cli: Cli, cli_json: Callable[..., Any]
) -> None:
    study(tmp_path)
    shown = cli(*IMPORT, "--embedder", tiny_model).stdout
    assert "60 of 60 texts added, 60 with their vector" in shown and f"{SIZE} pixels, pad, lanczos" in shown
    assert "lacks" not in shown
    told = cli("predict", "zero-shot", "--like", "published", "--encode", "--encoder", "clear-encoder", *KB)
    assert "space llm, weights each" in told.stdout
    assert "as published  score: sigmoid(cos(z, x) - cos(z, no x)), not scaled, not calibrated" in told.stdout
    assert "not the published scores" not in told.stderr
    explained = cli_json("explain", "im0000.png", "No Finding", "--run", "zero-shot-llm", *KB)["exact"]
    assert abs(explained["residual"]) < 1e-5
    assert (
        "Cardiomegaly" in cli("audit", "confounders", "--label", "Cardiomegaly", "--run", "zero-shot-llm", *KB).stdout
    )


@pytest.mark.soak
def test_what_lacks_is_told_at_once_and_found_out_before_anything_is_encoded(
    release: Path, tiny_model: Path, tmp_path: Path, cli: Cli
) -> None:
    kb = study(tmp_path)
    shown = cli(*IMPORT).stdout
    assert "the name of what made the embeddings" in shown and "clear-kb vocab embedder NAME" in shown
    predict = ("predict", "zero-shot", "--encode", "--encoder", "clear-encoder", *KB)
    refused = cli(*predict, "--like", "published", code=1).stderr
    assert "does not say what made them: `clear-kb vocab embedder NAME`" in refused
    now = KnowledgeBase.open(kb.uri)
    with pytest.raises(EmbeddingError, match=r"made them \(space encoder needs no embedder\)"):
        predict_zero_shot(now, encoder=str(tmp_path / "clear-encoder"), encode_first=True)
    assert now.dataset("image_vectors").count_rows() == 0
    assert not (tmp_path / "clear-encoder" / "space").exists()
    name_embedder(now, load_embedder(str(tiny_model)))
    done = predict_zero_shot(now, encoder=str(tmp_path / "clear-encoder"), encode_first=True, like="published")
    assert done.images == 40 and done.to_dict()["like"] == "published"


def test_the_same_release_again_changes_nothing(release: Path, tmp_path: Path, tiny_model: Path) -> None:
    first = imported(release, tmp_path / "one", embedder=str(tiny_model))
    kb = KnowledgeBase.open(tmp_path / "one.kb")
    again = import_folder(
        kb,
        release,
        tmp_path / "one",
        embedder=str(tiny_model),
        preprocessing=first.checkpoint.preprocessing,
    )
    assert (again.known, again.bank.added, again.bank.commit, again.lacks) == (True, 0, None, "")


def test_the_encoders_own_vectors_are_not_taken_for_embeddings(release: Path, tmp_path: Path) -> None:
    own = imported(release, tmp_path / "one").checkpoint.encoder.text_vectors(TEXTS)
    torch.save(own.clone(), release / f"concept_embeddings_{len(TEXTS)}.pt")
    result = imported(release, tmp_path / "two")
    assert "holds the encoder's own vectors of the texts" in result.lacks
    assert (result.bank.added, result.bank.embedded, result.embedder) == (60, 0, None)


def test_files_that_do_not_fit_are_refused_before_the_weights_are_read(release: Path, tmp_path: Path) -> None:
    torch.save(torch.from_numpy(np.ones((3, 16), dtype=np.float32)), release / f"concept_embeddings_{len(TEXTS)}.pt")
    with pytest.raises(UsageError, match="60 concepts"):
        imported(release, tmp_path / "one")
    (release / "best_model.pt").unlink()
    (release / "mimic_concepts.csv").unlink()
    with pytest.raises(UsageError, match=r"has no best_model.pt and no mimic_concepts.csv"):
        imported(release, tmp_path / "two")
    with pytest.raises(UsageError, match="there is no folder"):
        imported(tmp_path / "nowhere", tmp_path / "three")
    assert not (tmp_path / "one").exists()
