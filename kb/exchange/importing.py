"""Taking records into a knowledge base: new concepts and edits of known ones, as one commit, or nothing.

Records are read twice at most: once to sort them out (new, known, rejected), and the vectors once, as the new rows
are written. So the vectors of the published bank (6 GB) never stand in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from kb.batched import batched
from kb.curation.apply import Concepts, check_replacements, put_vectors, real_edits, tell, write_edits
from kb.errors import UsageError
from kb.store.commits import Commit, default_author
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.state import State
from kb.vectors.columns import vector_array
from kb.vectors.embedding import EmbedderInfo
from kb.vectors.vector_storage import Stored, rounding_recall, sample_vectors, write_stored
from kb.vocabulary.embed_concepts import set_embedder
from kb.vocabulary.mappings import merged_mappings
from kb.vocabulary.query import Tables
from kb.vocabulary.records import IDENTITY, Record, Row, check_identity, complete_row, read_record
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did. `synonyms` counts the texts that became another name of a concept met before."""

    read: int
    added: int
    edited: int
    unchanged: int
    synonyms: int
    rejected: int
    embedded: int
    unused: tuple[str, ...]
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        facts = {name: getattr(self, name) for name in self.__slots__ if name not in ("commit", "unused")}
        return {**facts, "unused": list(self.unused), "commit": self.commit.commit_id if self.commit else None}


@dataclass(kw_only=True)
class _Sorted:
    """Records, sorted out against one state of the vocabulary."""

    read: int = 0
    new: list[tuple[list[int], pa.RecordBatch]] = field(default_factory=list)
    new_ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    edits: dict[str, Row] = field(default_factory=dict)
    leads: dict[str, Row] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    vectors: dict[str, int] = field(default_factory=dict)
    """Known concepts that get their vector from a record, and its number."""
    synonyms: int = 0
    unused: dict[str, None] = field(default_factory=dict)


def import_records(
    kb: State,
    incoming: Incoming,
    *,
    stored_as: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    on_read: Callable[[int], object] = lambda _: None,
    on_written: Callable[[int, int], object] = lambda *_: None,
) -> ImportResult:
    """Import records as one commit, and one change that tells what became of known concepts.

    Args:
        kb: the knowledge base; it stands on the new commit afterwards.
        incoming: what comes in.
        stored_as: how the vectors are stored: "float32" or "float16"; None keeps what the vocabulary has.
        by: who.
        why: the reason.
        dry_run: sort the records out, say what would happen, and write nothing.
        on_read: hears how many records were read since it heard last.
        on_written: hears how many new concepts are written, and of how many.

    Raises:
        UsageError: the vectors are of another embedder than the vocabulary's, or a replacement leads nowhere.
    """
    author = by or default_author()

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, ImportResult]:
        _check_space(publication, incoming)
        found = _sort_out(Concepts(publication), _known_ids(publication), incoming, on_read)
        embedded = _write_new(publication, found, incoming, stored_as, on_written)
        edits = _write_edits(publication, found, author, why)
        embedded += _write_vectors(publication, found, incoming)
        _measure_rounding(publication, found, incoming, stored_as)
        moved = replace_rejects(publication, [incoming.source], found.rejects)
        result = _result(found, len(edits), embedded)
        facts = {name: value for name, value in result.to_dict().items() if isinstance(value, int)}
        return (facts if found.new_ids or edits or moved or embedded else None), result

    if dry_run:
        state = kb.at("HEAD")
        _check_space(state, incoming)
        concepts = Concepts(state)
        found = _sort_out(concepts, _known_ids(state), incoming, on_read)
        new = {concept_id: found.leads.get(concept_id, _LEADS_NOWHERE) for concept_id in found.new_ids}
        return _result(found, len(real_edits(concepts, found.edits, new)), 0)
    commit, result = kb.publish("vocab import", change, by=author, why=why)
    return replace(result, commit=commit)


_LEADS_NOWHERE: Row = {"replaced_by": None, "splits": []}


def _check_space(state: Tables, incoming: Incoming) -> None:
    """Refuse vectors of another space than those of the state that is written to."""
    rows = state.dataset("embedders").to_table().to_pylist()
    if incoming.info is None or not rows:
        return
    info, stored = incoming.info, rows[0]
    if info.embedder_id != stored["embedder"]:
        raise UsageError(
            f"the vectors of {incoming.source} are of {info.name} ({info.dimension}-d), the vocabulary's of "
            f"{stored['name']} ({stored['dimension']}-d): import into another knowledge base, or without vectors",
            parameter="vectors",
        )


def _known_ids(state: Tables) -> set[str]:
    return set(state.dataset("concepts").to_table(columns=["concept_id"])["concept_id"].to_pylist())


def _sort_out(concepts: Concepts, known: set[str], incoming: Incoming, on_read: Callable[[int], object]) -> _Sorted:
    found = _Sorted()
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
        found.read += len(chunk)
        on_read(len(chunk))
    return found


def _sort_one(
    found: _Sorted,
    known: set[str],
    incoming: Incoming,
    number: int,
    record: Record,
    rows: dict[str, tuple[int, Row]],
    told: list[tuple[int, str, Row]],
) -> None:
    """One record: of a known concept it goes to `told`, of a new one to `rows`; ValueError says why to neither."""
    if "unreadable" in record:
        raise ValueError(record["unreadable"])
    fields = read_record(record)
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


