"""Text into vectors: one protocol, the embedders behind it, and the cache that spares computing twice."""

from kb.vectors.embedding.cache import EmbeddingCache
from kb.vectors.embedding.embedder import Embedder, EmbedderInfo, EmbeddingError
from kb.vectors.embedding.load import (
    EmbedderOptions,
    choose_embedder,
    load_embedder,
    load_query_embedder,
    load_stored_embedder,
)

__all__ = [
    "Embedder",
    "EmbedderInfo",
    "EmbedderOptions",
    "EmbeddingCache",
    "EmbeddingError",
    "choose_embedder",
    "load_embedder",
    "load_query_embedder",
    "load_stored_embedder",
]
