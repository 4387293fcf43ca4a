"""Concepts as Arrow batches, each with the vector that the embedding cache holds for its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kb.batched import batched
from kb.embedding.embedder import EmbeddingError

if TYPE_CHECKING:
    import pyarrow as pa

    from kb.embedding import EmbedderInfo, EmbeddingCache

CHUNK = 2048


def concept_batches(
    rows: Iterable[Mapping[str, Any]],
    schema: pa.Schema,
    cache: EmbeddingCache | None = None,
    info: EmbedderInfo | None = None,
) -> Iterator[pa.RecordBatch]:
    """`rows` of the `concepts` table as batches of `schema`, in bounded memory.

    With `cache` and `info` every row gets its vector and the embedder's id; without, both stay null.

    Raises:
        EmbeddingError: the cache has no vector for a concept's text; the message names the concept.
    """
    for chunk in batched(rows, CHUNK):
        texts = [row["text"] for row in chunk]
        vectors = cache.vectors(texts) if cache is not None else {}
        yield _batch(chunk, schema, vectors, info)


def _batch(
    rows: Sequence[Mapping[str, Any]],
    schema: pa.Schema,
    vectors: Mapping[str, Any],
    info: EmbedderInfo | None,
) -> pa.RecordBatch:
    import pyarrow as pa

    def values(name: str) -> list[Any]:
        if name == "embedder":
            return [info.embedder_id if info else None] * len(rows)
        if name == "embedding":
            return [_vector(row, vectors) if info else None for row in rows]
        return [row.get(name) for row in rows]

    return pa.RecordBatch.from_arrays([pa.array(values(field.name), field.type) for field in schema], schema=schema)


def _vector(row: Mapping[str, Any], vectors: Mapping[str, Any]) -> Any:
    if row["text"] not in vectors:
        raise EmbeddingError(f"no embedding for concept {row['concept_id']} '{row['text']}': run `clear-kb embed`")
    return vectors[row["text"]]
