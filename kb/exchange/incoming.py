"""Records sorted out against one state of a vocabulary: new concepts, what is told of known ones, and rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from kb.batched import batched
from kb.curation.apply import Concepts
from kb.exchange.prefixes import KNOWN, Prefixes, unknown_prefixes
from kb.exchange.verbatim import VerbatimTexts
from kb.vectors.embedding import EmbedderInfo
from kb.vocabulary.mappings import merged_mappings
from kb.vocabulary.records import IDENTITY, NO_RECORD, Record, Row, check_identity, complete_row, read_record
from schemas.tables import CONCEPTS

CHUNK = 2_048


class Vectors(Protocol):
    """The vectors that come with records."""

    info: EmbedderInfo

    def take(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The vectors of the records with these numbers (from 1, rising from call to call): float32, (n, dimension).

        The second array (n,) says which of them are there.
        """
        ...


LEADING = ("replaced_by", "splits", "status", "text", "assertion", "laterality")
"""The fields of a new concept that say where its mentions go, and whether they may."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is to be imported: where it comes from, its records, and their vectors where it has some."""

    source: str
    records: Callable[[], Iterable[Record]]
    info: EmbedderInfo | None = None
    """The embedder that the vectors are of; None if there are none."""
    vectors: Callable[[], Vectors] | None = None
    mappings_only: bool = False
    """Whether each record tells a mapping to add to a known concept, and nothing else."""
    verbatim: bool = False
    """Whether each record is a concept of its own, its text as it stands; see `kb.exchange.verbatim`."""
    notes: tuple[str, ...] = ()
    """What is to be said of the file."""
    prefixes: Prefixes = KNOWN
    """What the prefixes of its mappings stand for."""


@dataclass(kw_only=True)
class SortedRecords:
    """Records, sorted out against one state of the vocabulary."""

    read: int = 0
    new: list[tuple[list[int], pa.RecordBatch]] = field(default_factory=list)
    new_ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    edits: dict[str, Row] = field(default_factory=dict)
    leads: dict[str, Row] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    """The ids that records name, of those too that were rejected."""
    gone: dict[str, str] = field(default_factory=dict)
    """Concepts in use that the file does not tell of, though it tells of others by their ids: their texts by id."""
    vectors: dict[str, int] = field(default_factory=dict)
    """Known concepts that get their vector from a record, and its number."""
    synonyms: int = 0
    repeated: int = 0
    verbatim: VerbatimTexts = field(default_factory=VerbatimTexts)
    unused: dict[str, None] = field(default_factory=dict)
    unknown_prefixes: dict[str, None] = field(default_factory=dict)


def sort_out(
    concepts: Concepts, known: set[str], incoming: Incoming, on_read: Callable[[int], object]
) -> SortedRecords:
    """Read all records of `incoming`, and say of each what it is.

    Args:
        concepts: those of the state.
        known: their ids.
        incoming: the records.
        on_read: hears how many were read since it heard last.

    Raises:
        UsageError: prefixes of its mappings are not known; the message names them all.
    """
    found = SortedRecords()
    for chunk in batched(zip(count(1), incoming.records(), strict=False), CHUNK):
        rows: dict[str, tuple[int, Row]] = {}
        entries: list[tuple[int, str, Row]] = []
        for number, record in chunk:
            try:
                _sort_one(found, known, incoming, number=number, record=record, rows=rows, told=entries)
            except ValueError as error:
                found.rejects.append(_reject(incoming.source, number, str(error)))
        _edit_known(found, concepts.fresh(), incoming, entries)
        _keep(found, rows)
        on_read(len(chunk))
    if found.unknown_prefixes:
        raise unknown_prefixes(found.unknown_prefixes)
    return found


