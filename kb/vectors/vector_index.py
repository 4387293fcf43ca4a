"""The vector index: built on request, held against exact search when it is built, and used only if it finds enough.

An index answers in milliseconds but may miss neighbours. So its recall is part of it: measured on vectors of the
vocabulary itself, with settings tried from the quickest to the most thorough until one finds enough, stored beside
it and shown by `status`. Where none does, or the vectors have been replaced since, search is exact.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kb.errors import UsageError
from kb.store.publication import Publication
from kb.store.state import State
from kb.vectors.nearest import exact_nearest, recall, vector_chunks
from kb.vectors.vector_storage import SAMPLE, K, sample_vectors
from kb.vocabulary.query import Tables
from schemas.tables import VECTOR_INDEXES

if TYPE_CHECKING:
    import lance


ENOUGH = 0.95
"""The recall@10 under which an index is not used."""

AIM = 0.98
"""The recall at which no more thorough settings are tried."""

EXACT_QUERIES = 5
"""Queries that the time of an exact search is measured with."""

FEWEST_ROWS = 1_000
"""Fewer vectors than these are searched exactly in no time, and are too few to train an index on."""

NAME = "embedding_idx"

Settings = Mapping[str, int]
"""How thoroughly an index is searched: nprobes (partitions), ef (candidates in a graph), refine (re-ranked exactly)."""


KIND = "hnsw"
"""A graph over 8-bit numbers, which is Lance's IVF_HNSW_SQ."""

ROWS_A_PARTITION = 1_000_000

