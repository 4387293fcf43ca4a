"""Concepts as rows: a new one from its facets, and batches with the vectors that the cache holds for their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from kb.batched import batched
from kb.language.facets import Facets
from kb.vectors.columns import vector_column
from kb.vectors.embedding import EmbedderInfo, EmbeddingCache
from kb.vectors.embedding.embedder import EmbeddingError
from schemas.terms import Status

CHUNK = 2048


def new_concept(
    facets: Facets, source: str, status: Status = "candidate", *, synonyms: Sequence[str] = ()
) -> dict[str, Any]:
    """The row of a new concept, without its vector; `source` is the extractor or curator it comes from."""
    return {
        "concept_id": facets.concept_id,
        "text": facets.text,
        "normal_form": facets.normal_form,
        "assertion": facets.assertion,
        "finding": facets.finding,
        "anatomy": facets.anatomy,
        "laterality": facets.laterality,
        "severity": facets.severity,
        "descriptors": list(facets.descriptors),
        "synonyms": list(synonyms),
        "status": status,
        "replaced_by": None,
        "splits": [],
        "distinct_from": [],
        "dismissed": [],
        "mappings": [],
        "source": source,
        "note": None,
    }


def concept_batches(
    rows: Iterable[Mapping[str, Any]],
    schema: pa.Schema,
    cache: EmbeddingCache | None = None,
    *,
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

    def column(field: pa.Field) -> pa.Array:
        if field.name == "embedding":
            return vector_column([_vector(row, vectors) if info else None for row in rows], field.type)
        if field.name == "embedder":
            return pa.array([info.embedder_id if info else None] * len(rows), field.type)
        return pa.array([row.get(field.name) for row in rows], field.type)

    return pa.RecordBatch.from_arrays([column(field) for field in schema], schema=schema)


def _vector(row: Mapping[str, Any], vectors: Mapping[str, Any]) -> Any:
    if row["text"] not in vectors:
        raise EmbeddingError(f"no embedding for concept {row['concept_id']} '{row['text']}'", need="embeddings")
    return vectors[row["text"]]
