"""Search by meaning and by words: several rankings of the vocabulary, fused.

The rankings are LanceDB's full-text and vector searches and one by facets: where the lexicon knows what the
query names ("collapsed lung" is atelectasis), the concepts of that finding. They are fused by reciprocal
rank (Cormack, Clarke and Buettcher, 2009). Embedders hardly tell "no effusion" from "effusion" or left from
right, so a hit whose facets contradict the query's is set back, whatever its vector says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kb.display import Listing
from kb.errors import UsageError
from kb.language.facets import Facets
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from kb.store.state import State
from kb.vectors.embedding import Embedder, load_stored_embedder
from kb.vectors.embedding.in_use import read_embedder
from kb.vectors.vector_search import VectorSearch
from kb.vocabulary.filters import Filters
from kb.vocabulary.vocabulary import Vocabulary
from schemas.terms import IN_USE

RRF_K = 60
"""The constant of reciprocal rank fusion, as published."""

CONTRADICTION = 0.4
"""What a hit keeps of its score for every facet in which it contradicts the query."""

DEPTH = 50
HIT_COLUMNS = ["concept_id", "text", "assertion", "finding", "anatomy", "laterality", "severity", "status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One concept found. `score` is 1 if every ranking puts it first and nothing contradicts the query."""

    concept_id: str
    text: str
    assertion: str
    score: float
    laterality: str
    severity: str | None
    status: str
    mentions: int


def search(
    state: State,
    query: str,
    *,
    k: int = 10,
    filters: Filters | None = None,
    embedder: Embedder | None = None,
    words_only: bool = False,
) -> Listing[SearchHit]:
    """The concepts that `query` means, best first.

    Args:
        state: where to search, at its commit.
        query: an observation in plain words; a leading "no" or "without" asks for the absent one.
        k: how many hits at most.
        filters: what a hit must be; default: in use.
        embedder: the embedder for the query; default: the stored one, loaded for this call.
        words_only: leave the vectors out; needs no embedder.

    Raises:
        UsageError: the query is empty, k is below 1, or `embedder` is not the one of the vocabulary.
    """
    if not query.strip() or k < 1:
        raise UsageError("a search needs some words, and k of 1 or more")
    filters = filters or Filters()
    facets = _facets(query)
    depth = max(DEPTH, 4 * k)
    pool = _Pool(state, filters, depth)
    wordings = _wordings(query, facets)
    rankings = [(1.0, pool.by_words(wordings[-1]))]
    if facets is not None:
        rankings.append((3.0, pool.by_facets(facets)))
    if not words_only and read_embedder(state) is not None:
        vectors = _query_vectors(state, wordings, embedder)
        rankings += [(1.0 / len(vectors), pool.by_vector(vector)) for vector in vectors]
    hits = _hits(state, pool.rows, _fuse(rankings), facets=facets, filters=filters, k=k)
    return Listing(hits, ("concept_id", "text", "assertion", "score", "mentions"))


