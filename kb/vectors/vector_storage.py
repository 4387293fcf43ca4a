"""How the numbers of the embeddings are stored: float32, or float16 in half the space, with what that costs shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kb.errors import NotEmbeddedError, UsageError
from kb.store.publication import Publication
from kb.store.state import State
from kb.vectors.embedding.in_use import require_embedder
from kb.vectors.nearest import ROWS, exact_nearest, recall, vector_chunks
from kb.vocabulary.query import Tables
from schemas.tables import EMBEDDERS, STORED_AS, embedding_field

if TYPE_CHECKING:
    import lance


K = 10
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Stored:
    """How the vectors are stored, and recall@10 against the float32 ones that they were rounded from.

    The recall is None for float32, and where it was never measured.
    """

    stored_as: str
    recall: float | None


def stored_type(state: Tables) -> str | None:
    """What the embeddings of a state are stored as; None if it has none."""
    schema = state.dataset("concepts").schema
    if "embedding" not in schema.names:
        return None
    return next(name for name, kind in STORED_AS.items() if kind == schema.field("embedding").type.value_type)


def read_stored(state: Tables) -> Stored | None:
    """How the vectors of a state are stored; None if it has none."""
    rows = state.dataset("embedders").to_table(columns=["stored_as", "stored_recall"]).to_pylist()
    return Stored(rows[0]["stored_as"], rows[0]["stored_recall"]) if rows else None


def store_vectors(state: State, stored_as: str, *, by: str | None = None, why: str | None = None) -> Stored:
    """Store the vectors of the vocabulary as `stored_as`, as one commit; nothing is computed anew.

    Going to float16, the neighbours among the rounded vectors are held against those among the exact ones.
    Earlier commits keep their numbers; `gc --keep` gives that space back.

    Raises:
        UsageError: the type is unknown, or nothing is embedded yet.
    """
    if stored_as not in STORED_AS:
        raise UsageError(f"vectors are stored as {' or '.join(STORED_AS)}, not as '{stored_as}'")
    require_embedder(state)
    before = read_stored(state)
    if before is None:
        raise NotEmbeddedError(f"no concept of {state.uri} has a vector yet")
    if before.stored_as == stored_as:
        return before

    def change(publication: Publication) -> tuple[Mapping[str, Any], Stored]:
        concepts = publication.snapshot("concepts")
        lost = float16_recall(concepts, sample_vectors(concepts)) if stored_as == "float16" else None
        stored = Stored(stored_as, lost)
        _rewrite(publication, concepts, stored_as)
        write_stored(publication, stored)
        return {"stored_as": stored_as, **({} if lost is None else {"recall_at_10": round(lost, 4)})}, stored

    _, stored = state.publish("store vectors", change, by=by, why=why)
    return stored


def write_stored(publication: Publication, stored: Stored) -> None:
    """Say in the embedder's row how its vectors are stored."""
    rows = publication.dataset("embedders").to_table().to_pylist()
    entries = [{**row, "stored_as": stored.stored_as, "stored_recall": stored.recall} for row in rows]
    publication.replace("embedders", "true", [pa.RecordBatch.from_pylist(entries, schema=EMBEDDERS.schema)])


def sample_vectors(concepts: lance.LanceDataset, count: int = SAMPLE, seed: int = 0) -> np.ndarray:
    """Up to `count` of the stored vectors, drawn evenly: the queries that recall is measured with."""
    total = concepts.count_rows("embedding IS NOT NULL")
    chosen = np.sort(np.random.default_rng(seed).choice(total, min(count, total), replace=False))
    found, start = [np.empty((0, concepts.schema.field("embedding").type.list_size), dtype=np.float32)], 0
    for chunk in vector_chunks(concepts):
        here = chosen[(chosen >= start) & (chosen < start + len(chunk))] - start
        found.append(chunk[here])
        start += len(chunk)
    return np.concatenate(found)


def float16_recall(concepts: lance.LanceDataset, queries: np.ndarray) -> float:
    """recall@10 of the float16 vectors against the stored ones, over `queries`."""
    return rounding_recall(lambda: vector_chunks(concepts), queries)


def rounding_recall(chunks: Callable[[], Iterable[np.ndarray]], queries: np.ndarray) -> float:
    """recall@10 of vectors rounded to float16 against the same as they are; `chunks` gives them as often as asked."""
    exact = exact_nearest(queries, chunks(), K)
    rounded = exact_nearest(queries, map(_rounded, chunks()), K)
    return recall(rounded.rows, exact.rows)


def _rounded(vectors: np.ndarray) -> np.ndarray:
    return vectors.astype(np.float16).astype(np.float32)


def _rewrite(publication: Publication, concepts: lance.LanceDataset, stored_as: str) -> None:
    """Every row again, its vector as the other type: a new column that is filled as it is written."""
    dimension = concepts.schema.field("embedding").type.list_size
    publication.set_column("concepts", embedding_field(dimension, stored_as))
    schema = publication.dataset("concepts").schema
    publication.replace("concepts", "true", _recast(concepts.to_batches(batch_size=ROWS), schema))
    publication.index_words("concepts", "text")


def _recast(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [batch[field.name].cast(field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
