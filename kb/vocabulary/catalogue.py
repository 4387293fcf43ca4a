"""All concepts of one state in memory: found by words and facets while somebody types, counted by facet.

A search ranks by meaning (`kb.vocabulary.search`); this lists by what texts and names say, in milliseconds, at the size
of the published bank too. After acts of curation it is brought up to date rather than read anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kb.language.facets import kind_of
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query, stands_as_it_is
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vocabulary.concept import Counts
from kb.vocabulary.facet_column import NONE, FacetColumn
from kb.vocabulary.filters import Filters
from kb.vocabulary.vocabulary import Vocabulary
from kb.vocabulary.word_index import WordIndex, words_in
from schemas.terms import IN_USE

STORED = ("finding", "anatomy", "laterality", "severity", "assertion", "status", "source")
FACETS = (*STORED, "kind")
"""What concepts can be filtered and counted by."""

COLUMNS = ["concept_id", "text", "synonyms", "descriptors", *STORED]
Row = dict[str, Any]

MOST_CHANGED = 2_000
"""Concepts that may differ from what the index of words was made of, before it is made anew."""

EXACT, BEGINS, SAID = 3, 2, 1
"""How well a text meets the words: it is they, begins with them, holds them; 0 where another word for it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is looked for.

    Attributes:
        words: each has to begin a word of the text or of another name, in any order.
        facets: by facet the values of which a concept has to have one; without a status, only concepts in use pass.
        without: the ids of concepts that are not wanted.
    """

    words: str = ""
    facets: Mapping[str, Collection[str]] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of what was found.

    Attributes:
        rows: concepts with their counts, the best first.
        total: how many there are on all pages.
        choices: by facet how many of them have each value, as if that facet were not asked for.
        meant: the finding that the words are another name of ("ptx"), or None.
    """

    rows: list[Row]
    total: int
    choices: dict[str, dict[str, int]]
    meant: str | None


@dataclass(frozen=True, slots=True)
class Passing:
    """Which concepts of a catalogue pass.

    Attributes:
        places: the place of each concept, by id.
        mask: (concepts,) whether the one at a place passes.
    """

    places: Mapping[str, int]
    mask: np.ndarray

    def __contains__(self, concept_id: object) -> bool:
        at = self.places.get(str(concept_id))
        return at is not None and bool(self.mask[at])


