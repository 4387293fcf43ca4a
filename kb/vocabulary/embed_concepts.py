"""Every concept of a knowledge base gets its vector: what is missing is filled, a new embedder replaces the old."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kb.engines.work import Engine
from kb.errors import UsageError
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.state import State
from kb.vectors.embedding import Embedder, EmbedderInfo, EmbeddingCache
from kb.vectors.vector_storage import stored_type
from kb.vocabulary.concept_rows import concept_batches
from schemas.tables import EMBEDDERS, embedding_field

if TYPE_CHECKING:
    import lance


@dataclass(frozen=True, slots=True)
class EmbedResult:
    """What `embed_concepts` did: how many concepts got a vector, and how many of those were computed now."""

    embedder: EmbedderInfo
    embedded: int
    computed: int
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "embedder": self.embedder.to_row(),
            "embedded": self.embedded,
            "computed": self.computed,
            "commit": self.commit.commit_id if self.commit else None,
        }


def embed_concepts(
    state: State,
    embedder: Embedder,
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    engine: Engine | None = None,
    on_start: Callable[[int], object] = lambda _: None,
    on_done: Callable[[int], object] = lambda _: None,
) -> EmbedResult:
    """Give every concept that lacks a vector of `embedder` one, as one commit.

    Vectors of another embedder are replaced: a vocabulary is in one space at a time (earlier commits keep
    theirs). `engine` computes them; None is this machine. `on_start` hears how many concepts there are to do, `on_done`
    after every chunk how many it did.
    """
    cache = EmbeddingCache(state.storage, embedder.info)
    texts = [row["text"] for row in _rows_lacking(state.dataset("concepts"), embedder.info, ["text"])]
    on_start(len(texts))
    if dry_run or not texts:
        return EmbedResult(embedder.info, len(texts), 0, None)
    computed = cache.fill(texts, embedder, on_done, engine)

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
        lacking = [row["text"] for row in _rows_lacking(publication.dataset("concepts"), embedder.info, ["text"])]
        if not lacking:
            return None, None
        # Another writer may have added concepts meanwhile; nearly always there is nothing left to compute.
        cache.fill(lacking, embedder)
        set_embedder(publication, embedder.info)
        _replace_lacking(publication, cache, embedder.info)
        return {"embedder": embedder.info.name, "embedded": len(lacking)}, None

    commit, _ = state.publish("embed", change, by=by, why=why)
    return EmbedResult(embedder.info, len(texts), computed, commit)


def set_embedder(publication: Publication, info: EmbedderInfo, stored_as: str | None = None) -> None:
    """Make `info` the embedder of the vocabulary: its row, and a vector column of its dimension.

    `stored_as` is "float32" or "float16"; None keeps what the vocabulary has, float32 where it has nothing yet.
    """
    now = stored_type(publication)
    same_space = publication.dataset("embedders").count_rows(f"embedder = '{info.embedder_id}'") > 0
    if stored_as is not None and same_space and stored_as != now:
        raise UsageError(f"the vectors are stored as {now}: change all of them, or none", need="stored type")
    stored_as = stored_as or now or "float32"
    if not same_space:
        row = {**info.to_row(), "stored_as": stored_as, "stored_recall": None}
        publication.delete("embedders", "true")
        publication.write("embedders", [pa.RecordBatch.from_pylist([row], schema=EMBEDDERS.schema)])
    field = embedding_field(info.dimension, stored_as)
    schema = publication.dataset("concepts").schema
    if field.name not in schema.names or schema.field(field.name).type != field.type:
        publication.set_column("concepts", field)


def _replace_lacking(publication: Publication, cache: EmbeddingCache, info: EmbedderInfo) -> None:
    dataset = publication.dataset("concepts")
    columns = [name for name in dataset.schema.names if name not in ("embedding", "embedder")]
    batches = concept_batches(_rows_lacking(dataset, info, columns), dataset.schema, cache, info=info)
    publication.replace("concepts", _lacks(info), batches)
    publication.index_words("concepts", "text")


def _rows_lacking(dataset: lance.LanceDataset, info: EmbedderInfo, columns: list[str]) -> Iterator[dict[str, Any]]:
    for batch in dataset.to_batches(columns=columns, filter=_lacks(info)):
        yield from batch.to_pylist()


def _lacks(info: EmbedderInfo) -> str:
    return f"embedder IS NULL OR embedder != '{info.embedder_id}'"
