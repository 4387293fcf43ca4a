"""Carrying out an act of curation: checked, written as one commit and one row of `changes`, or not at all.

An act is planned on the newest state, so two curators who work at once meet in the plan, not in the storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pyarrow as pa

from kb.batched import batched
from kb.curation.change import Change
from kb.errors import UnknownConceptError, UsageError
from kb.reading.shown import shown
from kb.store.commits import default_author
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.store.state import State
from kb.vectors.columns import vector_array, vector_matrix
from kb.vectors.embedding import EmbeddingCache
from kb.vectors.embedding.in_use import read_embedder
from kb.vocabulary.query import Tables, run_named
from kb.vocabulary.split_rules import targets
from schemas.tables import CHANGES

if TYPE_CHECKING:
    import lance


Row = dict[str, Any]
Plan = Callable[["Concepts"], Mapping[str, Mapping[str, Any] | None]]
"""Given the concepts, the fields that become another value, by concept id; None takes a concept away."""

Seen = str | Mapping[str, Any]
"""How a concept stood when a curator saw it: its status alone, or the values of some of its fields."""

CHUNK = 2_000
"""Concepts that are looked up together."""


class ActOptions(TypedDict, total=False):
    """What every act can be told: who, the reason, whether to only say what would change, and what the curator saw.

    `expect` says by concept id how it was seen: where one stands otherwise by now, the act is refused.
    """

    by: str | None
    why: str | None
    dry_run: bool
    expect: Mapping[str, Seen] | None


class Concepts:
    """The concepts of one state, looked up by id, each read once.

    `state` is a publication, or a knowledge base at a commit.
    """

    def __init__(self, state: Tables):
        self._state = state
        self._dataset = state.dataset("concepts")
        self._read: dict[str, Row | None] = {}
        self._wordings: dict[str, list[tuple[str, int]]] = {}
        self.columns = [name for name in self._dataset.schema.names if name != "embedding"]

    def fresh(self) -> Concepts:
        """The same state with nothing read yet: for going through a whole vocabulary in bounded memory."""
        return Concepts(self._state)

    def take(self, edits: Mapping[str, Mapping[str, Any] | None]) -> None:
        """From now on concepts stand as these edits leave them; nothing is written, and `where` looks past it."""
        self.read(edits)
        for of, fields in edits.items():
            self._read[of] = None if fields is None else {**(self._read[of] or {}), **fields}

    def read(self, concept_ids: Iterable[str]) -> None:
        """Read the rows of many concepts in one go, so that each `find` needs none of its own."""
        wanted = [concept_id for concept_id in dict.fromkeys(concept_ids) if concept_id not in self._read]
        for chunk in batched(wanted, CHUNK):
            rows = self._dataset.to_table(columns=self.columns, filter=f"concept_id IN {literals(chunk)}").to_pylist()
            self._read |= dict.fromkeys(chunk) | {row["concept_id"]: row for row in rows}

    def find(self, concept_id: str) -> Row | None:
        """The row of a concept, or None if there is none."""
        self.read([concept_id])
        return self._read[concept_id]

    def where(self, condition: str) -> list[str]:
        """The ids of the concepts that a condition (SQL) holds for."""
        found: list[str] = self._dataset.to_table(columns=["concept_id"], filter=condition)["concept_id"].to_pylist()
        return found

    def get(self, concept_id: str) -> Row:
        """The row of a concept; UnknownConceptError if there is none."""
        row = self.find(concept_id)
        if row is None:
            raise UnknownConceptError(f"there is no concept {shown(concept_id)}")
        return row

    def holding(self, concept_ids: Iterable[str], edits: Mapping[str, Row | None]) -> str | None:
        """What keeps concepts from being taken away by `edits`: mentions, or others that still lead to them."""
        gone = set(concept_ids)
        if self._state.dataset("observations").count_rows(f"concept_id IN {literals(gone)}"):
            return "reports mention it; retire it instead"
        leading = [
            {**row, **(edits.get(row["concept_id"]) or {})} for row in self._leading() if row["concept_id"] not in gone
        ]
        return "others lead to it" if any(gone & set(targets(row)) for row in leading) else None

    def mentions(self, concept_id: str, rule: str) -> int:
        """How many of the mentions of a concept a rule (SQL, see `kb.vocabulary.split_rules`) holds for."""
        rows = run_named(self._state, "split_mentions", {"concept_id": concept_id}, rule=rule)
        return int(rows[0]["mentions"])

    def read_wordings(self, concept_ids: Iterable[str]) -> None:
        """Read how reports word many concepts in one go, so that each `wordings` needs no query of its own."""
        wanted = [concept_id for concept_id in dict.fromkeys(concept_ids) if concept_id not in self._wordings]
        if wanted:
            self._wordings |= {concept_id: [] for concept_id in wanted}
            for row in run_named(self._state, "used_wordings", {"concept_ids": wanted}):
                self._wordings[row["concept_id"]].append((row["name"], row["mentions"]))

    def wordings(self, concept_id: str) -> list[tuple[str, int]]:
        """How reports word a concept, lower case, and how often each wording was met, the most used first."""
        self.read_wordings([concept_id])
        return self._wordings[concept_id]

    def _leading(self) -> list[Row]:
        leads = "replaced_by IS NOT NULL OR array_length(splits) > 0"
        rows: list[Row] = self._dataset.to_table(
            columns=["concept_id", "replaced_by", "splits"], filter=leads
        ).to_pylist()
        return rows

    def survivor(self, concept_id: str) -> Row:
        """The concept that stands for `concept_id` in the end: itself, or where its replacements lead."""
        row = self.get(concept_id)
        while row["replaced_by"] is not None:
            row = self.get(row["replaced_by"])
        return row


def curate(
    state: State,
    act: str,
    plan: Plan,
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    reverts: str | None = None,
    expect: Mapping[str, Seen] | None = None,
    carried: Sequence[Change] = (),
    summary: Mapping[str, Any] | None = None,
    vectors_of: State | None = None,
) -> Change | None:
    """Carry out an act as one commit and one row of `changes`; None if all is so already.

    `expect` is what the curator saw of concepts, by id; where one stands otherwise by now, the act is refused.
    `carried` are changes of another branch that come with it, `summary` is told by the commit, and `vectors_of` is a
    state whose vectors go with its texts.

    Raises:
        UsageError: the act cannot be done on the newest state; nothing is written.
    """
    author = by or default_author()

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, Change | None]:
        concepts = Concepts(publication)
        _check_expected(publication, concepts, expect or {})
        edits = real_edits(concepts, plan(concepts))
        if not edits:
            return None, None
        made = tell(concepts, act, edits, author=author, why=why, reverts=reverts)
        write_edits(publication, edits, [*carried, made])
        _put_cached_vectors(publication, state, edits)
        if vectors_of is not None:
            _carry_vectors(publication, vectors_of, [of for of, fields in edits.items() if fields and "text" in fields])
        return {"change": made.change_id, "concepts": len(edits), **(summary or {})}, made

    _, made = state.publish(f"vocab {act}", change, by=author, why=why, dry_run=dry_run)
    return made


def _check_expected(publication: Publication, concepts: Concepts, expect: Mapping[str, Seen]) -> None:
    """Refuse to decide on what another curator has decided on since it was shown; UsageError says who did what."""
    concepts.read(expect)
    for concept_id, seen in expect.items():
        row = concepts.get(concept_id)
        fields = {"status": seen} if isinstance(seen, str) else seen
        since = {name: value for name, value in fields.items() if row[name] != value}
        if since:
            made = [change for change in _read_changes(publication) if concept_id in change.concept_ids]
            told = f" ({made[-1].line(concept_id)})" if made else ""
            raise UsageError(
                f"'{fields.get('text', row['text'])}' {_otherwise(since, row)} by now{told}: look at it again"
            )


def _otherwise(since: Mapping[str, Any], row: Row) -> str:
    """What became of a concept since it was shown: its status, or what it is called and says."""
    if "status" in since:
        return f"was {since['status']} when it was shown, and is {row['status']}"
    if "text" in since:
        return f"is called '{row['text']}'"
    return f"has another {', '.join(since)} than when it was shown"


def read_changes(state: State, concept_id: str | None = None) -> list[Change]:
    """The changes up to the commit of `state`, oldest first; of one concept, where `concept_id` is given."""
    return [one for one in _read_changes(state) if concept_id is None or concept_id in one.concept_ids]


def _read_changes(state: Tables) -> Iterator[Change]:
    return map(Change.from_row, state.dataset("changes").to_table().to_pylist())


def real_edits(
    concepts: Concepts, edits: Mapping[str, Mapping[str, Any] | None], new: Mapping[str, Row] | None = None
) -> dict[str, Row | None]:
    """The edits without the fields that hold their value already; `new` are concepts that come beside them.

    Raises:
        UsageError: a replacement would lead nowhere or in a circle, or what is taken away is still needed.
    """
    concepts.read(edits)
    real: dict[str, Row | None] = {}
    for concept_id, fields in edits.items():
        now = concepts.find(concept_id)
        if fields is None:
            real[concept_id] = None
        elif kept := {name: value for name, value in fields.items() if now is None or now[name] != value}:
            real[concept_id] = kept
    check_replacements(concepts, {**(new or {}), **real})
    return real


def check_replacements(concepts: Concepts, edits: Mapping[str, Row | None]) -> None:
    """Refuse edits after which mentions would go nowhere, in a circle, or to a concept that says the opposite.

    Every way in comes by here: acts, patches, change lines, imports.
    """
    gone = {concept_id for concept_id, fields in edits.items() if fields is None}
    if gone and (held := concepts.holding(gone, edits)):
        raise UsageError(f"{', '.join(sorted(gone))} cannot be taken away: {held}")
    leads = {"replaced_by", "splits"}
    for concept_id, fields in edits.items():
        if fields is None:
            continue
        row = {"replaced_by": None, **(concepts.find(concept_id) or {}), **fields}
        if {"replaced_by", "status"} & set(fields) and row["replaced_by"] is not None and row["status"] != "retired":
            raise UsageError(
                f"{concept_id} would be replaced by {row['replaced_by']} and still be {row['status']}: what is "
                "replaced is retired"
            )
        if leads & set(fields):
            _follow(concepts, edits, gone, concept_id)


def _follow(concepts: Concepts, edits: Mapping[str, Row | None], gone: set[str], start: str) -> None:
    """Go every way that the mentions of `start` would go; UsageError if one ends nowhere or comes back."""
    ways = [start]
    met: set[str] = set()
    while ways:
        at = ways.pop()
        row = {"replaced_by": None, "splits": [], **(concepts.find(at) or {}), **(edits.get(at) or {})}
        for target in targets(row):
            if target == start:
                raise UsageError(f"{start} would be replaced by itself, by way of {at}")
            if target in gone or (concepts.find(target) is None and target not in edits):
                raise UsageError(f"{at} would be replaced by {target}, which is not in the vocabulary")
            if target not in met:
                _same_truth(concepts, edits, start, target)
                met.add(target)
                ways.append(target)


def _same_truth(concepts: Concepts, edits: Mapping[str, Row | None], start: str, target: str) -> None:
    """Refuse that what is denied counts as present, or what is left as right."""
    one, other = ({**(concepts.find(of) or {}), **(edits.get(of) or {})} for of in (start, target))
    if "assertion" not in one or "assertion" not in other:
        return  # a new concept that an import only rehearses: the import itself reads it from the table
    names = f"'{one['text']}' ({start}) and '{other['text']}' ({target})"
    if one["assertion"] != other["assertion"]:
        told = f"one is {one['assertion']}, the other {other['assertion']}"
        raise UsageError(f"{names}: {told}; a mention of the one is none of the other")
    if {one["laterality"], other["laterality"]} == {"left", "right"}:
        raise UsageError(f"{names} are of opposite sides: a mention of the one is none of the other")


def tell(
    concepts: Concepts,
    act: str,
    edits: Mapping[str, Row | None],
    *,
    author: str,
    why: str | None,
    reverts: str | None = None,
) -> Change:
    """The change that `edits` are, with the values before them."""
    before: dict[str, Row | None] = {}
    for concept_id, fields in edits.items():
        now = concepts.find(concept_id)
        names = [name for name in concepts.columns if name != "embedder"] if fields is None else list(fields)
        before[concept_id] = None if now is None else {name: now[name] for name in names}
    texts = _texts(concepts, before, edits)
    return Change(act=act, before=before, after=dict(edits), author=author, reason=why, reverts=reverts, texts=texts)


def _texts(concepts: Concepts, before: Mapping[str, Row | None], after: Mapping[str, Row | None]) -> dict[str, str]:
    """The texts of concepts that are edited, before it, and of those that their fields name."""
    sides = [fields for side in (before, after) for fields in side.values() if fields]
    named = [other for fields in sides for other in fields.get("distinct_from", ())]
    named += [target for fields in sides for target in targets({"replaced_by": None, "splits": [], **fields})]
    wanted = [*dict.fromkeys([*after, *named])]
    concepts.read(wanted)
    rows = ((of, concepts.find(of) or after.get(of)) for of in wanted)
    return {of: row["text"] for of, row in rows if row is not None}


def write_edits(publication: Publication, edits: Mapping[str, Row | None], changes: Sequence[Change]) -> None:
    """Write edited concepts and the changes that tell of them; vectors are passed on as they lie, in bounded memory."""
    staged = publication.stage("concepts", _edited(publication.snapshot("concepts"), edits))
    *before, last = batched(edits, CHUNK)
    for chunk in before:
        publication.delete("concepts", f"concept_id IN {literals(chunk)}")
    publication.exchange("concepts", f"concept_id IN {literals(last)}", staged)
    if staged:
        publication.index_words("concepts", "text")
    entries = [change.to_row() for change in changes]
    publication.write("changes", [pa.RecordBatch.from_pylist(entries, schema=CHANGES.schema)])


def _edited(concepts: lance.LanceDataset, edits: Mapping[str, Row | None]) -> Iterator[pa.RecordBatch]:
    """The rows of `edits` as they become; those that are taken away are left out."""
    schema = concepts.schema
    kept = {concept_id: fields for concept_id, fields in edits.items() if fields is not None}
    for chunk in batched(kept, CHUNK):
        table = concepts.to_table(filter=f"concept_id IN {literals(chunk)}")
        at = {concept_id: row for row, concept_id in enumerate(table["concept_id"].to_pylist())}
        now = table.select([name for name in schema.names if name != "embedding"]).to_pylist()
        rows = []
        for concept_id in chunk:
            row = {**(now[at[concept_id]] if concept_id in at else {}), **kept[concept_id]}
            # A vector is of a text: with another text it goes.
            rows.append({**row, "embedder": None} if "text" in kept[concept_id] else row)
        columns = {f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in schema if f.name != "embedding"}
        if "embedding" in schema.names:
            places = [at.get(concept_id) if "text" not in kept[concept_id] else None for concept_id in chunk]
            columns["embedding"] = table["embedding"].combine_chunks().take(pa.array(places, pa.int64()))
        yield pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _put_cached_vectors(publication: Publication, state: State, edits: Mapping[str, Row | None]) -> None:
    """Give concepts with another text its vector, where it was embedded before: a rename undone has its own again."""
    info = read_embedder(state)
    texts = {of: str(fields["text"]) for of, fields in edits.items() if fields and "text" in fields}
    if info is None or not texts:
        return
    for chunk in batched(texts, CHUNK):
        vectors = EmbeddingCache(state.storage, info).vectors([texts[of] for of in chunk])
        known = [of for of in chunk if texts[of] in vectors]
        if known:
            rows = {of: row for row, of in enumerate(known)}
            matrix = np.stack([vectors[texts[of]] for of in known])
            put_vectors(publication, rows, matrix, embedder=info.embedder_id)


def _carry_vectors(publication: Publication, state: State, concept_ids: Sequence[str]) -> None:
    """Give concepts whose texts came from `state` the vectors that they have there, where the space is the same."""
    info = read_embedder(state)
    known = publication.dataset("embedders").to_table(columns=["embedder"])["embedder"].to_pylist()
    if info is None or info.embedder_id not in known:
        return
    for chunk in batched(concept_ids, CHUNK):
        where = f"concept_id IN {literals(chunk)} AND embedder = '{info.embedder_id}'"
        table = state.dataset("concepts").to_table(columns=["concept_id", "embedding"], filter=where)
        rows = {concept_id: row for row, concept_id in enumerate(table["concept_id"].to_pylist())}
        if rows:
            put_vectors(publication, rows, vector_matrix(table["embedding"]), embedder=info.embedder_id)


def put_vectors(publication: Publication, rows: Mapping[str, int], matrix: np.ndarray, *, embedder: str) -> None:
    """Give concepts vectors: `rows` says which row of `matrix` (n, dimension) is whose."""
    where = f"concept_id IN {literals(rows)}"
    table = publication.snapshot("concepts").to_table(filter=where)
    kind = table.schema.field("embedding").type
    chosen = matrix[[rows[concept_id] for concept_id in table["concept_id"].to_pylist()]]
    record = {
        "embedding": vector_array(chosen, np.ones(len(chosen), dtype=bool), kind),
        "embedder": pa.array([embedder] * len(chosen)),
    }
    columns = [record.get(name, table[name]) for name in table.schema.names]
    publication.replace("concepts", where, pa.table(columns, schema=table.schema).to_batches())
    publication.index_words("concepts", "text")