class Catalogue:
    """The concepts of one state, held in memory; see `Catalogue.of`."""

    def __init__(
        self,
        table: pa.Table,
        words: WordIndex,
        counts: tuple[np.ndarray, np.ndarray],
        columns: Mapping[str, FacetColumn],
        changed: Mapping[int, Row],
    ):
        self._table = table
        self._words = words
        self.mentions, self.reports = counts
        self._columns = columns
        self._changed = dict(changed)

    @cached_property
    def _lowered(self) -> pa.Array:
        return pc.utf8_lower(self._table["text"].combine_chunks())

    @cached_property
    def _weight(self) -> np.ndarray:
        """(concepts,) what comes first among those that say the words alike: many mentions, then a short text."""
        lengths = pc.utf8_length(self._lowered).to_numpy(zero_copy_only=False)
        weight: np.ndarray = self.mentions * 1e3 - np.minimum(lengths, 999)
        return weight

    @classmethod
    def of(cls, state: State) -> Catalogue:
        """The catalogue of a state, read anew; of 368,294 concepts it takes some seconds."""
        table = state.dataset("concepts").to_table(columns=COLUMNS).combine_chunks()
        columns = {name: FacetColumn.of(table[name]) for name in STORED}
        columns["kind"] = _kinds(columns["finding"], columns["status"])
        return cls(table, _word_index(table), _counts(state, table["concept_id"].to_pylist()), columns, {})

    def __len__(self) -> int:
        return len(self.mentions)

    def after(self, state: State, concept_ids: Sequence[str], *, recount: bool) -> Catalogue | None:
        """The catalogue of a later state in which only these concepts changed; None if it has to be read anew.

        That is where concepts are new or gone, or very many have changed.

        Args:
            state: the later one.
            concept_ids: what was edited.
            recount: whether mentions may have gone from one concept to another.
        """
        if not set(concept_ids) <= self._places.keys() or len(self._changed) > MOST_CHANGED:
            return None
        where = f"concept_id IN {literals(concept_ids)}"
        rows = state.dataset("concepts").to_table(columns=COLUMNS, filter=where).to_pylist() if concept_ids else []
        if len(rows) != len(set(concept_ids)):
            return None
        new = {self._places[row["concept_id"]]: row for row in rows}
        columns = {name: self._columns[name].with_values({at: row[name] for at, row in new.items()}) for name in STORED}
        columns["kind"] = _kinds(columns["finding"], columns["status"])
        counts = _counts(state, [*self._places]) if recount else (self.mentions, self.reports)
        later = Catalogue(self._table, self._words, counts, columns, {**self._changed, **new})
        later.__dict__["_places"] = self._places  # ids and places are the same
        later.__dict__["_lowered"] = later._texts_now(self._lowered, new)
        return later

    def find(self, asked: Asked, *, limit: int = 50, offset: int = 0, choices: bool = True) -> Found:
        """The concepts that are asked for: those that say the words best, then those with the most mentions."""
        words = words_in(asked.words)
        said = self._saying(words)
        meant = _other_word(asked.words) if words else None
        hits = said if meant is None else said | self._of_meaning(meant)
        for concept_id in asked.without & self._places.keys():
            hits[self._places[concept_id]] = False
        passing = {name: self._columns[name].equal([*values]) for name, values in _wanted(asked).items()}
        every = np.logical_and.reduce([hits, *passing.values()])
        order = self._ranked(np.flatnonzero(every), said, " ".join(words), limit + offset)[offset:]
        return Found(
            rows=[self.row(int(at)) for at in order],
            total=int(every.sum()),
            choices=self._choices(hits, passing) if choices else {},
            meant=meant["finding"] if meant is not None else None,
        )

    def row(self, at: int) -> Row:
        """The concept at a place, with its counts and its kind."""
        row = self._changed.get(at) or self._table.slice(at, 1).to_pylist()[0]
        counted = {"mentions": int(self.mentions[at]), "reports": int(self.reports[at])}
        return {**row, **counted, "kind": self._columns["kind"].value(at)}

    def get(self, concept_id: str) -> Row | None:
        """The concept with an id, or None."""
        at = self._places.get(concept_id)
        return None if at is None else self.row(at)

    def values(self, facet: str) -> list[str]:
        """What concepts have of a facet, each once."""
        return self._columns[facet].values

    def having(self, filters: Filters) -> dict[str, frozenset[str]]:
        """By facet the values that pass, of the facets that are filtered by: what `find` takes."""
        asked = {name: name for name in FACETS if name != "finding"} | {"finding": "findings"}
        named = [name for name, field in asked.items() if getattr(filters, field) is not None]
        names = {*named, *(["finding"] if filters.label is not None else [])}
        return {
            name: frozenset(one for one in self.values(name) if filters.takes(name, _said(name, one))) for name in names
        }

    def passing(self, filters: Filters) -> Passing:
        """Which concepts pass, by id: as `Filters.passes` says of their rows, all at once."""
        masks = [self._columns[name].equal([*values]) for name, values in self.having(filters).items()]
        mask = np.logical_and.reduce(masks) if masks else np.ones(len(self), bool)
        return Passing(self._places, mask)

    def of_findings(self, findings: Sequence[str], assertion: str | None = None) -> list[Row]:
        """The concepts in use of some findings, with their counts."""
        mask = self._columns["finding"].equal(findings) & self._columns["status"].equal(IN_USE)
        if assertion is not None:
            mask &= self._columns["assertion"].equal([assertion])
        return [self.row(int(at)) for at in np.flatnonzero(mask)]

    def by_finding(self) -> dict[str, dict[str, tuple[int, int]]]:
        """By finding and assertion how many concepts in use there are, and how often they are mentioned."""
        used = np.flatnonzero(self._columns["status"].equal(IN_USE))
        findings, assertions = self._columns["finding"], self._columns["assertion"]
        key = findings.codes[used].astype(np.int64) * len(assertions.values) + assertions.codes[used]
        size = len(findings.values) * len(assertions.values)
        concepts = np.bincount(key, minlength=size)
        mentions = np.bincount(key, weights=self.mentions[used], minlength=size)
        found: dict[str, dict[str, tuple[int, int]]] = {}
        for at in np.flatnonzero(concepts):
            finding, assertion = divmod(int(at), len(assertions.values))
            of = found.setdefault(findings.values[finding], {})
            of[assertions.values[assertion]] = (int(concepts[at]), int(mentions[at]))
        return found

    @cached_property
    def _places(self) -> dict[str, int]:
        return {concept_id: at for at, concept_id in enumerate(self._table["concept_id"].to_pylist())}

    def _texts_now(self, lowered: pa.Array, new: Mapping[int, Row]) -> pa.Array:
        """The texts in lower case, those of some concepts as they are now."""
        if not new:
            return lowered
        mask = np.zeros(len(lowered), bool)
        mask[[*new]] = True
        return pc.replace_with_mask(lowered, pa.array(mask), pa.array([new[at]["text"].lower() for at in sorted(new)]))

    def _saying(self, words: Sequence[str]) -> np.ndarray:
        """(concepts,) whether a concept says the words; those that changed since the index was made are read."""
        found = self._words.holding(words)
        for at, row in self._changed.items():
            own = [word for name in (row["text"], *row["synonyms"]) for word in words_in(name)]
            found[at] = all(any(one.startswith(word) for one in own) for word in words)
        return found

    def _of_meaning(self, meant: Mapping[str, str]) -> np.ndarray:
        return np.logical_and.reduce([self._columns[name].equal([value]) for name, value in meant.items()])

    def _choices(self, hits: np.ndarray, passing: Mapping[str, np.ndarray]) -> dict[str, dict[str, int]]:
        found = {}
        for name in FACETS:
            others = [mask for other, mask in passing.items() if other != name]
            found[name] = self._columns[name].counted(np.logical_and.reduce([hits, *others]))
        return found

    def _ranked(self, places: np.ndarray, said: np.ndarray, text: str, count: int) -> np.ndarray:
        """The first of some concepts: the best said, the most mentioned, the shortest."""
        key = -self._weight[places]
        if text:
            key -= 1e12 * self._tier(places, said, text)
        first = np.argpartition(key, count)[:count] if count < len(key) else np.arange(len(key))
        return places[first[np.lexsort((places[first], key[first]))]]

    def _tier(self, places: np.ndarray, said: np.ndarray, text: str) -> np.ndarray:
        texts = self._lowered.take(pa.array(places))
        tier = said[places] * float(SAID)
        tier[pc.starts_with(texts, text).to_numpy(zero_copy_only=False)] = BEGINS
        tier[pc.equal(texts, text).to_numpy(zero_copy_only=False)] = EXACT
        return tier


