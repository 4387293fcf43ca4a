"""An ingest's last step: what was staged becomes one commit on the newest state of the knowledge base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingest.extractors.load import EXTRACTORS
from ingest.extractors.protocol import REFUSALS
from ingest.joins import require_report_join
from ingest.reports.journal import Journal
from ingest.reports.stored import StoredReports
from ingest.scope.left_out import Tally
from kb.batched import batched
from kb.curation.apply import Concepts, tell, write_edits
from kb.curation.disputes import decided_rows, dispute_batch, keep
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey
from kb.privacy.same_ids import require_same_ids
from kb.store.commits import Commit, default_author
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from kb.vectors.embedding import Embedder, EmbeddingCache
from kb.vocabulary.concept_rows import concept_batches
from kb.vocabulary.embed_concepts import set_embedder

if TYPE_CHECKING:
    import lance


CHUNK = 2_000


def publish_ingest(
    kb: KnowledgeBase,
    journal: Journal,
    sources: Sequence[str],
    *,
    embedder: Embedder | None,
    by: str | None,
    why: str | None,
    left_out: Tally,
    mined_by: str,
    allow_unjoined: bool = False,
    key: IdKey | None = None,
    used: Mapping[str, Any] | None = None,
) -> Commit | None:
    """Commit what `journal` has staged; None if the knowledge base holds all of it already.

    The journal knows the state of `kb`, and the embedding cache holds the vectors of what is new to it. `mined_by` is
    the extractor's fingerprint, and `used` what the mining cost, for the summary of the commit.
    """

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
        require_same_ids(publication, key, where=kb.uri)
        if publication.head.commit_id != kb.commit.commit_id:
            _catch_up(kb, publication, journal, embedder)
        new_concepts = journal.new_concept_count()
        staged = journal.fragments("reports")
        rejects = [*journal.rejects(), *_standing_refusals(publication, sources, journal)]
        changed_rejects = replace_rejects(publication, sources, rejects)
        if not (staged or new_concepts or changed_rejects or journal.dropped()):
            return None, None
        decided = _replace_reports(publication, journal)
        if staged and not allow_unjoined:
            require_report_join(publication)
        if new_concepts:
            _write_concepts(kb, publication, journal, embedder)
        again = _write_disputes(publication, journal, decided)
        counts = {"left_out": left_out.total, "new_concepts": new_concepts, "decided_before": again}
        counts |= _take_in(publication, journal, by)
        return {**_summary(journal, mined_by), **counts, **(used or {})}, None

    commit, _ = kb.publish("ingest reports", change, by=by, why=why)
    return commit


def _standing_refusals(publication: Publication, sources: Sequence[str], journal: Journal) -> list[dict[str, Any]]:
    """What was refused of reports that are stored as they are: it stands as they do, for they were not mined again."""
    if not sources:
        return []
    rows = publication.dataset("rejects").to_table(filter=f"source IN {literals(sources)}").to_pylist()
    return [row for row in rows if row["reason"].startswith(REFUSALS) and journal.is_unchanged(row["report_id"])]


def load_stored(journal: Journal, reports: lance.LanceDataset) -> None:
    """Tell the journal which reports a commit holds."""
    journal.load_stored(StoredReports(reports))


def load_known(journal: Journal, concepts: lance.LanceDataset) -> None:
    """Tell the journal which concepts a commit holds, and which of them an extractor put aside."""
    journal.load_known(concepts.to_batches(columns=["concept_id"]))
    aside = f"status = 'aside' AND source IN {literals(EXTRACTORS)}"
    journal.load_aside(concepts.to_batches(columns=["concept_id"], filter=aside))


def _catch_up(kb: KnowledgeBase, publication: Publication, journal: Journal, embedder: Embedder | None) -> None:
    """Tell the journal of the commits that other writers made meanwhile; what is new again gets its vector."""
    load_stored(journal, publication.dataset("reports"))
    load_known(journal, publication.dataset("concepts"))
    if embedder is not None:
        for texts in batched((row["text"] for row in journal.new_concepts()), CHUNK):
            EmbeddingCache(kb.storage, embedder.info).fill(texts, embedder)


def _replace_reports(publication: Publication, journal: Journal) -> dict[str, dict[str, Any]]:
    """Staged reports and their observations go in, those they replace go out; what was decided of the latter, by id."""
    decided: dict[str, dict[str, Any]] = {}
    disputed = publication.dataset("disputes").count_rows() > 0
    for chunk in batched(journal.replaced(), CHUNK):
        if disputed:
            decided |= {row["dispute_id"]: row for row in decided_rows(publication, chunk)}
        for table in ("reports", "observations", *(["disputes"] if disputed else [])):
            publication.delete(table, f"report_id IN {literals(chunk)}")
    for table in ("reports", "observations"):
        publication.append(table, journal.fragments(table))
    return decided


def _write_disputes(publication: Publication, journal: Journal, decided: Mapping[str, Mapping[str, Any]]) -> int:
    """Statements that wait for a decision go in; one that was decided before is so again: how many of those."""
    again: list[dict[str, Any]] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for chunk in batched(journal.disputes(), CHUNK):
            for row in chunk:
                if (before := decided.get(row["dispute_id"])) is not None:
                    row |= {name: before[name] for name in ("decision", "author", "reason", "time")}
                    again.append(row)
            yield dispute_batch(chunk)

    if journal.disputed():
        publication.write("disputes", batches())
        keep(publication, again)
    return len(again)


def _write_concepts(kb: KnowledgeBase, publication: Publication, journal: Journal, embedder: Embedder | None) -> None:
    cache = info = None
    if embedder is not None:
        info = embedder.info
        cache = EmbeddingCache(kb.storage, info)
        set_embedder(publication, info)
    schema = publication.dataset("concepts").schema
    publication.write("concepts", concept_batches(journal.new_concepts(), schema, cache, info=info))
    publication.index_words("concepts", "text")


def _take_in(publication: Publication, journal: Journal, by: str | None) -> dict[str, int]:
    """What stood aside and is well formed by now becomes a candidate, by a change that can be reverted."""
    taken = journal.taken_in()
    if not taken:
        return {}
    edits = {concept_id: {"status": "candidate"} for concept_id in taken}
    why = "well formed by the tables as they are now"
    made = tell(Concepts(publication), "take in", edits, author=by or default_author(), why=why)
    write_edits(publication, edits, [made])
    return {"taken_in": len(taken)}


def _summary(journal: Journal, mined_by: str) -> dict[str, Any]:
    outcomes = journal.outcomes(mined_by)
    return {
        "run": journal.run_id,
        "new": outcomes.get("new", 0),
        "changed": outcomes.get("changed", 0),
        "observations": journal.observations(),
        "disputed": sum(journal.disputed().values()),
        "rejects": len(journal.rejects()),
    }
