"""Naming, afterwards, the embedder of vectors that came without one: nothing is computed anew, a few are checked.

Vectors from a file may not say what made them, or by which weights. Once that is known, the embedder is tried on some
of the concepts: only if it gives their vectors again is it the one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kb.errors import UsageError
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.state import State
from kb.vectors.columns import vector_matrix
from kb.vectors.embedding import Embedder, EmbedderInfo
from kb.vectors.embedding.embedder import FILE_SCHEME, UNKNOWN_REVISION
from kb.vectors.embedding.in_use import require_embedder
from schemas.tables import EMBEDDERS

if TYPE_CHECKING:
    import lance

TRIED = 16
"""Concepts whose vectors are computed again, drawn evenly."""

ALIKE = 0.98
"""The lowest cosine of a vector to itself computed again, by weights of fewer bits or on another machine."""

ROWS = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class NameResult:
    """What was named: the embedder as it was known and as it is now, the lowest cosine, and on how many concepts."""

    before: EmbedderInfo
    embedder: EmbedderInfo
    tried: int
    lowest: float
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "before": self.before.to_row(),
            "embedder": self.embedder.to_row(),
            "tried": self.tried,
            "lowest_cosine": self.lowest,
            "commit": self.commit.commit_id if self.commit else None,
        }


def name_embedder(
    state: State, embedder: Embedder, *, by: str | None = None, why: str | None = None, dry_run: bool = False
) -> NameResult:
    """Say that the vectors of a vocabulary are of `embedder`, as one commit; they stay as they are.

    Raises:
        NotEmbeddedError: there are no vectors.
        UsageError: it is known what made them, or it was not this embedder: another dimension, or other vectors.
    """
    before, info = require_embedder(state), embedder.info
    if not before.name.startswith(FILE_SCHEME) and before.revision != UNKNOWN_REVISION:
        raise UsageError(
            f"the vectors are of {before.name} (revision {before.revision[:12]}), and that is known: another embedder "
            "embeds the concepts anew",
            need="other embedder",
        )
    learned = state.dataset("encoders").to_table(columns=["encoder"], filter=f"embedder = '{before.embedder_id}'")
    if learned.num_rows:
        raise UsageError(
            f"encoder {learned['encoder'][0]} was trained against these vectors, and knows them by the name they have"
        )
    if info.dimension != before.dimension:
        raise UsageError(f"{info.name} gives {info.dimension} numbers, the vectors have {before.dimension}: not of it")
    texts, stored = _some(state.dataset("concepts"))
    cosines = np.einsum("nd,nd->n", embedder.embed(texts), stored)
    if (lowest := float(cosines.min())) < ALIKE:
        raise UsageError(
            f"{info.name} gives '{texts[int(cosines.argmin())]}' another vector than it has (cosine {lowest:.3f}; the "
            f"median of {len(texts)} concepts is {np.median(cosines):.3f}): these are not its vectors, or it takes "
            "another prompt or other weights"
        )

    def change(publication: Publication) -> tuple[Mapping[str, Any], None]:
        (row,) = publication.dataset("embedders").to_table().to_pylist()
        named = pa.RecordBatch.from_pylist([{**row, **info.to_row()}], schema=EMBEDDERS.schema)
        publication.replace("embedders", "true", [named])
        publication.replace("concepts", "true", _renamed(publication.snapshot("concepts"), info))
        publication.index_words("concepts", "text")
        return {"embedder": info.name, "before": before.name}, None

    commit = None if dry_run else state.publish("name embedder", change, by=by, why=why)[0]
    return NameResult(before=before, embedder=info, tried=len(texts), lowest=lowest, commit=commit)


def _some(concepts: lance.LanceDataset) -> tuple[list[str], np.ndarray]:
    """Some concepts' texts, and their vectors of length 1."""
    places = concepts.to_table(columns=["embedder"])["embedder"].is_valid().to_numpy().nonzero()[0]
    chosen = places[np.unique(np.linspace(0, len(places) - 1, min(TRIED, len(places))).astype(int))]
    table = concepts.take(chosen.tolist(), columns=["text", "embedding"])
    stored = vector_matrix(table["embedding"])
    return table["text"].to_pylist(), stored / np.linalg.norm(stored, axis=1, keepdims=True)


def _renamed(concepts: lance.LanceDataset, info: EmbedderInfo) -> Iterator[pa.RecordBatch]:
    for batch in concepts.to_batches(batch_size=ROWS):
        there = batch["embedder"].is_valid().to_pylist()
        named = pa.array([info.embedder_id if is_there else None for is_there in there], batch["embedder"].type)
        yield batch.set_column(batch.schema.get_field_index("embedder"), batch.schema.field("embedder"), named)
