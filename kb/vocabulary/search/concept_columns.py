"""The concepts of one state as columns and words, in memory: what a search looks through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kb.language.facets import kind_of
from kb.store.state import State
from kb.vocabulary.filters import Filters, at_place, findings_of, holds_words
from kb.vocabulary.query import run_table
from kb.vocabulary.search.words import Words
from schemas.terms import IN_USE

CODED = ("assertion", "finding", "anatomy", "laterality", "severity", "status")
COLUMNS = ("concept_id", "text", "synonyms", "descriptors", *CODED)


@dataclass(frozen=True)
class Coded:
    """A column of few different values: the values, and by row which of them it has."""

    values: Sequence[str | None]
    codes: np.ndarray

    def each(self, worth: Mapping[str | None, float], otherwise: float) -> np.ndarray:
        """A number for every row, by its value: (n,) float32."""
        by_code = np.array([worth.get(value, otherwise) for value in self.values], dtype=np.float32)
        return by_code[self.codes]

    def among(self, wanted: Iterable[str | None]) -> np.ndarray:
        """Whether the value of every row is one of those wanted, (n,) bool."""
        chosen = set(wanted)
        return np.array([value in chosen for value in self.values], dtype=bool)[self.codes]


class ConceptColumns:
    """The concepts of one state: row n of every column is one concept. Made once a state (`State.remember`).

    Attributes:
        ids: by row.
        texts: by row.
        coded: the facets of few values, by their names.
        lengths: of the texts, in letters.
        described: how many descriptors each has.
        words: the words of its text and of its other names; `owners` says by name whose it is.
    """

    def __init__(self, state: State):
        # Counting and coding take as long as all the rest, in DuckDB and Arrow: another core does them meanwhile.
        with ThreadPoolExecutor(1) as beside:
            counts = beside.submit(run_table, state, "mention_counts")
            table = state.dataset("concepts").to_table(columns=list(COLUMNS)).combine_chunks()
            coded = beside.submit(lambda: {name: _coded(table[name]) for name in CODED})
            self._read(table)
        self.coded, self._counts = coded.result(), counts.result()
        self._state = state

    def _read(self, table: pa.Table) -> None:
        self.ids, self.texts, others = (table[name].combine_chunks() for name in ("concept_id", "text", "synonyms"))
        self.lengths = pc.utf8_length(self.texts).to_numpy(zero_copy_only=False)
        self.described = pc.list_value_length(table["descriptors"]).to_numpy().astype(np.int16)
        self.owners = np.concatenate([np.arange(len(table)), pc.list_parent_indices(others).to_numpy()])
        self.words = Words(pa.concat_arrays([self.texts, others.flatten()]))

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def mentions(self) -> np.ndarray:
        """How often each concept is mentioned, (n,) int64."""
        counts = self._counts
        found = np.zeros(len(self), dtype=np.int64)
        at = pc.index_in(counts["concept_id"].combine_chunks(), self.ids)
        there = at.is_valid()
        found[at.drop_null().to_numpy()] = counts["mentions"].combine_chunks().filter(there).to_numpy()
        return found

    def rows_of(self, concept_ids: Sequence[str]) -> np.ndarray:
        """The rows of concepts that are known to be there, (ids,) int."""
        return np.array(pc.index_in(pa.array(concept_ids, self.ids.type), self.ids).to_pylist(), dtype=np.int64)

    def best_name(self, by_name: np.ndarray) -> np.ndarray:
        """What is told of names (n names,) as it is told of concepts (n,): the most that one of its names has."""
        best = by_name[: len(self)].copy()
        np.maximum.at(best, self.owners[len(self) :], by_name[len(self) :])
        return best

    def passing(self, filters: Filters) -> np.ndarray:
        """Whether each concept passes, (n,) bool; without a status asked for, only those in use do."""
        masks = [self.coded["status"].among(IN_USE if filters.status is None else [filters.status])]
        for name in ("assertion", "laterality"):
            wanted = getattr(filters, name)
            masks += [self.coded[name].among([wanted])] if wanted is not None else []
        masks += [self._from(filters.source)] if filters.source is not None else []
        finding, place = self.coded["finding"], self.coded["anatomy"]
        if filters.findings is not None:
            masks.append(finding.among(filters.findings))
        if filters.kind is not None:
            masks.append(finding.among(value for value in finding.values if kind_of(value or "") == filters.kind))
        if filters.label is not None:
            masks.append(finding.among(findings_of(filters.label)))
        if filters.severity is not None:
            masks.append(self.coded["severity"].among([None if filters.severity == "none" else filters.severity]))
        if filters.anatomy is not None:
            masks.append(place.among(value for value in place.values if at_place(value, filters.anatomy)))
        if filters.text is not None:
            masks.append(np.array([holds_words(text, filters.text) for text in self.texts.to_pylist()], dtype=bool))
        if filters.min_count > 0:
            masks.append(self.mentions >= filters.min_count)
        return np.logical_and.reduce(masks)

    def _from(self, source: str) -> np.ndarray:
        """Whether each concept is from there, (n,) bool: an imported file gives every one a source of its own."""
        sources = self._state.dataset("concepts").to_table(columns=["source"])["source"]
        found: np.ndarray = pc.equal(sources, source).to_numpy()
        return found

    def row(self, at: int) -> dict[str, Any]:
        """One concept: its id, text and coded columns."""
        coded = {name: column.values[column.codes[at]] for name, column in self.coded.items()}
        return {"concept_id": self.ids[at].as_py(), "text": self.texts[at].as_py(), **coded}


def _coded(column: pa.ChunkedArray) -> Coded:
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return Coded(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False))