class _Pool:
    """The candidate rows that the rankings bring up, each ranking as a list of concept ids."""

    def __init__(self, state: State, filters: Filters, depth: int):
        self.rows: dict[str, Mapping[str, Any]] = {}
        self._kb = state
        self._table = state.storage.lance_table("concepts", state.commit.pins["concepts"])
        self._where = filters.sql()
        self._filters = filters
        # The rarer the concepts that pass the minimum count, the deeper a ranking must go to meet them.
        self._depth = depth if filters.min_count <= 1 else 20 * depth

    def by_words(self, text: str) -> list[str]:
        if not any("text" in index.field_names for index in self._kb.dataset("concepts").describe_indices()):
            return []
        found = self._table.search(text, query_type="fts").where(self._where, prefilter=True)
        return self._take(found.select([*HIT_COLUMNS, "_score"]).limit(self._depth).to_list())

    def by_vector(self, vector: Any) -> list[str]:
        return self._take(self._kb.remember(VectorSearch).nearest(vector, self._depth, HIT_COLUMNS, self._where))

    def by_facets(self, facets: Facets) -> list[str]:
        listed = Vocabulary(self._kb).list(
            assertion=self._filters.assertion,
            status=self._filters.status,
            laterality=self._filters.laterality,
            findings=self._findings(facets.finding),
            min_count=self._filters.min_count,
        )
        rows = [row for row in listed if self._filters.status or row["status"] in IN_USE]
        rows.sort(key=lambda row: -_agreement(row, facets))  # stable: most mentioned first within a tie
        return self._take(rows[: self._depth])

    def _findings(self, finding: str) -> list[str]:
        asked = self._filters.findings
        return [finding] if asked is None or finding in asked else []

    def _take(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        for row in rows:
            self.rows.setdefault(row["concept_id"], row)
        return [row["concept_id"] for row in rows]


def _facets(query: str) -> Facets | None:
    try:
        return read_query(query)
    except ValueError:
        return None


def _wordings(query: str, facets: Facets | None) -> list[str]:
    """The query as it stands, and its canonical text where the lexicon knows what it names by another word."""
    wordings = [query.strip()]
    if facets is not None and load_lexicon().canonical(facets.finding) and facets.text != wordings[0].lower():
        wordings.append(facets.text)
    return wordings


def _query_vectors(state: State, wordings: Sequence[str], embedder: Embedder | None) -> list[Any]:
    info = read_embedder(state)
    assert info is not None
    if embedder is None:
        embedder = load_stored_embedder(info)
    elif embedder.info.embedder_id != info.embedder_id:
        raise UsageError(
            f"the vocabulary was embedded with {info.name} ({info.dimension}-d), the query with {embedder.info.name} "
            f"({embedder.info.dimension}-d): their spaces cannot be compared"
        )
    return [embedder.embed_query(text) for text in wordings]


def _fuse(rankings: Sequence[tuple[float, Sequence[str]]]) -> dict[str, float]:
    """Reciprocal rank fusion, scaled so that first place in every ranking gives 1."""
    scores: dict[str, float] = {}
    best = sum(weight / (RRF_K + 1) for weight, ranking in rankings if ranking)
    for weight, ranking in rankings:
        for rank, concept_id in enumerate(ranking, start=1):
            scores[concept_id] = scores.get(concept_id, 0.0) + weight / (RRF_K + rank) / best
    return scores


def _hits(
    state: State,
    rows: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, float],
    facets: Facets | None,
    filters: Filters,
    k: int,
) -> list[SearchHit]:
    judged = {
        concept_id: score * (CONTRADICTION ** _contradictions(rows[concept_id], facets) if facets else 1.0)
        for concept_id, score in scores.items()
    }
    counts = Vocabulary(state).counts([*judged])
    hits: list[SearchHit] = []
    for concept_id in sorted(judged, key=lambda c: (-judged[c], c)):
        mentions = counts[concept_id].mentions if concept_id in counts else 0
        if mentions < filters.min_count:
            continue
        row = rows[concept_id]
        hits.append(
            SearchHit(
                concept_id=concept_id,
                text=row["text"],
                assertion=row["assertion"],
                score=round(judged[concept_id], 4),
                laterality=row["laterality"],
                severity=row["severity"],
                status=row["status"],
                mentions=mentions,
            )
        )
        if len(hits) == k:
            break
    return hits


def _contradictions(row: Mapping[str, Any], facets: Facets) -> int:
    """In how many facets that the query names the concept says something else."""
    sides = facets.laterality != "none" and row["laterality"] != facets.laterality
    sizes = facets.severity is not None and row["severity"] not in (None, facets.severity)
    return (row["assertion"] != facets.assertion) + sides + sizes


def _agreement(row: Mapping[str, Any], facets: Facets) -> int:
    """How closely a concept of the query's finding says what the query says, and nothing more."""
    same = (
        (row["assertion"] == facets.assertion) * 4
        + (row["laterality"] == facets.laterality) * 2
        + (row["severity"] == facets.severity)
        + (row["anatomy"] == facets.anatomy)
    )
    return same - len(set(row["descriptors"]) ^ set(facets.descriptors))
