"""The concepts nearest to a vector of the vocabulary's own space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kb.display import Listing
from kb.errors import UsageError
from kb.store.state import State
from kb.vectors.embedding.in_use import require_embedder
from kb.vectors.vector_search import VectorSearch
from kb.vocabulary.filters import Filters

COLUMNS = ["concept_id", "text", "assertion", "status"]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One concept near a vector, and the cosine between the two."""

    concept_id: str
    text: str
    assertion: str
    status: str
    cosine: float


def nearest_concepts(state: State, vector: np.ndarray, k: int = 10) -> Listing[Neighbour]:
    """The `k` concepts in use whose embeddings are nearest to a vector, the nearest first.

    Args:
        state: where to search, at its commit.
        vector: (dimension,), of the vocabulary's own space; its length does not matter.
        k: how many at most.

    Raises:
        UsageError: nothing is embedded, or the vector is not of that dimension or has no direction.
    """
    info = require_embedder(state)
    wanted = np.asarray(vector, dtype=np.float32)
    if wanted.shape != (info.dimension,) or not np.isfinite(wanted).all() or not wanted.any():
        raise UsageError(f"a vector of {info.dimension} finite numbers was expected, not one of shape {wanted.shape}")
    rows = state.remember(VectorSearch).nearest(wanted, k, COLUMNS, Filters().sql())
    found = [
        Neighbour(row["concept_id"], row["text"], row["assertion"], row["status"], 1 - row["_distance"]) for row in rows
    ]
    return Listing(found, ("concept_id", "text", "assertion", "status", "cosine"))
