"""Taking records into a knowledge base: new concepts and edits of known ones, as one commit, or nothing.

Records are read twice at most: once to sort them out (new, known, rejected), and the vectors once, as the new rows
are written. So the vectors of the published bank (6 GB) never stand in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from kb.batched import batched
from kb.curation.apply import Concepts, check_replacements, put_vectors, real_edits, tell, write_edits
from kb.curation.diff import Difference
from kb.errors import UsageError
from kb.exchange.incoming import CHUNK, Incoming, SortedRecords, Vectors, sort_out
from kb.store.commits import Commit, default_author
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.state import State
from kb.vectors.columns import vector_array
from kb.vectors.vector_storage import Stored, rounding_recall, sample_vectors, write_stored
from kb.vocabulary.embed_concepts import set_embedder
from kb.vocabulary.query import Tables
from kb.vocabulary.records import Row
from schemas.terms import IN_USE

NEW_TOLD = 1_000
"""Of how many new concepts a result tells the text: a bank may bring hundreds of thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What an import did.

    `synonyms` counts the texts that became another name of a concept met before, `repeated` those that are a name of
    it already. Of a bank that was taken verbatim, `apart` counts the texts that would have been either, `unread` those
    that the lexicon knows nothing of. `notes` say more of the file. `gone` concepts in use are not in a file that tells
    of others by their ids; `retired` are those of them that were retired for it. `differences` are what became of
    concepts, of new ones the first `NEW_TOLD`; `rejects` say of each rejected row why.
    """

    read: int
    added: int
    edited: int
    unchanged: int
    synonyms: int
    repeated: int
    rejected: int
    embedded: int
    apart: int
    unread: int
    gone: int
    retired: int
    unused: tuple[str, ...]
    notes: tuple[str, ...]
    differences: tuple[Difference, ...]
    rejects: tuple[Mapping[str, Any], ...]
    commit: Commit | None

    @property
    def counts(self) -> dict[str, int]:
        """All that was counted, by name."""
        return {name: value for name in self.__slots__ if isinstance(value := getattr(self, name), int)}

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        commit = self.commit.commit_id if self.commit else None
        return {
            **self.counts,
            "unused": list(self.unused),
            "notes": list(self.notes),
            "differences": [difference.to_dict() for difference in self.differences],
            "rejects": [dict(reject) for reject in self.rejects],
            "commit": commit,
        }


def import_records(
    kb: State,
    incoming: Incoming,
    *,
    stored_as: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    delete_missing: bool = False,
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
        delete_missing: retire the concepts in use that the file no longer has.
        on_read: hears how many records were read since it heard last.
        on_written: hears how many new concepts are written, and of how many.

    Raises:
        UsageError: the vectors are of another embedder than the vocabulary's, a replacement leads nowhere, prefixes
            are not known, or it cannot be told what is missing: rows were rejected, or none names a known concept.
    """
    author = by or default_author()

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, ImportResult]:
        _check_space(publication, incoming)
        found = _sorted(publication, incoming, on_read, delete_missing=delete_missing)
        before = _befores(Concepts(publication), found)
        embedded = _write_new(publication, found, incoming, stored_as, on_written)
        edits = _write_edits(publication, found, author, why)
        embedded += _write_vectors(publication, found, incoming)
        _measure_rounding(publication, found, incoming, stored_as)
        moved = replace_rejects(publication, [incoming.source], found.rejects)
        result = _result(found, incoming, edits, embedded, before=before)
        return (result.counts if found.new_ids or edits or moved or embedded else None), result

    if dry_run:
        state = kb.at("HEAD")
        _check_space(state, incoming)
        concepts = Concepts(state)
        found = _sorted(state, incoming, on_read, delete_missing=delete_missing)
        new = {concept_id: found.leads.get(concept_id, _LEADS_NOWHERE) for concept_id in found.new_ids}
        edits = real_edits(concepts, found.edits, new)
        return _result(found, incoming, edits, 0, before=_befores(concepts, found))
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


def _sorted(
    state: Tables, incoming: Incoming, on_read: Callable[[int], object], *, delete_missing: bool
) -> SortedRecords:
    """The records sorted out, and what the file no longer has; with `delete_missing` that is to be retired."""
    table = state.dataset("concepts").to_table(columns=["concept_id", "status", "text"])
    found = sort_out(Concepts(state), set(table["concept_id"].to_pylist()), incoming, on_read)
    if not incoming.mappings_only and not incoming.verbatim and found.named & found.told:
        there = found.named | found.told
        found.gone = {
            row["concept_id"]: row["text"]
            for row in table.to_pylist()
            if row["status"] in IN_USE and row["concept_id"] not in there
        }
    if delete_missing:
        _check_whole(found, incoming)
        found.edits |= {of: {"status": "retired", "replaced_by": None} for of in found.gone}
    return found


def _check_whole(found: SortedRecords, incoming: Incoming) -> None:
    """Refuse to take for missing what a file could not say."""
    if incoming.mappings_only:
        raise UsageError(f"{incoming.source} holds mappings: it does not tell which concepts there are")
    if found.rejects:
        told = "; ".join(f"{one['position']}: {one['reason']}" for one in found.rejects)
        raise UsageError(f"what is missing cannot be told, as rows of {incoming.source} cannot be taken: {told}")
    if not found.named & found.told:
        raise UsageError(f"{incoming.source} names no concept of the vocabulary by its id: all would be missing")


def _befores(concepts: Concepts, found: SortedRecords) -> dict[str, Row]:
    """What is edited, as it stands."""
    concepts.read(found.edits)
    return {of: row for of in found.edits if (row := concepts.find(of)) is not None}


def _write_new(
    publication: Publication,
    found: SortedRecords,
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
    found: SortedRecords,
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


def _write_vectors(publication: Publication, found: SortedRecords, incoming: Incoming) -> int:
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


def _measure_rounding(
    publication: Publication, found: SortedRecords, incoming: Incoming, stored_as: str | None
) -> None:
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


def _write_edits(publication: Publication, found: SortedRecords, author: str, why: str | None) -> dict[str, Row | None]:
    concepts = Concepts(publication)
    edits = real_edits(concepts, found.edits)
    if edits:
        write_edits(publication, edits, [tell(concepts, "import", edits, author=author, why=why)])
    return edits


def _result(
    found: SortedRecords,
    incoming: Incoming,
    edits: Mapping[str, Row | None],
    embedded: int,
    *,
    before: Mapping[str, Row],
) -> ImportResult:
    retired = len(found.gone.keys() & edits.keys())
    edited = len(edits) - retired
    new = islice(found.new_ids.items(), NEW_TOLD)
    return ImportResult(
        read=found.read,
        added=len(found.new_ids),
        edited=edited,
        unchanged=max(0, len(found.told) - edited),
        synonyms=found.synonyms,
        repeated=found.repeated,
        rejected=len(found.rejects),
        embedded=embedded,
        apart=found.verbatim.apart,
        unread=found.verbatim.unread,
        gone=len(found.gone) - retired,
        retired=retired,
        unused=tuple(found.unused),
        notes=incoming.notes,
        differences=(
            *(Difference(of, text, None, {"text": text}) for of, text in new),
            *(_difference(before[of], fields) for of, fields in edits.items() if fields is not None),
        ),
        rejects=tuple(found.rejects),
        commit=None,
    )


def _difference(before: Row, fields: Row) -> Difference:
    return Difference(before["concept_id"], before["text"], {name: before[name] for name in fields}, fields)
