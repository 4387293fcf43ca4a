"""The concepts in use, read once for suggestions: their facets, counts, wordings and vectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kb.curation.apply import Concepts
from kb.curation.dismissed import AS_IT_IS
from kb.curation.told_apart import apart_from
from kb.language.same_words import Wording, wording_of
from kb.language.severities import same_severity
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vectors.columns import vector_matrix
from kb.vocabulary.vocabulary import Vocabulary
from schemas.terms import IN_USE

if TYPE_CHECKING:
    import lance


COLUMNS = [
    "concept_id", "text", "assertion", "finding", "anatomy", "laterality", "severity", "descriptors", "synonyms",
    "status", "distinct_from", "dismissed",
]  # fmt: skip
LIVING = f"status IN {literals(IN_USE)}"
WIDEST = 512
"""Vectors of more dimensions are brought down to so many at random: enough to tell neighbours, in memory for all."""

Row = Mapping[str, Any]
Block = tuple[str, str]


@dataclass(frozen=True)
class Living:
    """The concepts in use at one commit.

    `rows` and `vectors` run in parallel; a vector is NaN if there is none. `apart` has, by id, what a concept was told
    apart from, for those that were.
    """

    rows: list[Row]
    mentions: list[int]
    vectors: np.ndarray | None
    apart: Mapping[str, set[str]]

    @cached_property
    def wordings(self) -> list[Wording]:
        """The wording of every row."""
        return [wording_of(row) for row in self.rows]

    @cached_property
    def embedded(self) -> np.ndarray:
        """Which rows have a vector, (n,) bool."""
        if self.vectors is None:
            return np.zeros(len(self.rows), dtype=bool)
        return ~np.isnan(self.vectors[:, 0])

    def blocks(self) -> dict[Block, list[int]]:
        """The rows by assertion and side: what differs there is never the same."""
        found: dict[Block, list[int]] = {}
        for at, row in enumerate(self.rows):
            found.setdefault((row["assertion"], row["laterality"]), []).append(at)
        return found

    def may_be_one(self, first: int, second: int) -> bool:
        """Whether the severities of two rows of a block say the same (`kb.language.severities`)."""
        one, other = self.rows[first], self.rows[second]
        return same_severity(one["severity"], other["severity"], one["finding"])

    def left_as_it_is(self, at: int) -> bool:
        """Whether a curator said that a row stays as it is."""
        return AS_IT_IS in self.rows[at]["dismissed"]

    def told_apart(self, first: int, second: int) -> bool:
        """Whether a curator said that two rows are not the same."""
        one, other = (self.rows[at]["concept_id"] for at in (first, second))
        return one in self.apart.get(other, ()) or other in self.apart.get(one, ())

    def rank(self, at: int) -> tuple[bool, int, int, str]:
        """What makes a concept rather the survivor: accepted, mentioned more often, shorter, first by its id."""
        row = self.rows[at]
        return (row["status"] != "accepted", -self.mentions[at], len(row["text"]), row["concept_id"])


def read_living(state: State, *, vectors: bool = True) -> Living:
    """The concepts in use at the commit of `state`, with their vectors where asked and there."""
    concepts = state.dataset("concepts")
    rows = concepts.to_table(columns=COLUMNS, filter=LIVING).to_pylist()
    counts = Vocabulary(state).counts()
    mentions = [counts[row["concept_id"]].mentions if row["concept_id"] in counts else 0 for row in rows]
    matrix = _read_vectors(concepts, len(rows)) if vectors and "embedding" in concepts.schema.names else None
    known = Concepts(state)
    apart = {row["concept_id"]: apart_from(row, known) for row in rows if row["distinct_from"]}
    return Living(rows, mentions, matrix, apart)


def _read_vectors(concepts: lance.LanceDataset, count: int) -> np.ndarray:
    dimension = concepts.schema.field("embedding").type.list_size
    narrow = _narrowing(dimension)
    matrix = np.full((count, min(dimension, WIDEST)), np.nan, dtype=np.float32)
    start = 0
    for batch in concepts.to_batches(columns=["embedding"], filter=LIVING, batch_size=8_192):
        column = batch["embedding"]
        there = column.is_valid().to_numpy(zero_copy_only=False)
        if there.any():
            vectors = vector_matrix(column.drop_null())
            matrix[start : start + len(column)][there] = _unit(vectors if narrow is None else vectors @ narrow)
        start += len(column)
    return matrix


def _narrowing(dimension: int) -> np.ndarray | None:
    """A random projection that keeps cosines nearly as they are (Johnson and Lindenstrauss, 1984)."""
    if dimension <= WIDEST:
        return None
    return np.random.default_rng(0).standard_normal((dimension, WIDEST)).astype(np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def embedded_blocks(living: Living) -> Iterator[np.ndarray]:
    """The row numbers of every block's embedded concepts, where there are two or more."""
    for rows in living.blocks().values():
        numbers = np.asarray(rows)
        numbers = numbers[living.embedded[numbers]]
        if len(numbers) > 1:
            yield numbers
