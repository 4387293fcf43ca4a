"""The concepts of one state: found by id, listed, counted, and shown with the sentences behind them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from html import escape as escape_html
from typing import Any

import numpy as np
from rich.table import Table

from kb.display import Listing, table_of
from kb.errors import UnknownConceptError
from kb.language.wider_terms import is_place
from kb.store.sqltext import literal, literals
from kb.store.state import State
from kb.vectors.nearest import vector_chunks
from kb.vocabulary.concept import Concept, Counts, Evidence
from kb.vocabulary.filters import Filters
from kb.vocabulary.naming import id_named, is_id
from kb.vocabulary.nearest_concepts import Neighbour, nearest_concepts
from kb.vocabulary.query import run_named
from kb.vocabulary.split_rules import Split
from kb.vocabulary.under import Around, Under, concepts_around, concepts_under
from schemas.terms import IN_USE

_LISTED = ("concept_id", "text", "assertion", "status", "mentions", "reports")


class Vocabulary:
    """The concepts of one state, read."""

    def __init__(self, state: State):
        self._state = state

    def __len__(self) -> int:
        return int(self._state.dataset("concepts").count_rows())

    def get(self, ref: str) -> Concept:
        """The concept whose id is `ref`, or begins with it where only one does.

        Raises:
            UsageError: no concept has that id, or several begin so.

        Example:
            >>> base.vocabulary.get("Cd3f066a").severity
            'small'
        """
        ref = ref[:1].upper() + ref[1:].lower()
        if not ref.isalnum():
            raise UnknownConceptError(f"'{ref}' is not a concept id: a search finds ids by text")
        names = [field.name for field in fields(Concept)]
        table = self._state.dataset("concepts").to_table(
            columns=names, filter=f"starts_with(concept_id, '{ref}')", limit=3
        )
        rows = table.to_pylist()
        if len(rows) != 1:
            what = "several concepts' ids begin with" if rows else "there is no concept"
            raise UnknownConceptError(f"{what} '{ref}' at commit {self._state.commit.commit_id}")
        row = rows[0]
        lists = {
            "descriptors": tuple(row["descriptors"]),
            "synonyms": tuple(row["synonyms"]),
            "splits": tuple(map(Split.from_row, row["splits"])),
            "distinct_from": tuple(row["distinct_from"]),
            "dismissed": tuple(row["dismissed"]),
            "mappings": tuple(row["mappings"]),
        }
        return Concept(**{**row, **lists})

    def named(self, ref: str) -> Concept:
        """The concept that a person means: by its id or how it begins, its text, another name, or words for the same.

        Raises:
            UnknownConceptError: none is meant, or several; the message names those that may be.

        Example:
            >>> base.vocabulary.named("small left effusion").text
            'small left pleural effusion'
        """
        return self.get(ref if is_id(ref) else id_named(self._state, ref))

    def resolve(self, ref: str) -> Concept:
        """The concept that stands for `ref`: itself, or the survivor that its replacements lead to."""
        concept = self.get(ref)
        while concept.replaced_by is not None:
            concept = self.get(concept.replaced_by)
        return concept

    def counts(self, concept_ids: Sequence[str] | None = None) -> dict[str, Counts]:
        """How often each of `concept_ids` (default: every concept that has evidence) is mentioned."""
        wanted = None if concept_ids is None else [*concept_ids]
        rows = run_named(self._state, "concept_counts", {"concept_ids": wanted}, mentions_of=wanted)
        return {row["concept_id"]: Counts(row["mentions"], row["reports"], row["uncertain"]) for row in rows}

    def evidence(self, concept_id: str, limit: int = 10) -> Listing[Evidence]:
        """Up to `limit` mentions of the concept with the sentences they stand in.

        Example:
            >>> base.vocabulary.evidence("Cd3f066afafc3b593", limit=1)[0].sentence
            'Small left pleural effusion.'
        """
        found = self.evidence_of([concept_id], limit)[concept_id]
        return Listing(found, ("report_id", "section", "sentence", "assertion", "certainty"))

    def evidence_of(self, concept_ids: Sequence[str], limit: int = 10) -> dict[str, list[Evidence]]:
        """Up to `limit` mentions of each of some concepts, read in one go."""
        found: dict[str, list[Evidence]] = {concept_id: [] for concept_id in concept_ids}
        told = {"concept_ids": list(concept_ids), "limit": limit}
        mentions = run_named(self._state, "concept_evidence", told, mentions_of=concept_ids)
        reports = self._reports({row["report_id"] for row in mentions})
        for row in mentions:
            found[row["concept_id"]].append(Evidence.from_rows(row, reports.get(row["report_id"])))
        return found

    def _reports(self, report_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Some reports by their ids: a join would read the texts of all."""
        columns = ["report_id", "study_id", "patient_id", "source", "sections"]
        chosen = f"report_id IN {literals(sorted(report_ids))}"
        rows = self._state.dataset("reports").to_table(columns=columns, filter=chosen).to_pylist() if report_ids else []
        return {row["report_id"]: row for row in rows}

    def list(
        self,
        *,
        assertion: str | None = None,
        status: str | None = None,
        laterality: str | None = None,
        findings: Sequence[str] | None = None,
        anatomy: str | None = None,
        severity: str | None = None,
        kind: str | None = None,
        source: str | None = None,
        text: str | None = None,
        label: str | None = None,
        min_count: int = 0,
        limit: int | None = None,
        offset: int = 0,
    ) -> Listing[dict[str, Any]]:
        """The concepts that pass every filter with their counts, most mentioned first.

        Args:
            assertion: only "present" or only "absent" ones.
            status: only those of this status; default: all but those that were put aside.
            laterality: only those of this side: "left", "right", "bilateral" or "none".
            findings: only those of these findings.
            anatomy: only those whose place holds these words, each as the beginning of one of its own.
            severity: only those of this size or severity, or "none".
            kind: only what the tables call "finding", "device" or "normal", or "other", which they do not know.
            source: only those from this extractor, file or curator.
            text: only those whose text holds these words, each as the beginning of one of its own.
            label: only those of the findings that a label is of.
            min_count: only those mentioned at least so often.
            limit: how many at most; default: all.
            offset: how many are passed over first.

        Raises:
            UsageError: a word is none of its field's.

        Example:
            >>> [row["text"] for row in base.vocabulary.list(assertion="absent", limit=2)]
            ['no pneumothorax', 'no pleural effusion']
        """
        filters = Filters(
            assertion=assertion,
            status=status,
            laterality=laterality,
            findings=findings,
            anatomy=anatomy,
            severity=severity,
            kind=kind,
            source=source,
            text=text,
            label=label,
            min_count=min_count,
        )
        return Listing(self._listed(filters, limit, offset), _LISTED)

    def _listed(self, filters: Filters, limit: int | None, offset: int) -> Sequence[dict[str, Any]]:
        most = 1 << 40 if limit is None else limit
        page = {"limit": 1 << 40, "offset": 0} if filters.beyond_sql else {"limit": most, "offset": offset}
        rows = run_named(self._state, "concept_list", {**filters.parameters(), "concept_ids": None, **page})
        if not filters.beyond_sql:
            return rows
        return [row for row in rows if filters.passes(row, row["mentions"])][offset : offset + most]

    def under(
        self,
        asked: str,
        *,
        assertion: str | None = None,
        status: str | None = None,
        laterality: str | None = None,
        findings: Sequence[str] | None = None,
        min_count: int = 0,
        limit: int | None = None,
        offset: int = 0,
    ) -> Under:
        """The concepts in use that stand under a concept or a phrase, with counts of each and of what is under it.

        Args:
            asked: the id of a concept or how it begins, its text, or a phrase that need be no concept's: "fracture",
                "left lower lobe", "device"; a denied one ("no fracture") asks for what is denied.
            assertion: "present" or "absent"; default: as `asked` says.
            status: only "candidate" or only "accepted" ones.
            laterality: only those of this side: "left", "right", "bilateral" or "none".
            findings: only those of these findings.
            min_count: only those mentioned at least so often themselves.
            limit: how many at most; default: all.
            offset: how many are passed over first.

        Raises:
            UsageError: nothing is known by that name, or a word is none of its field's.

        Example:
            >>> found = base.vocabulary.under("pleural effusion")
            >>> found.concepts, found.counts.reports
            (2, 3)
        """
        filters = Filters(
            assertion=assertion, status=status, laterality=laterality, findings=findings, min_count=min_count
        )
        concept = self.get(asked) if is_id(asked) else self._worded(asked)
        return concepts_under(self._state, asked, concept, filters, limit=limit, offset=offset)

    def around(self, concept_id: str) -> Around:
        """The concepts in use that stand right above and right below one, with their own and their rolled-up counts."""
        return concepts_around(self._state, self.get(concept_id))

    def _worded(self, text: str) -> Concept | None:
        """The one concept in use whose text it is; None where there is none, or several, or a place has that name."""
        if is_place(text):
            return None
        where = f"text = {literal(text)} AND status IN {literals(IN_USE)}"
        found = self._state.dataset("concepts").to_table(columns=["concept_id"], filter=where, limit=2).to_pylist()
        return self.get(found[0]["concept_id"]) if len(found) == 1 else None

    def wordings(self) -> Listing[dict[str, Any]]:
        """Every concept that mentions are of, with the different ways they word it (`worded`), most ways first."""
        return Listing(run_named(self._state, "wordings"), ("concept_id", "text", "wordings", "mentions"))

    def nearest(self, vector: np.ndarray, k: int = 10) -> Listing[Neighbour]:
        """The `k` concepts whose embeddings are nearest to a vector, by cosine.

        Args:
            vector: (D,) numbers in the space of the vocabulary's embedder, of any length but zero.
            k: how many at most.

        Raises:
            NotEmbeddedError: no concept has a vector yet.
            UsageError: the vector has another dimension.
        """
        return nearest_concepts(self._state, vector, k)

    def neighbours(self, concept_id: str, k: int = 10) -> Listing[Concept]:
        """The `k` concepts in use nearest to one, by its vector; where it has none, those of its finding."""
        own = self.get(concept_id)
        if own.embedder is not None:
            where = f"concept_id = '{own.concept_id}'"
            (vector,) = vector_chunks(self._state.dataset("concepts"), where)
            found = [near.concept_id for near in self.nearest(vector[0], k + 1)]
        else:
            listed = self.list(findings=[own.finding], assertion=own.assertion)
            found = [row["concept_id"] for row in listed if row["status"] in IN_USE]
        near = [self.get(other) for other in [other for other in found if other != own.concept_id][:k]]
        return Listing(near, ("concept_id", "text", "assertion", "status"))

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} concepts at commit {self._state.commit.commit_id})"

    def _repr_html_(self) -> str:
        return f"<p>{escape_html(repr(self))}</p>{self.list(limit=20)._repr_html_()}"

    def __rich__(self) -> Table:
        listed = self.list(limit=20)
        return table_of(listed.rows(), listed.columns, repr(self))