TRIED: tuple[Settings, ...] = tuple({"nprobes": 1, "ef": ef, "refine": 2} for ef in (50, 100, 200, 400))
"""From the quickest to the most thorough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndex:
    """One index over the embeddings, with what was measured when it was built.

    `recall` is recall@10 against exact search over `queries` vectors of the vocabulary; `p50_ms` and `exact_ms` are
    the medians of one search with the index and without it, in that process.
    """

    name: str
    kind: str
    embedder: str
    parameters: Mapping[str, Any]
    rows: int
    queries: int
    recall: float
    p50_ms: float
    exact_ms: float
    build_s: float

    @property
    def used(self) -> bool:
        """Whether it finds enough to be searched with."""
        return self.recall >= ENOUGH

    @property
    def settings(self) -> Settings:
        """How thoroughly it is searched."""
        found: Settings = self.parameters["search"]
        return found

    def to_dict(self) -> dict[str, Any]:
        """The index as plain data."""
        return {**asdict(self), "used": self.used}


def build_index(
    state: State,
    *,
    queries: int = SAMPLE,
    by: str | None = None,
    why: str | None = None,
    on_stage: Callable[[str], object] = lambda _: None,
) -> VectorIndex:
    """Build the index of the vocabulary in place of any it has, measure it, and commit both.

    Args:
        state: the knowledge base; it stands on the new commit afterwards. Other writers wait meanwhile.
        queries: how many vectors of the vocabulary recall is measured with.
        by: who.
        why: the reason.
        on_stage: hears what is being done.

    Raises:
        UsageError: fewer than 1,000 concepts are embedded.
    """

    def change(publication: Publication) -> tuple[Mapping[str, Any], VectorIndex]:
        index = _build(publication, queries, on_stage)
        _write(publication, [index])
        return {"kind": index.kind, "recall_at_10": round(index.recall, 4), "used": index.used}, index

    _, index = state.publish("index", change, by=by, why=why)
    return index


def drop_index(state: State, *, by: str | None = None, why: str | None = None) -> bool:
    """Take the index away: search is exact again; says whether there was one."""

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
        if not _names(publication.dataset("concepts")):
            return None, None
        publication.drop_index("concepts", NAME)
        _write(publication, [])
        return {"dropped": NAME}, None

    commit, _ = state.publish("index drop", change, by=by, why=why)
    return commit is not None


def read_index(state: Tables) -> VectorIndex | None:
    """The index of a state; None if it has none, or only one of vectors that have been replaced since."""
    if not _names(state.dataset("concepts")):
        return None
    rows = state.dataset("vector_indexes").to_table().to_pylist()
    embedders = state.dataset("embedders").to_table(columns=["embedder"])["embedder"].to_pylist()
    found = [row for row in rows if row["embedder"] in embedders]
    return _from_row(found[0]) if found else None


def rows_beside(state: Tables) -> int:
    """How many embedded rows came after the index was built: they are searched one by one beside it."""
    concepts = state.dataset("concepts")
    indexed = sum(index.num_rows_indexed for index in concepts.describe_indices() if index.name == NAME)
    return max(0, int(concepts.count_rows("embedder IS NOT NULL")) - indexed)


def nearest_rows(
    concepts: lance.LanceDataset,
    vector: np.ndarray,
    k: int,
    columns: Sequence[str],
    *,
    settings: Settings | None = None,
    where: str | None = None,
    where_first: bool = True,
) -> list[dict[str, Any]]:
    """The `k` rows nearest to a vector, by cosine, the nearest first; `_distance` is 1 - cosine.

    Args:
        concepts: the dataset that is searched.
        vector: (dimension,), of length 1.
        k: how many at most.
        columns: what of the rows is wanted.
        settings: how thoroughly the index is searched; None: exactly, without it.
        where: a filter (SQL) that every row passes.
        where_first: whether rows are filtered before the search, or what it found is.
    """
    asked: dict[str, Any] = {"column": "embedding", "q": vector, "k": k, "metric": "cosine"}
    if settings is None:
        asked["use_index"] = False
    else:
        # A graph must be asked for at least as many candidates as are re-ranked.
        ef = max(settings["ef"], k * settings["refine"])
        asked |= {"nprobes": settings["nprobes"], "refine_factor": settings["refine"], "ef": ef}
    table = concepts.to_table(columns=[*columns, "_distance"], nearest=asked, filter=where, prefilter=where_first)
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _names(concepts: lance.LanceDataset) -> list[str]:
    return [index.name for index in concepts.describe_indices() if index.name == NAME]


def _build(publication: Publication, queries: int, on_stage: Callable[[str], object]) -> VectorIndex:
    concepts = publication.dataset("concepts")
    rows = 0 if "embedding" not in concepts.schema.names else concepts.count_rows("embedder IS NOT NULL")
    if rows < FEWEST_ROWS:
        raise UsageError(f"{rows:,} concepts are embedded: under {FEWEST_ROWS:,} exact search needs no index")
    on_stage("building")
    started = time.perf_counter()
    parameters = {"num_partitions": max(1, round(rows / ROWS_A_PARTITION)), "m": 16, "ef_construction": 100}
    publication.index_vectors("concepts", NAME, "IVF_HNSW_SQ", parameters)
    build_s = time.perf_counter() - started
    on_stage("measuring")
    measured = _measure(publication, sample_vectors(concepts, queries))
    (embedder,) = publication.dataset("embedders").to_table(columns=["embedder"])["embedder"].to_pylist()
    return VectorIndex(
        name=NAME,
        kind=KIND,
        embedder=embedder,
        parameters={"build": parameters, "search": measured.settings},
        rows=rows,
        queries=measured.queries,
        recall=measured.recall,
        p50_ms=measured.p50_ms,
        exact_ms=measured.exact_ms,
        build_s=build_s,
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    settings: Settings
    queries: int
    recall: float
    p50_ms: float
    exact_ms: float


def _measure(publication: Publication, queries: np.ndarray) -> _Measured:
    """Hold the new index against exact search: the quickest settings that reach AIM, else the best."""
    concepts = publication.dataset("concepts")
    true = exact_nearest(queries, vector_chunks(concepts), K).rows
    _, exact_ms = _ask(concepts, queries[:EXACT_QUERIES], None)
    numbers = {concept_id: at for at, concept_id in enumerate(_embedded_ids(concepts))}
    best: _Measured | None = None
    for settings in TRIED:
        found, taken = _ask(concepts, queries, settings)
        rows = [[numbers[concept_id] for concept_id in hits] for hits in found]
        tried = _Measured(
            settings, len(queries), recall(rows, true.tolist()), statistics.median(taken), statistics.median(exact_ms)
        )
        if best is None or tried.recall > best.recall:
            best = tried
        if best.recall >= AIM:
            break
    assert best is not None
    return best


def _ask(
    concepts: lance.LanceDataset, queries: np.ndarray, settings: Settings | None
) -> tuple[list[list[str]], list[float]]:
    """What is found for every query, and the milliseconds that each took; without settings, exactly."""
    found: list[list[str]] = []
    taken: list[float] = []
    for vector in queries:
        started = time.perf_counter()
        rows = nearest_rows(concepts, vector, K, ["concept_id"], settings=settings)
        taken.append(1000 * (time.perf_counter() - started))
        found.append([row["concept_id"] for row in rows])
    return found, taken


def _embedded_ids(concepts: lance.LanceDataset) -> list[str]:
    """The ids of the embedded concepts, in the order in which `vector_chunks` gives their vectors."""
    table = concepts.to_table(columns=["concept_id"], filter="embedding IS NOT NULL")
    ids: list[str] = table["concept_id"].to_pylist()
    return ids


def _write(publication: Publication, indexes: Sequence[VectorIndex]) -> None:
    rows = [{**asdict(index), "parameters": json.dumps(index.parameters, sort_keys=True)} for index in indexes]
    batches = [pa.RecordBatch.from_pylist(rows, schema=VECTOR_INDEXES.schema)] if rows else []
    publication.replace("vector_indexes", "true", batches)


def _from_row(row: Mapping[str, Any]) -> VectorIndex:
    record = {field.name: row[field.name] for field in fields(VectorIndex)}
    return VectorIndex(**{**record, "parameters": json.loads(row["parameters"])})
