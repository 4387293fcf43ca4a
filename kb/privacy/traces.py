"""What a knowledge base holds of one patient: the ids, the contents and the concepts that nobody else has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from kb.privacy.id_words import SHORTEST_ID, names
from kb.store.sqltext import literal, literals
from kb.store.state import State
from schemas.tables import TABLES, VERSIONED, Table

MINED = ("rules", "scispacy", "llm")
"""The sources of concepts that came from reports."""

SENTENCES = 20
SHORTEST = 40
"""Letters of a sentence from which on it may be this patient's alone."""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """What leads to one patient.

    Attributes:
        patient_id: whom.
        studies: ids of studies that are theirs alone.
        reports: ids of their reports.
        images: ids of their images.
        contents: hashes of their images' contents that no other image has.
        concepts: mined concepts that only their reports hold, and no curator ever touched: by id, with the text.
        curated: concepts that only their reports hold, and that a curator has touched: they stay.
        sentences: of their reports, such as no other report has.
        embeddings: keys of cached vectors of texts that only they had.
        rejected: positions, by source, of inputs that could not be taken and name the patient.
    """

    patient_id: str
    studies: frozenset[str] = frozenset()
    reports: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()
    concepts: dict[str, str] = field(default_factory=dict)
    curated: dict[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    embeddings: frozenset[str] = frozenset()
    rejected: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def ids(self) -> frozenset[str]:
        """The patient's id, and those of what is theirs."""
        return frozenset({self.patient_id, *self.studies, *self.reports, *self.images})

    @property
    def needles(self) -> tuple[str, ...]:
        """What texts and bytes are searched for."""
        return tuple(sorted({*(one for one in self.ids if len(one) >= SHORTEST_ID), *self.sentences}))

    def condition(self, table: Table) -> str | None:
        """Which rows of a table are of the patient, as SQL for Lance; None if none can be."""
        named = set(table.schema.names)
        parts = [f"patient_id = {literal(self.patient_id)}"] if "patient_id" in named else []
        for column, values in (("study_id", self.studies), ("report_id", self.reports), ("image_id", self.images)):
            if column in named and values:
                parts.append(f"{column} IN {literals(sorted(values))}")
        if table.name in ("pixels", "image_properties") and self.contents:
            parts.append(f"content_hash IN {literals(sorted(self.contents))}")
        if table.name == "concepts" and self.concepts:
            parts.append(f"concept_id IN {literals(sorted(self.concepts))}")
        if table.name == "embeddings" and self.embeddings:
            parts.append(f"key IN {literals(sorted(self.embeddings))}")
        if table.name == "changes":
            parts += [f"array_has(concept_ids, {literal(one)})" for one in sorted(self.concepts)]
        if table.name == "rejects":
            for source, positions in sorted(self.rejected.items()):
                parts.append(f"(source = {literal(source)} AND position IN {literals(sorted(positions))})")
        return " OR ".join(parts) or None


def find_traces(state: State, patient_id: str) -> Traces:
    """All that every version of every table holds of a patient: what was replaced or undone long ago counts too."""
    seen = Traces(patient_id=patient_id)
    for _ in range(2):  # ids that the first reading finds lead to rows that name no patient
        studies, images, reports = (_ids(state, seen, column) for column in ("study_id", "image_id", "report_id"))
        seen = Traces(
            patient_id=patient_id,
            studies=studies - _of_others(state, patient_id, studies),
            images=images,
            reports=reports,
        )
    theirs = {row["content_hash"] for row in _rows(state, seen, "images", ["content_hash"])}
    others = f"({seen.condition(_table('images'))}) IS NOT TRUE"
    kept = state.dataset("images").to_table(columns=["content_hash"], filter=others)["content_hash"].to_pylist()
    concepts, curated = _own_concepts(state, seen)
    return Traces(
        patient_id=patient_id,
        studies=seen.studies,
        reports=seen.reports,
        images=seen.images,
        contents=frozenset(theirs - set(kept)),
        concepts=concepts,
        curated=curated,
        sentences=_own_sentences(state, seen),
        embeddings=_own_embeddings(state, concepts.values()),
        rejected=_own_rejects(state, seen),
    )


def _table(name: str) -> Table:
    return next(table for table in TABLES if table.name == name)


