"""Concepts as directions among an encoder's vectors: by its text side or, where it has none, by a fitted map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from encoder.model.checkpoint import Checkpoint
from encoder.space.concept_space import open_space
from encoder.space.fitted.fit import open_directions
from encoder.vectors.encoders import stored_as
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher


@dataclass(frozen=True, eq=False)
class ConceptDirections:
    """The concepts that have a direction.

    Attributes:
        encoder: among whose vectors.
        concepts: an Arrow table, `concept_id` and `text` among its columns, N rows.
        vectors: the directions, (N, d).
        told: how they were fitted, if they were.
    """

    encoder: str
    concepts: pa.Table
    vectors: np.ndarray
    told: tuple[str, ...] = ()

    def place(self, concept_id: str) -> int:
        """The row of a concept; UsageError if it has no direction."""
        found: int = pa.compute.index(self.concepts["concept_id"], concept_id).as_py()
        if found < 0:
            why = "that can be trusted among the vectors" if self.told else "in the space"
            raise UsageError(f"concept {concept_id} has no direction {why} of encoder {self.encoder}")
        return found


def concept_directions(kb: KnowledgeBase, checkpoint: Checkpoint, watcher: Watcher | None = None) -> ConceptDirections:
    """The concepts at the commit of `kb` as directions of an encoder with a checkpoint.

    A fitted map learns from the training images alone: what reports state of others is what a run is judged by.

    Raises:
        UsageError: nothing is embedded.
        ClearKbError: the encoder is a frozen backbone, and no concept has a direction that can be trusted.
    """
    stored = stored_as(checkpoint)
    if not stored.without_concepts:
        space = open_space(kb, checkpoint, watcher)
        return ConceptDirections(stored.encoder, space.concepts, space.vectors)
    found = open_directions(kb, stored, part="train")
    return ConceptDirections(stored.encoder, found.concepts, found.vectors, (found.told,))