def _said(facet: str, value: str) -> str | None:
    """What a concept says of a facet: of the side "none" is said, of others nothing is."""
    return None if value == NONE and facet != "laterality" else value


def _wanted(asked: Asked) -> dict[str, Collection[str]]:
    return {"status": IN_USE, **{name: values for name, values in asked.facets.items() if name in FACETS}}


def _other_word(words: str) -> dict[str, str] | None:
    """What the words mean where they are another name of a finding: "ptx", "collapsed lung"; None where they are not.

    Only what is read at sight is read: a sentence would need a tokeniser, and nobody types one to find a concept.
    """
    if not stands_as_it_is(words):
        return None
    try:
        facets = read_query(words)
    except ValueError:
        return None
    lexicon = load_lexicon()
    if lexicon.canonical(facets.finding) is None or facets.finding in words.lower():
        return None
    said = {"finding": facets.finding, "anatomy": facets.anatomy, "severity": facets.severity}
    side = facets.laterality if facets.laterality != "none" else None
    denied = "absent" if facets.assertion == "absent" else None
    return {name: value for name, value in {**said, "laterality": side, "assertion": denied}.items() if value}


def _word_index(table: pa.Table) -> WordIndex:
    """The index over texts and other names."""
    synonyms = table["synonyms"].combine_chunks()
    owners = np.concatenate(
        [np.arange(table.num_rows), pc.list_parent_indices(synonyms).to_numpy(zero_copy_only=False)]
    )
    texts = pa.concat_arrays([table["text"].combine_chunks(), pc.list_flatten(synonyms)])
    return WordIndex(texts, owners, table.num_rows)


def _kinds(findings: FacetColumn, statuses: FacetColumn) -> FacetColumn:
    """What each concept is of, as `Concept.kind` says."""
    names = [kind_of(finding) for finding in findings.values]
    values = sorted({*names, "other"})
    code_of = {value: code for code, value in enumerate(values)}
    codes = np.array([code_of[name] for name in names], np.int32)[findings.codes] if names else findings.codes
    return FacetColumn(values, np.where(statuses.equal(["aside"]), np.int32(code_of["other"]), codes))


def _counts(state: State, concept_ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    counts = Vocabulary(state).counts()
    none = Counts()
    own = [counts.get(concept_id, none) for concept_id in concept_ids]
    return np.array([one.mentions for one in own], np.int64), np.array([one.reports for one in own], np.int64)
