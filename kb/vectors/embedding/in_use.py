"""The embedder that the vocabulary of a state was embedded with."""

from __future__ import annotations

from kb.errors import NotEmbeddedError
from kb.store.state import State
from kb.vectors.embedding.embedder import EmbedderInfo


def read_embedder(state: State) -> EmbedderInfo | None:
    """What the concepts of a state were embedded with, or None if they were not yet."""
    rows = state.dataset("embedders").to_table().to_pylist()
    return EmbedderInfo.from_row(rows[0]) if rows else None


def require_embedder(state: State) -> EmbedderInfo:
    """What the concepts of a state were embedded with; NotEmbeddedError if they were not yet."""
    info = read_embedder(state)
    if info is None:
        raise NotEmbeddedError(f"nothing is embedded in {state.uri} yet")
    return info
