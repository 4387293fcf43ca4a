"""Disputed statements, on which two extractors differ: read with their sentences, and decided.

A decision keeps one of the readings among the observations, or neither. It can be taken again, or taken back: then what
it had kept goes, and the statement is open as before.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from kb.batched import batched
from kb.errors import UsageError
from kb.store.commits import Commit, default_author
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vocabulary.concept_rows import concept_batches
from kb.vocabulary.query import stream_named
from schemas.tables import DISPUTES, OBSERVATIONS

NONE = "none"
"""The decision that keeps neither reading."""

OPEN = "open"
"""What takes a decision back."""

CHUNK = 2_000
SHORTEST_ID = 4

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """How one extractor reads a statement; `spans` count within the sentence or, where none is stored, the section."""

    by: str
    text: str
    spans: tuple[tuple[int, int], ...]
    assertion: str
    certainty: str
    temporality: str
    laterality: str
    severity: str
    concept: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A statement that two extractors read differently, or that one of them alone finds.

    `sentence` is None if report texts are not stored. `decision` is the name of the reading that is kept, "none" where
    neither is, or None where nobody decided yet.
    """

    dispute_id: str
    report_id: str
    section: str
    kind: str
    sentence: str | None
    readings: tuple[Reading, ...]
    decision: str | None
    author: str | None
    reason: str | None

    def to_dict(self) -> dict[str, Any]:
        """The statement as plain data, for JSON."""
        names = ("dispute_id", "report_id", "section", "kind", "sentence", "decision", "author", "reason")
        readings = [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in self.readings]
        return {**{name: getattr(self, name) for name in names}, "readings": readings}


@dataclass(frozen=True, slots=True)
class Decided:
    """What decisions came to: how many changed, by what they are now, and the commit, if there was any."""

    decisions: Mapping[str, int]
    new_concepts: int
    commit: Commit | None


def read_disputes(state: State, *, report_id: str | None = None, all_of_them: bool = False) -> list[Dispute]:
    """The disputed statements of a state in the order of the reports: the open ones, or with those decided.

    Args:
        state: the knowledge base at a commit.
        report_id: only those of this report.
        all_of_them: also those that were decided.
    """
    told = {"report_id": report_id, "open": not all_of_them}
    return [_dispute(row) for row in stream_named(state, "disputes", told)]


def decide(
    state: State,
    decisions: Mapping[str, str],
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> Decided:
    """Decide disputed statements, as one commit: all of them, or nothing.

    Args:
        state: the knowledge base; it stands on the new commit afterwards.
        decisions: by the ids of statements or their first letters, the name of the reading that is kept, "none", or
            "open", which takes a decision back.
        by: who; default: the login name.
        why: the reason.
        dry_run: say what would change, and write nothing.

    Raises:
        UsageError: there is no such statement, or no such reading of it; nothing is written.
    """
    author = by or default_author()

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, tuple[Mapping[str, int], int]]:
        rows = _found(publication, decisions)
        moved = [(row, to) for row, to in rows if (row["decision"] or OPEN) != to]
        if not moved:
            return None, ({}, 0)
        _take_back(publication, [row for row, _ in moved if row["decision"] not in (None, NONE)])
        stamp = {"author": author, "reason": why, "time": datetime.now(UTC)}
        nobody = dict.fromkeys(stamp)
        after = [
            {**row, **(nobody if to == OPEN else stamp), "decision": None if to == OPEN else to} for row, to in moved
        ]
        new = keep(publication, after)
        for chunk in batched(after, CHUNK):
            publication.delete("disputes", f"dispute_id IN {literals([row['dispute_id'] for row in chunk])}")
        publication.write("disputes", [dispute_batch(after)])
        counts = Counter(to for _, to in moved)
        return {"decided": len(moved), **counts, "new_concepts": new}, (
            counts,
            new,
        )

    commit, (counts, new) = state.publish("observations decide", change, by=author, why=why, dry_run=dry_run)
    return Decided(counts, new, commit)


