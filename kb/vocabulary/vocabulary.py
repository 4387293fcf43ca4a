"""The concepts of one commit: found by id, listed, counted, and shown with the sentences behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape as escape_html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.curation.curator import Curator
from kb.display import FactSheet, Listing, table_of
from kb.errors import UsageError
from kb.language.facets import kind_of
from kb.vectors.nearest import vector_chunks
from kb.vocabulary.mappings import told_mapping
from kb.vocabulary.query import run_named
from kb.vocabulary.split_rules import Split
from schemas.terms import IN_USE

if TYPE_CHECKING:
    import numpy as np
    from rich.table import Table

    from kb.curation.suggest import Suggestions
    from kb.vocabulary.check import Problem
    from kb.vocabulary.search import Neighbour, SearchHit


@dataclass(frozen=True, slots=True)
class Concept(FactSheet):
    """One concept of the vocabulary, without its vector."""

    concept_id: str
    text: str
    normal_form: str
    assertion: str
    finding: str
    anatomy: str | None
    laterality: str
    severity: str | None
    descriptors: tuple[str, ...]
    synonyms: tuple[str, ...]
    status: str
    replaced_by: str | None
    splits: tuple[Split, ...]
    distinct_from: tuple[str, ...]
    mappings: tuple[Mapping[str, Any], ...]
    source: str
    note: str | None
    embedder: str | None

    @property
    def kind(self) -> str:
        """What it is of: finding, device, normal, or other where the lexicon does not know it."""
        return kind_of(self.finding)

    def facts(self) -> list[tuple[str, str]]:
        """What is said of the concept, in the order in which a person reads it."""
        told: list[tuple[str, str | None]] = [
            ("concept", self.concept_id),
            ("text", self.text),
            ("assertion", self.assertion),
            ("finding", self.finding),
            ("kind", self.kind),
            ("anatomy", self.anatomy),
            ("laterality", self.laterality),
            ("severity", self.severity),
            ("descriptors", ", ".join(self.descriptors)),
            ("synonyms", ", ".join(self.synonyms)),
            ("status", self.status),
            ("replaced by", self.replaced_by),
            ("split", "; ".join(split.told() for split in self.splits)),
            ("is not", ", ".join(self.distinct_from)),
            ("mappings", "; ".join(map(told_mapping, self.mappings))),
            ("normal form", self.normal_form),
            ("source", self.source),
            ("note", self.note),
        ]
        return [(name, value) for name, value in told if value]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a concept is mentioned, in how many reports, and how many of the mentions are hedged."""

    mentions: int = 0
    reports: int = 0
    uncertain: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One mention with its sentence; the sentence is None where report texts are not stored."""

    report_id: str
    study_id: str | None
    patient_id: str | None
    source: str | None
    section: str
    sentence: str | None
    spans: tuple[tuple[int, int], ...]
    text: str
    assertion: str
    certainty: str
    temporality: str
    laterality: str
    severity: str

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Evidence:
        """The mention that a row of the `concept_evidence` query holds; spans count within the sentence."""
        start, end = row["sentence_span"]["start"], row["sentence_span"]["end"]
        text = row["section_text"]
        said = {name.name: row[name.name] for name in fields(cls) if name.name in row}
        return cls(
            **{
                **said,
                "sentence": None if text is None else text[start:end],
                "spans": tuple((span["start"] - start, span["end"] - start) for span in row["spans"]),
            }
        )


class Vocabulary(Curator):
    """The concepts of one commit: read here, changed by the acts of `Curator`."""

    def __len__(self) -> int:
        return int(self._kb.dataset("concepts").count_rows())

    def get(self, ref: str) -> Concept:
        """The concept whose id is `ref`, or begins with it where only one does.

        Raises:
            UsageError: no concept has that id, or several begin so.
        """
        ref = ref[:1].upper() + ref[1:].lower()
        if not ref.isalnum():
            raise UsageError(f"'{ref}' is not a concept id: `clear-kb vocab search \"{ref}\"` finds ids by text")
        names = [field.name for field in fields(Concept)]
        table = self._kb.dataset("concepts").to_table(
            columns=names, filter=f"starts_with(concept_id, '{ref}')", limit=3
        )
        rows = table.to_pylist()
        if len(rows) != 1:
            what = "several concepts' ids begin with" if rows else "there is no concept"
            raise UsageError(f"{what} '{ref}' at commit {self._kb.commit.commit_id}: see `clear-kb vocab search`")
        row = rows[0]
        lists = {
            "descriptors": tuple(row["descriptors"]),
            "synonyms": tuple(row["synonyms"]),
            "splits": tuple(map(Split.from_row, row["splits"])),
            "distinct_from": tuple(row["distinct_from"]),
            "mappings": tuple(row["mappings"]),
        }
        return Concept(**{**row, **lists})

    def resolve(self, ref: str) -> Concept:
        """The concept that stands for `ref`: itself, or the survivor that its replacements lead to."""
        concept = self.get(ref)
        while concept.replaced_by is not None:
            concept = self.get(concept.replaced_by)
        return concept

    def counts(self, concept_ids: Sequence[str] | None = None) -> dict[str, Counts]:
        """How often each of `concept_ids` (default: every concept that has evidence) is mentioned."""
        wanted = None if concept_ids is None else [*concept_ids]
        rows = run_named(self._kb, "concept_counts", {"concept_ids": wanted})
        return {row["concept_id"]: Counts(row["mentions"], row["reports"], row["uncertain"]) for row in rows}

    def evidence(self, concept_id: str, limit: int = 10) -> Listing[Evidence]:
        """Up to `limit` mentions of the concept with the sentences they stand in."""
        found = self.evidence_of([concept_id], limit)[concept_id]
        return Listing(found, ("report_id", "section", "sentence", "assertion", "certainty"))

    def evidence_of(self, concept_ids: Sequence[str], limit: int = 10) -> dict[str, list[Evidence]]:
        """Up to `limit` mentions of each of some concepts, read in one go."""
        found: dict[str, list[Evidence]] = {concept_id: [] for concept_id in concept_ids}
        for row in run_named(self._kb, "concept_evidence", {"concept_ids": list(concept_ids), "limit": limit}):
            found[row["concept_id"]].append(Evidence.from_row(row))
        return found

    def list(
        self,
        *,
        assertion: str | None = None,
        status: str | None = None,
        laterality: str | None = None,
        findings: Sequence[str] | None = None,
        min_count: int = 0,
        limit: int | None = None,
        offset: int = 0,
    ) -> Listing[dict[str, Any]]:
        """The concepts that pass every filter with their counts, most mentioned first."""
        rows = run_named(
            self._kb,
            "concept_list",
            {
                "assertion": assertion,
                "status": status,
                "laterality": laterality,
                "findings": None if findings is None else [*findings],
                "min_count": min_count,
                "limit": 1 << 40 if limit is None else limit,
                "offset": offset,
            },
        )
        return Listing(rows, ("concept_id", "text", "assertion", "status", "mentions", "reports"))

    def wordings(self) -> Listing[dict[str, Any]]:
        """Every concept that mentions are of, with the different ways they word it (`worded`), most ways first."""
        return Listing(run_named(self._kb, "wordings"), ("concept_id", "text", "wordings", "mentions"))

    def search(self, query: str, **options: Any) -> Listing[SearchHit]:
        """The concepts that `query` means, best first; the options are those of `kb.vocabulary.search.search`."""
        from kb.vocabulary.search import search

        return search(self._kb, query, **options)

    def nearest(self, vector: np.ndarray, k: int = 10) -> Listing[Neighbour]:
        """The `k` concepts whose embeddings are nearest to a vector, by cosine."""
        from kb.vocabulary.search import nearest_concepts

        return nearest_concepts(self._kb, vector, k)

    def neighbours(self, concept_id: str, k: int = 10) -> Listing[Concept]:
        """The `k` concepts in use nearest to one, by its vector; where it has none, those of its finding."""
        own = self.get(concept_id)
        if own.embedder is not None:
            where = f"concept_id = '{own.concept_id}'"
            (vector,) = vector_chunks(self._kb.dataset("concepts"), where)
            found = [near.concept_id for near in self.nearest(vector[0], k + 1)]
        else:
            listed = self.list(findings=[own.finding], assertion=own.assertion)
            found = [row["concept_id"] for row in listed if row["status"] in IN_USE]
        near = [self.get(other) for other in [other for other in found if other != own.concept_id][:k]]
        return Listing(near, ("concept_id", "text", "assertion", "status"))

    def suggest(self, kind: str = "duplicates", **options: Any) -> Suggestions:
        """What to curate: duplicates, synonyms, outliers or rare concepts; see `kb.curation.suggest`."""
        from kb.curation.suggest import suggest

        return suggest(self._kb, kind, **options)

    def export(self, path: str | Path, named: str | None = None, **options: Any) -> int:
        """Write the vocabulary to a file; the options are those of `kb.exchange.formats.ExportOptions`."""
        from kb.exchange.formats import ExportOptions, export_vocabulary

        return export_vocabulary(self._kb, Path(path), named, ExportOptions(**options))

    def check(self) -> Listing[Problem]:
        """Every breach of the rules that a sound knowledge base keeps, errors first."""
        from kb.vocabulary.check import check

        return Listing(check(self._kb), ("severity", "rule", "concept_id", "text", "detail"))

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} concepts at commit {self._kb.commit.commit_id})"

    def _repr_html_(self) -> str:
        return f"<p>{escape_html(repr(self))}</p>{self.list(limit=20)._repr_html_()}"

    def __rich__(self) -> Table:
        listed = self.list(limit=20)
        return table_of(listed.rows(), listed.columns, repr(self))
