"""What a commit holds, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.query import run_named

if TYPE_CHECKING:
    from kb.commits import Commit
    from kb.embedding import EmbedderInfo
    from kb.knowledge_base import KnowledgeBase


@dataclass(frozen=True, slots=True)
class Status:
    """The numbers of one commit; `size_bytes` is of the whole history, and None for an object store."""

    uri: str
    commit: Commit
    tags: tuple[str, ...]
    is_newest: bool
    commits: int
    reports: int
    observations: dict[str, int]
    concepts: dict[str, int]
    concept_statuses: dict[str, int]
    not_embedded: int
    embedder: EmbedderInfo | None
    rejects: int
    extractors: dict[str, int]
    size_bytes: int | None

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
            "observations": sum(self.observations.values()),
            "observations_by_assertion": self.observations,
            "concepts": sum(self.concepts.values()),
            "concepts_by_assertion": self.concepts,
            "concepts_by_status": self.concept_statuses,
            "not_embedded": self.not_embedded,
            "embedder": embedder,
            "rejects": self.rejects,
            "reports_by_extractor": self.extractors,
            "size_bytes": self.size_bytes,
        }


def read_status(kb: KnowledgeBase) -> Status:
    """Count what `kb` holds at its commit."""
    totals = run_named(kb, "concept_totals")
    return Status(
        uri=kb.uri,
        commit=kb.commit,
        tags=tuple(sorted(name for name, commit_id in kb.tags().items() if commit_id == kb.commit.commit_id)),
        is_newest=kb.commits.head(kb.branch).commit_id == kb.commit.commit_id,
        commits=len(kb.log()),
        reports=kb.dataset("reports").count_rows(),
        observations={row["assertion"]: row["observations"] for row in run_named(kb, "observation_totals")},
        concepts=_sum_by(totals, "assertion"),
        concept_statuses=_sum_by(totals, "status"),
        not_embedded=sum(row["not_embedded"] for row in totals),
        embedder=kb.embedder,
        rejects=kb.dataset("rejects").count_rows(),
        extractors={row["extractor"]: row["reports"] for row in run_named(kb, "extractor_totals")},
        size_bytes=kb.storage.size_bytes(),
    )


def _sum_by(rows: list[dict[str, Any]], key: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0) + row["concepts"]
    return sums