_DERIVED = ("concept_id", "mentions", "embedding")
"""What a record may hold beside its fields: read from elsewhere, so nothing is lost by leaving it."""


def _edit_known(found: _Sorted, concepts: Concepts, incoming: Incoming, told: Sequence[tuple[int, str, Row]]) -> None:
    """What records tell of known concepts, where it differs; one that changes its identity is rejected."""
    concepts.read(concept_id for _, concept_id, _ in told)
    for number, concept_id, fields in told:
        try:
            _edit_one(found, concepts, incoming, number=number, concept_id=concept_id, fields=fields)
        except ValueError as error:
            found.rejects.append(_reject(incoming.source, number, str(error)))


def _edit_one(
    found: _Sorted, concepts: Concepts, incoming: Incoming, number: int, concept_id: str, fields: Row
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


def _keep(found: _Sorted, rows: Mapping[str, tuple[int, Row]]) -> None:
    if not rows:
        return
    plain = [row for _, row in rows.values()]
    found.leads |= {
        row["concept_id"]: {name: row[name] for name in ("replaced_by", "splits", "status")}
        for row in plain
        if row["replaced_by"] or row["splits"]
    }
    found.new.append(([number for number, _ in rows.values()], pa.RecordBatch.from_pylist(plain, CONCEPTS.schema)))


def _write_new(
    publication: Publication,
    found: _Sorted,
    incoming: Incoming,
    stored_as: str | None,
    on_written: Callable[[int, int], object],
) -> int:
    """Write the new concepts with their vectors; says how many have one."""
    if not found.new:
        return 0
    embedded = [0]
    if incoming.info is not None:
        set_embedder(publication, incoming.info, stored_as)
    vectors = incoming.vectors() if incoming.vectors is not None else None
    schema = publication.dataset("concepts").schema
    publication.write("concepts", _batches(found, vectors, schema, embedded, on_written))
    publication.index_words("concepts", "text")
    check_replacements(Concepts(publication), found.leads)
    return embedded[0]


def _batches(
    found: _Sorted,
    vectors: Vectors | None,
    schema: pa.Schema,
    embedded: list[int],
    on_written: Callable[[int, int], object],
) -> Iterator[pa.RecordBatch]:
    total, written = len(found.new_ids), 0
    on_written(0, total)
    for numbers, batch in found.new:
        rows = batch.to_pylist()
        for row in rows:
            row["synonyms"] = [*row["synonyms"], *found.names.get(row["concept_id"], ())]
        plain = pa.RecordBatch.from_pylist(rows, schema=pa.schema([f for f in schema if f.name != "embedding"]))
        columns = {name: plain[name] for name in plain.schema.names}
        if vectors is not None:
            matrix, there = vectors.take(numbers)
            embedded[0] += int(there.sum())
            columns["embedding"] = vector_array(matrix, there, schema.field("embedding").type)
            columns["embedder"] = pa.array([vectors.info.embedder_id if is_there else None for is_there in there])
        elif "embedding" in schema.names:
            columns["embedding"] = pa.nulls(len(rows), schema.field("embedding").type)
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
        written += len(rows)
        on_written(written, total)


def _write_vectors(publication: Publication, found: _Sorted, incoming: Incoming) -> int:
    """Give known concepts that have none the vectors of their records; says how many got one."""
    if not found.vectors or incoming.vectors is None or incoming.info is None:
        return 0
    set_embedder(publication, incoming.info)
    vectors, info, written = incoming.vectors(), incoming.info, 0
    for chunk in batched(sorted(found.vectors.items(), key=lambda pair: pair[1]), CHUNK):
        matrix, there = vectors.take([number for _, number in chunk])
        wanted = {concept_id: row for row, (concept_id, _) in enumerate(chunk) if there[row]}
        if wanted:
            put_vectors(publication, wanted, matrix, embedder=info.embedder_id)
            written += len(wanted)
    return written


def _measure_rounding(publication: Publication, found: _Sorted, incoming: Incoming, stored_as: str | None) -> None:
    """Where a vocabulary begins as float16, say in its embedder's row what the rounding costs."""
    if stored_as != "float16" or incoming.vectors is None or not found.new:
        return

    def chunks() -> Iterator[np.ndarray]:
        vectors = incoming.vectors() if incoming.vectors is not None else None
        for numbers, _ in found.new:
            if vectors is not None:
                matrix, there = vectors.take(numbers)
                yield matrix[there]

    queries = sample_vectors(publication.dataset("concepts"))
    write_stored(publication, Stored(stored_as, rounding_recall(chunks, queries)))


def _write_edits(publication: Publication, found: _Sorted, author: str, why: str | None) -> dict[str, Row | None]:
    concepts = Concepts(publication)
    edits = real_edits(concepts, found.edits)
    if edits:
        write_edits(publication, edits, [tell(concepts, "import", edits, author=author, why=why)])
    return edits


def _reject(source: str, number: int, reason: str) -> dict[str, Any]:
    return {"source": source, "position": f"row {number}", "report_id": None, "reason": reason}


def _result(found: _Sorted, edited: int, embedded: int) -> ImportResult:
    return ImportResult(
        read=found.read,
        added=len(found.new_ids),
        edited=edited,
        unchanged=max(0, len(found.told) - edited),
        synonyms=found.synonyms,
        rejected=len(found.rejects),
        embedded=embedded,
        unused=tuple(found.unused),
        commit=None,
    )