def _sort_one(
    found: SortedRecords,
    known: set[str],
    incoming: Incoming,
    number: int,
    record: Record,
    rows: dict[str, tuple[int, Row]],
    told: list[tuple[int, str, Row]],
) -> None:
    """One record: of a known concept it goes to `told`, of a new one to `rows`; ValueError says why to neither."""
    if record is NO_RECORD:
        return
    found.read += 1
    if isinstance(of := record.get("concept_id"), str):
        found.named.add(of)
    if "unreadable" in record:
        raise ValueError(record["unreadable"])
    fields = read_record(record)
    if incoming.verbatim:
        row = found.verbatim.concept(record["text"], fields["source"])
        if row["concept_id"] in known:
            told.append((number, row["concept_id"], {name: row[name] for name in ("text", "source")}))
        else:
            found.new_ids[row["concept_id"]] = row["text"]
            rows[row["concept_id"]] = (number, row)
        return
    if "mappings" in fields:
        found.unknown_prefixes |= dict.fromkeys(
            p for one in fields["mappings"] for p in incoming.prefixes.unknown_of(one)
        )
        fields["mappings"] = [incoming.prefixes.told_to(one) for one in fields["mappings"]]
    found.unused |= dict.fromkeys(name for name in record if name not in fields and name not in _DERIVED)
    if fields.get("concept_id") in known:
        told.append((number, fields["concept_id"], fields))
        return
    if incoming.mappings_only:
        raise ValueError(f"{record.get('concept_id') or 'no concept id'} is not in the vocabulary")
    row = complete_row(fields, incoming.source)
    concept_id = row["concept_id"]
    if concept_id in known:
        names = [row["text"], *fields.get("synonyms", [])]
        told.append((number, concept_id, {**fields, "synonyms": names, "text": None}))
    elif concept_id not in found.new_ids:
        found.new_ids[concept_id] = row["text"]
        rows[concept_id] = (number, row)
    elif "concept_id" in fields:
        raise ValueError(f"{concept_id} stands in the file twice")
    elif row["text"] != found.new_ids[concept_id] and row["text"] not in found.names.get(concept_id, ()):
        found.names.setdefault(concept_id, []).append(row["text"])
        found.synonyms += 1
    else:
        found.repeated += 1


_DERIVED = ("concept_id", "mentions", "embedding")
"""What a record may hold beside its fields: read from elsewhere, so nothing is lost by leaving it."""


def _edit_known(
    found: SortedRecords, concepts: Concepts, incoming: Incoming, told: Sequence[tuple[int, str, Row]]
) -> None:
    """What records tell of known concepts, where it differs; one that changes its identity is rejected."""
    concepts.read(concept_id for _, concept_id, _ in told)
    for number, concept_id, fields in told:
        try:
            _edit_one(found, concepts, incoming, number=number, concept_id=concept_id, fields=fields)
        except ValueError as error:
            found.rejects.append(_reject(incoming.source, number, str(error)))


def _edit_one(
    found: SortedRecords, concepts: Concepts, incoming: Incoming, number: int, concept_id: str, fields: Row
) -> None:
    by_text = fields.get("text", "") is None
    if by_text:  # what reads as a merged concept is another name of its survivor
        concept_id = concepts.survivor(concept_id)["concept_id"]
    now = {**concepts.get(concept_id), **found.edits.get(concept_id, {})}
    if by_text:
        fields = _named_too(now, fields)
        found.synonyms += len(fields["synonyms"]) - len(now["synonyms"])
    elif incoming.mappings_only:
        fields = {"mappings": merged_mappings(now["mappings"], fields["mappings"])}
    elif concept_id in found.told:
        raise ValueError(f"{concept_id} stands in the file twice")
    else:
        check_identity(concept_id, now, fields)
    found.told.add(concept_id)
    edit = {name: value for name, value in fields.items() if value != now[name]}
    if edit:
        found.edits[concept_id] = {**found.edits.get(concept_id, {}), **edit}
    if incoming.info is not None and not by_text and ("text" in edit or now["embedder"] is None):
        found.vectors[concept_id] = number


def _named_too(now: Row, fields: Row) -> Row:
    """A record that was told apart by its text alone: that text, and its synonyms, become names of the concept.

    What else it tells is taken where it tells something; that it is silent on the rest empties nothing.
    """
    names = [*now["synonyms"]]
    names += [name for name in dict.fromkeys(fields["synonyms"]) if name not in (now["text"], *names)]
    facts = {name: value for name, value in fields.items() if value and name not in ("text", "source", *IDENTITY)}
    return {**facts, "synonyms": names}


def _keep(found: SortedRecords, rows: Mapping[str, tuple[int, Row]]) -> None:
    if not rows:
        return
    plain = [row for _, row in rows.values()]
    found.leads |= {
        row["concept_id"]: {name: row[name] for name in LEADING} for row in plain if row["replaced_by"] or row["splits"]
    }
    found.new.append(([number for number, _ in rows.values()], pa.RecordBatch.from_pylist(plain, CONCEPTS.schema)))


def _reject(source: str, number: int, reason: str) -> dict[str, Any]:
    return {"source": source, "position": f"row {number}", "report_id": None, "reason": reason}