def keep(publication: Publication, disputes: Iterable[Mapping[str, Any]]) -> int:
    """Put the readings that decided rows keep among the observations, with their concepts: how many are new ones."""
    kept = [(row, one) for row in disputes for one in row["readings"] if one["by"] == row["decision"]]
    observations, concepts = [], {}
    for row, one in kept:
        concept = json.loads(one["concept"])
        concepts[concept["concept_id"]] = concept
        of_report = {name: row[name] for name in ("report_id", "section", "extractor")}
        observations.append({**one, **of_report, "concept_id": concept["concept_id"]})
    if not observations:
        return 0
    dataset = publication.dataset("concepts")
    known: set[str] = set()
    for chunk in batched(concepts, CHUNK):
        found = dataset.to_table(columns=["concept_id"], filter=f"concept_id IN {literals(chunk)}")
        known |= set(found["concept_id"].to_pylist())
    new = [concept for of, concept in concepts.items() if of not in known]
    if new:
        publication.write("concepts", concept_batches(new, dataset.schema))
        publication.index_words("concepts", "text")
    rows = [{name: row[name] for name in OBSERVATIONS.schema.names} for row in observations]
    publication.write("observations", [pa.RecordBatch.from_pylist(rows, schema=OBSERVATIONS.schema)])
    return len(new)


def dispute_batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows of the `disputes` table as a batch."""
    return pa.RecordBatch.from_pylist([dict(row) for row in rows], schema=DISPUTES.schema)


def decided_rows(publication: Publication, report_ids: Sequence[str]) -> list[Row]:
    """The rows of reports that somebody decided."""
    where = f"report_id IN {literals(report_ids)} AND decision IS NOT NULL"
    rows: list[Row] = publication.dataset("disputes").to_table(filter=where).to_pylist()
    return rows


def _found(publication: Publication, decisions: Mapping[str, str]) -> list[tuple[Row, str]]:
    """The rows that are decided, each with its decision; UsageError if one is not there, or cannot be decided so."""
    table = publication.dataset("disputes")
    ids: list[str] = table.to_table(columns=["dispute_id"])["dispute_id"].to_pylist()
    by_id: dict[str, str] = {}
    known = set(ids)
    for named, to in decisions.items():
        found = [named] if named in known else [of for of in ids if len(named) >= SHORTEST_ID and of.startswith(named)]
        if len(found) != 1:
            raise UsageError(
                f"{'several disputed statements begin' if found else 'no disputed statement begins'} with '{named}'"
            )
        by_id[found[0]] = to
    rows: list[Row] = []
    for chunk in batched(by_id, CHUNK):
        rows += table.to_table(filter=f"dispute_id IN {literals(chunk)}").to_pylist()
    for row in rows:
        choices = [*(one["by"] for one in row["readings"]), NONE, OPEN]
        if by_id[row["dispute_id"]] not in choices:
            told = f"there is no reading '{by_id[row['dispute_id']]}' of {row['dispute_id']}"
            raise UsageError(f"{told}: choose one of {', '.join(choices)}")
    return [(row, by_id[row["dispute_id"]]) for row in rows]


def _take_back(publication: Publication, disputes: Sequence[Row]) -> None:
    """Take what decisions had kept out of the observations."""
    gone: dict[str, Counter[str]] = defaultdict(Counter)
    for row in disputes:
        for one in row["readings"]:
            if one["by"] == row["decision"]:
                gone[row["report_id"]][_place({**one, "section": row["section"]})] += 1
    for chunk in batched(gone, CHUNK):
        where = f"report_id IN {literals(chunk)}"
        rows = publication.snapshot("observations").to_table(filter=where).to_pylist()
        left = []
        for row in rows:
            if gone[row["report_id"]][_place(row)] > 0:
                gone[row["report_id"]][_place(row)] -= 1
            else:
                left.append(row)
        publication.delete("observations", where)
        if left:
            publication.write("observations", [pa.RecordBatch.from_pylist(left, schema=OBSERVATIONS.schema)])


def _place(row: Mapping[str, Any]) -> str:
    return json.dumps([row["section"], row["spans"], row["text"], row["assertion"]])


def _dispute(row: Mapping[str, Any]) -> Dispute:
    ends = [one["sentence_span"] for one in row["readings"]]
    start, end = min(one["start"] for one in ends), max(one["end"] for one in ends)
    text = row["section_text"]
    shift = 0 if text is None else start
    return Dispute(
        dispute_id=row["dispute_id"],
        report_id=row["report_id"],
        section=row["section"],
        kind=row["kind"],
        sentence=None if text is None else text[start:end],
        readings=tuple(_reading(one, shift) for one in row["readings"]),
        decision=row["decision"],
        author=row["author"],
        reason=row["reason"],
    )


def _reading(row: Mapping[str, Any], shift: int) -> Reading:
    said = {name: row[name] for name in Reading.__dataclass_fields__ if name not in ("spans", "concept")}
    spans = tuple((span["start"] - shift, span["end"] - shift) for span in row["spans"])
    return Reading(**said, spans=spans, concept=json.loads(row["concept"])["text"])
