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
from kb.storage import quoted
from schemas.terms import LATERALITIES, STATUSES

if TYPE_CHECKING:
    import lance

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

    `dataset` gives the tables of that state: those of a publication, or of a knowledge base at a commit.
    """

    def __init__(self, dataset: Callable[[str], lance.LanceDataset]):
        self._dataset = dataset("concepts")
        self._observations = dataset("observations")
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

    def holding(self, concept_ids: Iterable[str]) -> str | None:
        """What keeps concepts from being taken away: mentions, or others that forward to them."""
        listed = quoted(concept_ids)
        if self._observations.count_rows(f"concept_id IN {listed}"):
            return "reports mention it; retire it instead"
        forwarding = self._dataset.count_rows(f"replaced_by IN {listed}")
        return "others were merged into it" if forwarding else None

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
) -> Change | None:
    """Carry out an act as one commit and one row of `changes`; None where all is so already.

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
        edits = planned(Concepts(publication.dataset))
        if not edits:
            return None
        _write(publication, edits, made[0])
        return {"change": made[0].change_id, "concepts": len(edits)}

    if dry_run:
        planned(Concepts(kb.at("HEAD").dataset))
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
    if gone and (held := concepts.holding(gone)):
        raise UsageError(f"{', '.join(sorted(gone))} cannot be taken away: {held}")
    for concept_id, fields in edits.items():
        met = {concept_id}
        target = (fields or {}).get("replaced_by")
        while target is not None:
            if target in met:
                raise UsageError(f"{concept_id} would be replaced by itself, by way of {target}")
            met.add(target)
            row = concepts.find(target)
            if row is None or target in gone:
                raise UsageError(f"{concept_id} would be replaced by {target}, which is not in the vocabulary")
            target = (edits.get(target) or {}).get("replaced_by", row["replaced_by"])


def _change(
    concepts: Concepts, act: str, edits: Mapping[str, Row | None], author: str, why: str | None, reverts: str | None
) -> Change:
    before: dict[str, Row | None] = {}
    for concept_id, fields in edits.items():
        now = concepts.find(concept_id)
        names = [name for name in concepts.columns if name != "embedder"] if fields is None else list(fields)
        before[concept_id] = None if now is None else {name: now[name] for name in names}
    return Change(act, before, dict(edits), author, why, reverts)


def _write(publication: Publication, edits: Mapping[str, Row | None], change: Change) -> None:
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
    publication.write("changes", [pa.RecordBatch.from_pylist([change.to_row()], schema=CHANGES.schema)])
