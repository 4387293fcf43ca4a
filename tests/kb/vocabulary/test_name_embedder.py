"""Vectors that came without their maker: it is named afterwards, and only if it made them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from kb.errors import ClearKbError, UsageError
from kb.knowledge_base import KnowledgeBase
from kb.vectors.embedding import Embedder, load_embedder
from kb.vocabulary.name_embedder import name_embedder

TEXTS = ["left effusion", "no pneumothorax", "cardiomegaly", "edema", "rib fracture"]


@pytest.fixture
def maker(tiny_model: Path) -> Embedder:
    return load_embedder(str(tiny_model))


@pytest.fixture
def nameless(tmp_path: Path, maker: Embedder) -> KnowledgeBase:
    """A knowledge base with vectors of `maker` from a file that does not say so."""
    kb = KnowledgeBase.create(tmp_path / "n.kb", by="tester")
    lines = "".join(f"{number},{text}\n" for number, text in enumerate(TEXTS))
    (tmp_path / "c.csv").write_text(f"concept_idx,concept\n{lines}", encoding="utf-8")
    torch.save(torch.from_numpy(maker.embed(TEXTS)), tmp_path / "e.pt")
    kb.import_clear(tmp_path / "c.csv", tmp_path / "e.pt")
    return kb


def vectors(kb: KnowledgeBase) -> dict[str, list[float]]:
    rows = kb.dataset("concepts").to_table(columns=["concept_id", "embedding"]).to_pylist()
    return {row["concept_id"]: row["embedding"] for row in rows}


@pytest.mark.soak
def test_the_advice_of_the_error_is_what_helps(nameless: KnowledgeBase, tiny_model: Path, cli: Callable) -> None:
    refused = cli("vocab", "search", "effusion", "--kb", nameless.uri, code=1).stderr
    assert "does not say what made them: `clear-kb vocab embedder NAME`" in refused
    before = vectors(nameless)
    told = cli("vocab", "embedder", tiny_model, "--kb", nameless.uri).stderr
    assert "5 of them computed again: lowest cosine 1.0000" in told
    assert cli("vocab", "search", "effusion", "--kb", nameless.uri).stdout
    now = KnowledgeBase.open(nameless.uri)
    assert vectors(now) == before and now.embedder is not None and now.embedder.name == str(tiny_model)
    assert "every concept has its" in cli("embed", "--kb", nameless.uri).stderr
    assert not [problem for problem in now.check() if problem.severity == "error"]


def test_only_what_made_them_is_taken(nameless: KnowledgeBase, embedder: Embedder, maker: Embedder) -> None:
    before = nameless.commit.commit_id
    with pytest.raises(UsageError, match=r"all-MiniLM-L6-v2 gives 384 numbers, the vectors have 16"):
        name_embedder(nameless, embedder)
    with pytest.raises(UsageError, match=r"another vector than it has \(cosine"):
        name_embedder(nameless, _Other(maker))
    assert name_embedder(nameless, maker, dry_run=True).commit is None
    assert KnowledgeBase.open(nameless.uri).commit.commit_id == before


def test_a_known_maker_is_not_renamed(kb: KnowledgeBase, nameless: KnowledgeBase, maker: Embedder) -> None:
    name_embedder(nameless, maker)
    with pytest.raises(UsageError, match="and that is known"):
        name_embedder(nameless, maker)
    with pytest.raises(ClearKbError, match="nothing is embedded"):
        name_embedder(kb, maker)


class _Other:
    """An embedder of the same dimension that gives other vectors."""

    def __init__(self, inner: Embedder):
        self.info, self._inner = inner.info, inner

    def embed(self, texts: list[str]) -> np.ndarray:
        return self._inner.embed(texts)[:, ::-1].copy()

    def embed_query(self, text: str) -> np.ndarray:
        return self._inner.embed_query(text)
