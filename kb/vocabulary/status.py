"""What a commit holds, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow.compute as pc

from kb.store.commits import MAIN, Commit
from kb.store.state import State
from kb.vectors.embedding import EmbedderInfo
from kb.vectors.embedding.in_use import read_embedder
from kb.vectors.vector_index import VectorIndex, read_index, rows_beside
from kb.vectors.vector_storage import Stored, read_stored

COUNTED_AT_ONCE = 2
"""Columns that are counted at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The numbers of one commit; `size_bytes` is of the whole history, and None for an object store."""

    uri: str
    commit: Commit
    tags: tuple[str, ...]
    is_newest: bool
    commits: int
    reports: int
    images: int
    labels: int
    image_vectors: dict[str, int]
    runs: dict[str, int]
    observations: dict[str, int]
    concepts: dict[str, int]
    concept_statuses: dict[str, int]
    not_embedded: int
    embedder: EmbedderInfo | None
    rejects: int
    disputed: int
    extractors: dict[str, int]
    size_bytes: int | None
    stored: Stored | None
    index: VectorIndex | None
    beside_index: int

    def to_dict(self) -> dict[str, Any]:
        """The status as plain data, for JSON."""
        embedder = self.embedder.to_row() if self.embedder else None
        return {
            "kb": self.uri,
            "commit": self.commit.commit_id,
            "operation": self.commit.operation,
            "author": self.commit.author,
            "time": self.commit.time.isoformat(timespec="seconds"),
            "tags": list(self.tags),
            "newest": self.is_newest,
            "commits": self.commits,
            "reports": self.reports,
            "images": self.images,
            "labels": self.labels,
            "image_vectors": self.image_vectors,
            "runs": self.runs,
            "observations": sum(self.observations.values()),
            "observations_by_assertion": self.observations,
            "concepts": sum(self.concepts.values()),
            "concepts_by_assertion": self.concepts,
            "concepts_by_status": self.concept_statuses,
            "not_embedded": self.not_embedded,
            "embedder": embedder,
            "vectors": None if self.stored is None else asdict(self.stored),
            "index": None if self.index is None else {**self.index.to_dict(), "beside": self.beside_index},
            "rejects": self.rejects,
            "disputed": self.disputed,
            "reports_by_extractor": self.extractors,
            "size_bytes": self.size_bytes,
        }

    def facts(self) -> list[tuple[str, str]]:
        """The status as names and values, as a person reads it."""
        commit, embedder = self.commit, self.embedder
        tags = f" ({', '.join(self.tags)})" if self.tags else ""
        older = "" if self.is_newest else ", not the newest"
        on = "" if commit.branch == MAIN else f" on {commit.branch}"
        facts = [
            ("knowledge base", self.uri),
            ("commit", f"{commit.commit_id}{tags}{on}, {self.commits} in all{older}"),
            ("last change", f"{commit.operation} by {commit.author}, {commit.time:%Y-%m-%d %H:%M} UTC"),
            ("reports", f"{self.reports:,}{_parts(self.extractors) if len(self.extractors) > 1 else ''}"),
            ("images", f"{self.images:,}" if self.images else ""),
            ("labels", f"{self.labels:,} values" if self.labels else ""),
            ("vectors", "; ".join(f"{count:,} images by {name}" for name, count in self.image_vectors.items())),
            ("runs", "; ".join(f"{name}: {count:,} scores" for name, count in self.runs.items())),
            ("observations", f"{sum(self.observations.values()):,}{_parts(self.observations)}"),
            ("concepts", f"{sum(self.concepts.values()):,}{_parts(self.concepts)}{_parts(self.concept_statuses)}"),
            ("embedder", f"{embedder.name}, {embedder.dimension}-d" if embedder else "none yet"),
            ("stored as", _stored_in_words(self.stored)),
            ("index", _index_in_words(self.index, self.beside_index)),
            ("not embedded", f"{self.not_embedded:,}"),
            ("rejects", f"{self.rejects:,}"),
            ("disputed", f"{self.disputed:,} to decide" if self.disputed else ""),
            ("size", "in an object store" if self.size_bytes is None else f"{self.size_bytes / 1e6:,.1f} MB"),
        ]
        return [(name, value) for name, value in facts if value]


def read_status(state: State) -> Status:
    """Count what `state` holds at its commit."""
    totals = concept_totals(state)
    # The columns of millions of rows are read and counted side by side.
    with ThreadPoolExecutor(COUNTED_AT_ONCE) as pool:
        vectors, runs, observations, extractors = pool.map(
            lambda asked: _counted(state, *asked),
            [
                ("image_vectors", "encoder"),
                ("predictions", "run"),
                ("observations", "assertion"),
                ("reports", "extractor"),
            ],
        )
    return Status(
        uri=state.uri,
        commit=state.commit,
        tags=tuple(sorted(name for name, commit_id in state.tags().items() if commit_id == state.commit.commit_id)),
        is_newest=state.commits.head(state.branch).commit_id == state.commit.commit_id,
        commits=len(state.log()),
        reports=state.dataset("reports").count_rows(),
        images=state.dataset("images").count_rows(),
        labels=state.dataset("labels").count_rows(),
        image_vectors=vectors,
        runs=runs,
        observations=_most_first(observations),
        concepts=_sum_by(totals, "assertion"),
        concept_statuses=_sum_by(totals, "status"),
        not_embedded=sum(row["not_embedded"] for row in totals),
        embedder=read_embedder(state),
        rejects=state.dataset("rejects").count_rows(),
        disputed=state.dataset("disputes").count_rows("decision IS NULL"),
        extractors=_most_first(extractors),
        size_bytes=state.storage.size_bytes(),
        stored=read_stored(state),
        index=read_index(state),
        beside_index=rows_beside(state) if read_index(state) else 0,
    )


def concept_totals(state: State) -> list[dict[str, Any]]:
    """How many concepts there are by assertion and status, and how many of them have no vector."""
    table = state.dataset("concepts").to_table(columns=["assertion", "status", "embedder"])
    grouped = table.group_by(["assertion", "status"]).aggregate([([], "count_all"), ("embedder", "count")])
    rows = [
        {
            "assertion": row["assertion"],
            "status": row["status"],
            "concepts": row["count_all"],
            "not_embedded": row["count_all"] - row["embedder_count"],
        }
        for row in grouped.to_pylist()
    ]
    return sorted(sorted(rows, key=lambda row: row["status"]), key=lambda row: row["assertion"], reverse=True)


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts, key=lambda name: (-counts[name], name))}


def _counted(state: State, table: str, column: str) -> dict[str, int]:
    """How many rows of a table have each value of a column, by the order of the values."""
    values = state.dataset(table).to_table(columns=[column])[column]
    found = {row["values"]: row["counts"] for row in pc.value_counts(values).to_pylist()}
    return {name: found[name] for name in sorted(found)}


def _sum_by(rows: list[dict[str, Any]], key: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0) + row["concepts"]
    return sums


def _parts(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{count:,} {name}' for name, count in counts.items())})" if counts else ""


def _stored_in_words(stored: Stored | None) -> str:
    """How vectors are stored, where that is not as they were computed."""
    if stored is None or stored.stored_as == "float32":
        return ""
    measured = "" if stored.recall is None else f", recall@10 {stored.recall:.3f} against float32"
    return f"{stored.stored_as}{measured}"


def _index_in_words(index: VectorIndex | None, beside: int) -> str:
    if index is None:
        return ""
    measured = f"recall@10 {index.recall:.3f}, {index.p50_ms:.1f} ms (exact: {index.exact_ms:,.0f} ms)"
    more = f", {beside:,} newer ones beside it" if beside else ""
    return f"{index.kind} over {index.rows:,}: {measured}{'' if index.used else ', too little: not used'}{more}"
