"""Curation: the acts that change the vocabulary, each checked, written as one commit, and never losing anything.

An act is planned on the newest state: given the concepts as they stand, it says which fields become what. So two
curators who work at once meet in the plan, not in the storage. Evidence stays where it was mined; a replaced
concept forwards to its survivor, so that what is mined again flows there too, and undoing is a change of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kb.batched import batched
from kb.changes import Change
from kb.concept_rows import WITHOUT_VECTOR, new_concept
from kb.errors import UsageError
from kb.facets import read_query
from kb.query import Tables, run_named
from kb.splits import Condition, Split, targets
from kb.storage import quoted
from schemas.terms import LATERALITIES, STATUSES

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase
    from kb.publication import Publication

Row = dict[str, Any]
Plan = Callable[["Concepts"], Mapping[str, Mapping[str, Any] | None]]
"""Given the concepts, the fields that become another value, by concept id; None takes a concept away."""

CHUNK = 2_000
"""Concepts that are looked up together."""

FACETS = ("finding", "anatomy", "laterality", "severity", "descriptors")
"""The facets that a curator may set. The assertion is not one of them: the denied finding is another concept."""


class Concepts:
    """The concepts of one state, looked up by id, each read once.

    `state` is a publication, or a knowledge base at a commit.
    """

    def __init__(self, state: Tables):
        self._state = state
        self._dataset = state.dataset("concepts")
        self._read: dict[str, Row | None] = {}
        self.columns = [name for name in self._dataset.schema.names if name != "embedding"]

    def read(self, concept_ids: Iterable[str]) -> None:
        """Read the rows of many concepts in one go, so that each `find` needs none of its own."""
        wanted = [concept_id for concept_id in dict.fromkeys(concept_ids) if concept_id not in self._read]
        for chunk in batched(wanted, CHUNK):
            rows = self._dataset.to_table(columns=self.columns, filter=f"concept_id IN {quoted(chunk)}").to_pylist()
            self._read |= dict.fromkeys(chunk) | {row["concept_id"]: row for row in rows}

    def find(self, concept_id: str) -> Row | None:
        """The row of a concept, or None where there is none."""
        self.read([concept_id])
        return self._read[concept_id]

    def get(self, concept_id: str) -> Row:
        """The row of a concept; UsageError where there is none."""
        row = self.find(concept_id)
        if row is None:
            raise UsageError(f"there is no concept '{concept_id}': see `clear-kb vocab search`")
        return row

    def holding(self, concept_ids: Iterable[str], edits: Mapping[str, Row | None]) -> str | None:
        """What keeps concepts from being taken away by `edits`: mentions, or others that still lead to them."""
        gone = set(concept_ids)
        if self._state.dataset("observations").count_rows(f"concept_id IN {quoted(gone)}"):
            return "reports mention it; retire it instead"
        leading = [
            {**row, **(edits.get(row["concept_id"]) or {})} for row in self._leading() if row["concept_id"] not in gone
        ]
        return "others lead to it" if any(gone & set(targets(row)) for row in leading) else None

    def mentions(self, concept_id: str, rule: str) -> int:
        """How many of the mentions of a concept a rule (SQL, see `kb.splits`) holds for."""
        rows = run_named(self._state, "split_mentions", {"concept_id": concept_id}, rule=rule)
        return int(rows[0]["mentions"])

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


def add(text: str, synonyms: Sequence[str] = ()) -> Plan:
    """A new, accepted concept from its text ("small left pleural effusion", "no pneumothorax")."""
    try:
        facets = read_query(text)
    except ValueError as error:
        raise UsageError(str(error)) from error

    def plan(concepts: Concepts) -> dict[str, Row]:
        if concepts.find(facets.concept_id) is not None:
            raise UsageError(f"'{facets.text}' is in the vocabulary already: {facets.concept_id}")
        return {facets.concept_id: new_concept(facets, "curator", "accepted", synonyms)}

    return plan


def set_status(concept_ids: Sequence[str], status: str) -> Plan:
    """Accept, reject or put back concepts. A retired one comes back only by reverting what retired it."""
    if status not in STATUSES:
        raise UsageError(f"status '{status}': choose one of {', '.join(STATUSES)}")

    def plan(concepts: Concepts) -> dict[str, Row]:
        concepts.read(concept_ids)
        rows = [concepts.get(concept_id) for concept_id in concept_ids]
        for row in rows:
            if row["status"] == "retired":
                raise UsageError(f"{row['concept_id']} '{row['text']}' is retired: `clear-kb vocab revert` undoes that")
        return {row["concept_id"]: {"status": status} for row in rows}

    return plan


def rename(concept_id: str, text: str) -> Plan:
    """Another text for a concept; its id and facets stay, its vector is computed anew by `embed`."""
    text = " ".join(text.split())
    if not text:
        raise UsageError("a concept needs a text")
    return lambda concepts: {concepts.get(concept_id)["concept_id"]: {"text": text}}


def merge(sources: Sequence[str], survivor_id: str) -> Plan:
    """Concepts that mean the same as another: they are retired and forward to it, and it takes their names.

    Only concepts of one assertion, side and severity can be merged: what tells them apart is no synonym.
    """

    def plan(concepts: Concepts) -> dict[str, Row]:
        survivor = _living(concepts.survivor(survivor_id))
        merged = [_living(concepts.get(source)) for source in sources]
        for row in merged:
            _same_meaning(row, survivor)
        names = [survivor["text"], *survivor["synonyms"]]
        for row in merged:
            names += [name for name in (row["text"], *row["synonyms"]) if name not in names]
        edits: dict[str, Row] = {row["concept_id"]: _retired(survivor["concept_id"]) for row in merged}
        return {**edits, survivor["concept_id"]: {"synonyms": names[1:]}}

    return plan


def retire(concept_id: str, replacement_id: str | None = None) -> Plan:
    """A concept that is no longer used; where another takes its place, it forwards there."""

    def plan(concepts: Concepts) -> dict[str, Row]:
        row = _living(concepts.get(concept_id))
        replacement = None if replacement_id is None else _living(concepts.survivor(replacement_id))
        if replacement is not None and replacement["concept_id"] == row["concept_id"]:
            raise UsageError(f"{concept_id} cannot replace itself")
        return {row["concept_id"]: _retired(replacement["concept_id"] if replacement else None)}

    return plan


def split(concept_id: str, into: str, where: Sequence[Condition]) -> Plan:
    """Some mentions of a concept, those that meet the conditions, become another's: a living one, or a new one.

    `into` is the other one's id, or the text of a new concept. What is mined later follows the rule too.
    """

    def plan(concepts: Concepts) -> dict[str, Row]:
        source = _living(concepts.get(concept_id))
        target, edits = _split_target(concepts, into)
        parted = Split(target["concept_id"], tuple(where))
        if target["concept_id"] == source["concept_id"]:
            raise UsageError(f"{concept_id} cannot be split into itself")
        if target["assertion"] != source["assertion"]:
            raise UsageError(
                f"'{source['text']}' is {source['assertion']}, '{target['text']}' {target['assertion']}: a mention of "
                "the one is none of the other"
            )
        if not concepts.mentions(concept_id, parted.sql()):
            raise UsageError(f"no mention of {concept_id} '{source['text']}' goes {parted.told()}")
        return {**edits, source["concept_id"]: {"splits": [*source["splits"], parted.to_row()]}}

    return plan


def set_synonyms(concept_id: str, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> Plan:
    """Other names for a concept, added or taken away."""
    added, removed = list(added), list(removed)

    def plan(concepts: Concepts) -> dict[str, Row]:
        row = concepts.get(concept_id)
        unknown = [name for name in removed if name not in row["synonyms"]]
        if unknown:
            raise UsageError(f"'{unknown[0]}' is no synonym of {concept_id}: {', '.join(row['synonyms']) or 'none'}")
        kept = [name for name in row["synonyms"] if name not in removed]
        return {concept_id: {"synonyms": [*kept, *(name for name in dict.fromkeys(added) if name not in kept)]}}

    return plan


def set_facet(concept_id: str, facet: str, value: str | None) -> Plan:
    """Another value for a facet of a concept; None or "none" takes it away. The id stays."""
    if facet not in FACETS:
        raise UsageError(f"'{facet}' is no facet: choose one of {', '.join(FACETS)}")
    if facet == "laterality" and value not in LATERALITIES:
        raise UsageError(f"laterality '{value}': choose one of {', '.join(LATERALITIES)}")
    if facet == "finding" and not value:
        raise UsageError("a concept needs a finding")
    stored: Any = None if value in (None, "", "none") and facet != "laterality" else value
    if facet == "descriptors":
        stored = [word.strip() for word in (value or "").split(",") if word.strip()]
    return lambda concepts: {concepts.get(concept_id)["concept_id"]: {facet: stored}}


def set_note(concept_id: str, note: str | None) -> Plan:
    """A note on a concept; None or an empty one takes it away."""
    return lambda concepts: {concepts.get(concept_id)["concept_id"]: {"note": note or None}}


def revert(change: Change) -> Plan:
    """What a change did, undone; refused where one of its fields has been changed again since."""

    def plan(concepts: Concepts) -> dict[str, Row | None]:
        edits: dict[str, Row | None] = {}
        for concept_id, after in change.after.items():
            now, before = concepts.find(concept_id), change.before.get(concept_id)
            since = sorted(name for name, value in (after or {}).items() if (now or {}).get(name) != value)
            if now is None or since:
                what = f"its {', '.join(since)} changed" if now else "it was taken away"
                raise UsageError(
                    f"{change.change_id} cannot be undone: {concept_id} is no longer as it left it ({what})"
                )
            edits[concept_id] = None if before is None else dict(before)
        return edits

    return plan


def curate(
    kb: KnowledgeBase,
    act: str,
    plan: Plan,
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    reverts: str | None = None,
    carried: Sequence[Change] = (),
    summary: Mapping[str, Any] | None = None,
) -> Change | None:
    """Carry out an act as one commit and one row of `changes`; None where all is so already.

    `carried` are changes of another branch that come with it, and `summary` is told by the commit.

    Raises:
        UsageError: the act cannot be done on the newest state; nothing is written.
    """
    from kb.knowledge_base import default_author

    author = by or default_author()
    made: list[Change] = []

    def planned(concepts: Concepts) -> dict[str, Row | None]:
        edits = _real_edits(concepts, plan(concepts))
        _check_replacements(concepts, edits)
        made[:] = [_change(concepts, act, edits, author, why, reverts)] if edits else []
        return edits

    def change(publication: Publication) -> Mapping[str, Any] | None:
        edits = planned(Concepts(publication))
        if not edits:
            return None
        _write(publication, edits, [*carried, made[0]])
        return {"change": made[0].change_id, "concepts": len(edits), **(summary or {})}

    if dry_run:
        planned(Concepts(kb.at("HEAD")))
    else:
        kb.publish(f"vocab {act}", change, by=author, why=why)
    return made[0] if made else None


def read_changes(kb: KnowledgeBase, concept_id: str | None = None) -> list[Change]:
    """The changes up to the commit of `kb`, oldest first; of one concept, where `concept_id` is given."""
    rows = kb.dataset("changes").to_table().to_pylist()
    return [Change.from_row(row) for row in rows if concept_id is None or concept_id in row["concept_ids"]]


def _living(row: Row) -> Row:
    if row["status"] in ("retired", "rejected"):
        raise UsageError(f"{row['concept_id']} '{row['text']}' is {row['status']}")
    return row


def _split_target(concepts: Concepts, into: str) -> tuple[Row, dict[str, Row]]:
    """The concept that mentions go to, and what makes it where it is new."""
    if row := concepts.find(into):
        return _living(concepts.survivor(row["concept_id"])), {}
    try:
        facets = read_query(into)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if concepts.find(facets.concept_id):
        return _living(concepts.survivor(facets.concept_id)), {}
    row = new_concept(facets, "curator", "accepted")
    return row, {facets.concept_id: row}


def _same_meaning(row: Row, survivor: Row) -> None:
    if row["concept_id"] == survivor["concept_id"]:
        raise UsageError(f"{row['concept_id']} cannot be merged into itself")
    for facet in ("assertion", "laterality", "severity"):
        if row[facet] != survivor[facet]:
            raise UsageError(
                f"'{row['text']}' and '{survivor['text']}' differ in {facet} ({row[facet]}, {survivor[facet]}): "
                "they are not one concept"
            )


def _retired(replaced_by: str | None) -> Row:
    return {"status": "retired", "replaced_by": replaced_by}


def _real_edits(concepts: Concepts, edits: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Row | None]:
    """The edits without the fields that hold their value already."""
    concepts.read(edits)
    real: dict[str, Row | None] = {}
    for concept_id, fields in edits.items():
        now = concepts.find(concept_id)
        if fields is None:
            real[concept_id] = None
        elif kept := {name: value for name, value in fields.items() if now is None or now[name] != value}:
            real[concept_id] = kept
    return real


def _check_replacements(concepts: Concepts, edits: Mapping[str, Row | None]) -> None:
    """Refuse edits after which a replacement would lead nowhere, or in a circle."""
    gone = {concept_id for concept_id, fields in edits.items() if fields is None}
    if gone and (held := concepts.holding(gone, edits)):
        raise UsageError(f"{', '.join(sorted(gone))} cannot be taken away: {held}")
    leads = {"replaced_by", "splits"}
    for concept_id, fields in edits.items():
        if fields is not None and leads & set(fields):
            _follow(concepts, edits, gone, concept_id)


def _follow(concepts: Concepts, edits: Mapping[str, Row | None], gone: set[str], start: str) -> None:
    """Go every way that the mentions of `start` would go; UsageError where one ends nowhere or comes back."""
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
                met.add(target)
                ways.append(target)


def _change(
    concepts: Concepts, act: str, edits: Mapping[str, Row | None], author: str, why: str | None, reverts: str | None
) -> Change:
    before: dict[str, Row | None] = {}
    for concept_id, fields in edits.items():
        now = concepts.find(concept_id)
        names = [name for name in concepts.columns if name != "embedder"] if fields is None else list(fields)
        before[concept_id] = None if now is None else {name: now[name] for name in names}
    return Change(act, before, dict(edits), author, why, reverts)


def _write(publication: Publication, edits: Mapping[str, Row | None], changes: Sequence[Change]) -> None:
    import pyarrow as pa

    from schemas.tables import CHANGES

    dataset = publication.dataset("concepts")
    touched = f"concept_id IN {quoted(edits)}"
    rows = {row["concept_id"]: row for row in dataset.to_table(filter=touched).to_pylist()}
    written = []
    for concept_id, fields in edits.items():
        if fields is not None:
            # A vector is of a text: with another text it goes.
            row = {**rows.get(concept_id, {}), **fields, **(WITHOUT_VECTOR if "text" in fields else {})}
            written.append({name: row.get(name) for name in dataset.schema.names})
    batches = [pa.RecordBatch.from_pylist(written, schema=dataset.schema)] if written else []
    publication.replace("concepts", touched, batches)
    if written:
        publication.index_words("concepts", "text")
    told = [change.to_row() for change in changes]
    publication.write("changes", [pa.RecordBatch.from_pylist(told, schema=CHANGES.schema)])
