"""Search: the concepts that a query means, each with how near it is to it; what is not near is no hit.

A query is understood first (`asked`): as a sentence, by other names, with slips mended, and what it leaves out. Every
concept is then measured against each reading by what it says and by its words, and the nearest by their vectors
(`similarity`). All of it but the vectors is in memory, so that one can search while typing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kb.errors import UsageError
from kb.language.names.other_names import load_other_names
from kb.store.state import State
from kb.vectors.embedding import Embedder, load_query_embedder
from kb.vectors.embedding.in_use import read_embedder
from kb.vectors.vector_search import VectorSearch
from kb.vocabulary.filters import Filters
from kb.vocabulary.search.asked import Asked, Reading, understand
from kb.vocabulary.search.concept_columns import ConceptColumns
from kb.vocabulary.search.exclusion import excluded
from kb.vocabulary.search.hit import NEAR, SearchHit, SearchHits
from kb.vocabulary.search.similarity import by_reading, by_vector, without_denied
from kb.vocabulary.search.vector_scale import read_scale

DEPTH = 50
"""How many of the nearest vectors are looked at, at least."""

USED = 0.04
"""The share of the score that is how often a concept is mentioned, beside the most mentioned one."""

EMBEDDED = 3
"""Readings of a query that are embedded, at most."""


def search(
    state: State,
    query: str,
    *,
    k: int = 10,
    filters: Filters | None = None,
    embedder: Embedder | None = None,
    words_only: bool = False,
    names: Path | None = None,
    least: float = NEAR,
) -> SearchHits:
    """The concepts that `query` means, best first.

    Args:
        state: where to search, at its commit.
        query: an observation in plain words; "no", "without" or "negative" asks for the absent one, and "not" after it
            leaves out ("left effusion, not loculated").
        k: how many hits at most.
        filters: what a hit must be; default: in use.
        embedder: the embedder for the query; default: the stored one, loaded for this call.
        words_only: leave the vectors out; needs no embedder.
        names: a table of other names of one's own, read after the one of this installation.
        least: the similarity from which a concept is a hit.

    Raises:
        UsageError: the query is empty, k is below 1, `embedder` is not the one of the vocabulary, or the table of names
            cannot be read.
    """
    if not query.strip() or k < 1:
        raise UsageError("a search needs some words, and k of 1 or more")
    columns = state.remember(ConceptColumns)
    if not len(columns):
        return SearchHits([])
    asked = understand(query, columns, load_other_names(names))
    wanted = columns.passing(filters or Filters())
    for part in asked.left_out:
        wanted &= ~excluded(columns, part)
    near, by = _nearest_reading(columns, asked.readings)
    if not words_only and read_embedder(state) is not None:
        _add_vectors(state, columns, asked, embedder, near, by, depth=max(DEPTH, 4 * k))
    near = without_denied(columns, asked.readings, np.where(wanted, near, 0.0), by)
    return _hits(columns, asked.readings, near, by, k=k, least=least)


def _nearest_reading(columns: ConceptColumns, readings: Sequence[Reading]) -> tuple[np.ndarray, np.ndarray]:
    """How near each concept is to the reading that it is nearest to, and which one that is."""
    near = by_reading(columns, readings[0])
    by = np.zeros(len(columns), dtype=np.int16)
    for number, reading in enumerate(readings[1:], start=1):
        own = by_reading(columns, reading)
        better = own > near
        near, by = np.where(better, own, near), np.where(better, number, by)
    return near, by


def _add_vectors(
    state: State,
    columns: ConceptColumns,
    asked: Asked,
    embedder: Embedder | None,
    near: np.ndarray,
    by: np.ndarray,
    *,
    depth: int,
) -> None:
    """Raise the similarity of concepts whose vectors are near that of a reading."""
    scale, vectors = state.remember(read_scale), state.remember(VectorSearch)
    embedder = _embedder_of(state, embedder)
    for number, reading in enumerate(asked.readings[:EMBEDDED]):
        found = vectors.nearest(embedder.embed_query(reading.in_words), depth, ["concept_id"])
        at = columns.rows_of([row["concept_id"] for row in found])
        own = by_vector(columns, reading, at, scale.similarity(np.array([1 - row["_distance"] for row in found])))
        better = own > near[at]
        near[at[better]], by[at[better]] = own[better], number


def _embedder_of(state: State, embedder: Embedder | None) -> Embedder:
    info = read_embedder(state)
    assert info is not None
    if embedder is None:
        return load_query_embedder(info)
    if embedder.info.embedder_id != info.embedder_id:
        raise UsageError(
            f"the vocabulary was embedded with {info.name} ({info.dimension}-d), the query with {embedder.info.name} "
            f"({embedder.info.dimension}-d): their spaces cannot be compared"
        )
    return embedder


def _hits(
    columns: ConceptColumns, readings: Sequence[Reading], near: np.ndarray, by: np.ndarray, *, k: int, least: float
) -> SearchHits:
    used = np.log1p(columns.mentions)
    score = (1 - USED) * near + USED * np.where(near > 0, used / max(float(used.max()), 1.0), 0.0)
    found = np.flatnonzero(near > 0)
    if len(found) > k:
        bar = np.partition(score[found], len(found) - k)[len(found) - k]
        found = found[score[found] >= bar]
    order = found[np.lexsort((columns.lengths[found], -score[found].round(4)))][:k].tolist()
    hits = [at for at in order if near[at] >= least]
    return SearchHits([_hit(columns, at, near[at], score[at], readings[by[at]]) for at in hits], len(order) - len(hits))


def _hit(columns: ConceptColumns, at: int, near: float, score: float, reading: Reading) -> SearchHit:
    row = columns.row(at)
    return SearchHit(
        concept_id=row["concept_id"],
        text=row["text"],
        assertion=row["assertion"],
        score=round(float(score), 4),
        similarity=round(float(near), 4),
        laterality=row["laterality"],
        severity=row["severity"],
        status=row["status"],
        mentions=int(columns.mentions[at]),
        found_by=reading.found_by,
    )
