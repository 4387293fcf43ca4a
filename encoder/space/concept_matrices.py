"""The concepts of a commit as matrices, in chunks: their embeddings E and their vectors C in the image space."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from encoder.space.text_side import TextSide
from kb.batched import batched
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals
from kb.vectors.columns import vector_matrix
from kb.vectors.embedding import EmbeddingError
from schemas.terms import IN_USE

ROWS = 8_192
COLUMNS = ["concept_id", "text", "assertion", "finding"]


@dataclass(frozen=True, slots=True)
class ConceptChunk:
    """Some concepts: their ids, embeddings E (n, D) and vectors C (n, d), all float32."""

    concept_ids: list[str]
    embeddings: np.ndarray
    vectors: np.ndarray


def iter_concepts(
    kb: KnowledgeBase, text_side: TextSide, concept_ids: Collection[str] | None = None
) -> Iterator[ConceptChunk]:
    """The concepts in use at the commit of `kb`, or those of `concept_ids`, in bounded memory.

    Raises:
        EmbeddingError: a concept in use has no embedding; the message names it.
    """
    concepts = kb.dataset("concepts")
    columns = ["concept_id", "text", *(["embedding"] if "embedding" in concepts.schema.names else [])]
    wheres = (
        [f"status IN {literals(IN_USE)}"]
        if concept_ids is None
        else [f"concept_id IN {literals(chunk)}" for chunk in batched(sorted(concept_ids), 2_000)]
    )
    for where in wheres:
        for batch in concepts.to_batches(columns=columns, filter=where, batch_size=ROWS):
            if batch.num_rows:
                yield _chunk(batch, text_side)


def check_embedded(kb: KnowledgeBase) -> None:
    """Refuse a vocabulary with a concept in use that has no embedding, before anything is computed of the others.

    Raises:
        UsageError: nothing is embedded.
        EmbeddingError: a concept in use has no embedding; the message names the first, and says how many there are.
    """
    kb.require_embedder()
    lacking = f"status IN {literals(IN_USE)} AND embedder IS NULL"
    found = kb.dataset("concepts").to_table(columns=["concept_id", "text"], filter=lacking)
    if found.num_rows:
        more = f", nor for {found.num_rows - 1:,} more" if found.num_rows > 1 else ""
        first = found.slice(0, 1).to_pylist()[0]
        raise EmbeddingError(
            f"no embedding for concept {first['concept_id']} '{first['text']}'{more}", need="embeddings"
        )


def concept_table(kb: KnowledgeBase) -> pa.Table:
    """The concepts in use, `concept_id, text, assertion, finding`, in the order in which the vocabulary is read."""
    return kb.dataset("concepts").to_table(columns=COLUMNS, filter=f"status IN {literals(IN_USE)}").select(COLUMNS)


def _chunk(batch: pa.RecordBatch, text_side: TextSide) -> ConceptChunk:
    ids, texts = batch["concept_id"].to_pylist(), batch["text"].to_pylist()
    embedded = batch["embedding"].is_valid().to_pylist() if "embedding" in batch.schema.names else [False] * len(ids)
    if not all(embedded):
        at = embedded.index(False)
        raise EmbeddingError(f"no embedding for concept {ids[at]} '{texts[at]}'", need="embeddings")
    embeddings = vector_matrix(batch["embedding"])
    return ConceptChunk(ids, embeddings, text_side.concept_vectors(texts, embeddings))