def _rows(state: State, traces: Traces, name: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    """The patient's rows of a table, in every version that is still there."""
    condition = traces.condition(_table(name))
    for version in sorted(state.storage.versions(name)) if condition else ():
        yield from state.storage.dataset(name, version).to_table(columns=columns, filter=condition).to_pylist()


def _ids(state: State, traces: Traces, column: str) -> frozenset[str]:
    tables = [table for table in VERSIONED if column in table.schema.names and "patient_id" in table.schema.names]
    rows = (row for table in tables for row in _rows(state, traces, table.name, [column]))
    return frozenset(row[column] for row in rows if row[column] is not None)


def _of_others(state: State, patient_id: str, studies: Iterable[str]) -> set[str]:
    """Studies that rows of other patients name as well: an id that two share leads to neither."""
    shared: set[str] = set()
    if not (studies := sorted(studies)):
        return shared
    where = f"study_id IN {literals(studies)} AND patient_id IS NOT NULL AND patient_id <> {literal(patient_id)}"
    for name in ("reports", "images"):
        shared.update(state.dataset(name).to_table(columns=["study_id"], filter=where)["study_id"].to_pylist())
    return shared


def _own_concepts(state: State, traces: Traces) -> tuple[dict[str, str], dict[str, str]]:
    """The mined concepts of the patient alone: those that nobody curated, and those that somebody did."""
    theirs = {row["concept_id"] for row in _rows(state, traces, "observations", ["concept_id"])}
    others = f"report_id NOT IN {literals(sorted(traces.reports))}" if traces.reports else None
    for commit in named_commits(state):
        held = state.storage.dataset("observations", commit.pins["observations"])
        for batch in held.to_batches(columns=["concept_id"], filter=others):
            theirs.difference_update(batch["concept_id"].to_pylist())
    if not theirs:
        return {}, {}
    touched = {
        one
        for ids in state.dataset("changes").to_table(columns=["concept_ids"])["concept_ids"].to_pylist()
        for one in ids
    }
    where = f"concept_id IN {literals(sorted(theirs))} AND source IN {literals(MINED)}"
    rows = state.dataset("concepts").to_table(columns=["concept_id", "text", "status"], filter=where).to_pylist()
    left = {
        row["concept_id"] for row in rows if row["concept_id"] in touched or row["status"] not in ("candidate", "aside")
    }
    said = {row["concept_id"]: row["text"] for row in rows}
    return {one: said[one] for one in said if one not in left}, {one: said[one] for one in sorted(left)}


def named_commits(state: State) -> list[Any]:
    """The commits that people can name: the newest of each branch and every tagged one that can still be read."""
    tagged = set(state.tags().values())
    commits = [*state.commits.branches().values(), *(one for one in state.commits.all() if one.commit_id in tagged)]
    return state.commits.readable(list({commit.commit_id: commit for commit in commits}.values()))


def _own_sentences(state: State, traces: Traces) -> tuple[str, ...]:
    """The longest sentences of the patient's reports that stand in nobody else's."""
    texts = {
        section["text"]
        for row in _rows(state, traces, "reports", ["sections"])
        for section in row["sections"]
        if section["text"]
    }
    sentences = {part.strip() for text in texts for part in re.split(r"(?<=[.!?])\s+|\n", text)}
    longest = sorted((one for one in sentences if len(one) >= SHORTEST), key=lambda one: (-len(one), one))
    left = dict.fromkeys(longest[: 5 * SENTENCES])
    others = f"report_id NOT IN {literals(sorted(traces.reports))}" if traces.reports else None
    for batch in state.dataset("reports").to_batches(columns=["sections"], filter=others):
        said = "\n".join(one["text"] or "" for sections in batch["sections"].to_pylist() for one in sections)
        for sentence in [one for one in left if one in said]:
            del left[sentence]
    return tuple(left)[:SENTENCES]


def _own_embeddings(state: State, texts: Iterable[str]) -> frozenset[str]:
    embedders = state.dataset("embedders").to_table(columns=["embedder"])["embedder"].to_pylist()
    said = (f"{embedder}\0{text}" for text in texts for embedder in embedders)
    return frozenset(blake2b(one.encode(), digest_size=16).hexdigest() for one in said)


def _own_rejects(state: State, traces: Traces) -> dict[str, frozenset[str]]:
    """Inputs that could not be taken and name the patient: none of their rows says whose they were."""
    longer: set[str] = set()
    whose = f"contains(patient_id, {literal(traces.patient_id)})"
    for name in ("reports", "images"):
        rows = state.dataset(name).to_table(columns=["patient_id"], filter=whose)["patient_id"].to_pylist()
        longer.update(one for one in rows if one != traces.patient_id and names(one, traces.patient_id))
    columns = ("position", "report_id", "reason")  # a source holds inputs of many
    found: dict[str, set[str]] = {}
    for version in sorted(state.storage.versions("rejects")):
        for row in state.storage.dataset("rejects", version).to_table().to_pylist():
            told = columns if len(traces.patient_id) >= SHORTEST_ID else ("report_id",)
            if any(names(row[column] or "", traces.patient_id, longer) for column in told):
                found.setdefault(row["source"], set()).add(row["position"])
    return {source: frozenset(positions) for source, positions in found.items()}
