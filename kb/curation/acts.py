"""The acts of curation: each a plan that, given the concepts as they stand, says which fields become what.

Evidence stays where it was mined; a replaced concept forwards to its survivor, so that what is mined again flows
there too, and undoing is a change of fields. `kb.curation.apply` carries a plan out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kb.choices import check_choice
from kb.curation.apply import Concepts, Plan, Row
from kb.curation.change import Change
from kb.curation.merging import living, retired, taking
from kb.errors import UsageError
from kb.language.query_reading import read_query
from kb.vocabulary.concept_rows import new_concept
from kb.vocabulary.mappings import NOT, curated_mapping, merged_mappings, said_again, same_claim
from kb.vocabulary.records import read_record
from kb.vocabulary.split_rules import Condition, Split
from schemas.terms import LATERALITIES, STATUSES

FACETS = ("finding", "anatomy", "laterality", "severity", "descriptors")
"""The facets that a curator may set. The assertion is not one of them: the denied finding is another concept."""


def add(text: str, synonyms: Sequence[str] = ()) -> Plan:
    """A new, accepted concept from its text ("small left pleural effusion", "no pneumothorax")."""
    try:
        facets = read_query(text)
    except ValueError as error:
        raise UsageError(str(error)) from error

    names: list[str] = _read("synonyms", list(synonyms))

    def plan(concepts: Concepts) -> dict[str, Row]:
        if (known := concepts.find(facets.concept_id)) is not None:
            hint = ", put aside: accept it" if known["status"] == "aside" else ""
            raise UsageError(f"'{facets.text}' is in the vocabulary already: {facets.concept_id}{hint}")
        return {facets.concept_id: new_concept(facets, "curator", "accepted", synonyms=names)}

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
                raise UsageError(f"{row['concept_id']} '{row['text']}' is retired", need="revert")
        return {row["concept_id"]: {"status": status} for row in rows}

    return plan


def retire(concept_ids: Sequence[str], replacement_id: str | None = None) -> Plan:
    """Concepts that are no longer used; where another takes their place, they forward there."""

    def plan(concepts: Concepts) -> dict[str, Row]:
        concepts.read(concept_ids)
        replacement = None if replacement_id is None else taking(concepts.survivor(replacement_id))
        into = replacement["concept_id"] if replacement else None
        found = [concepts.get(of) for of in concept_ids]
        # Said again, after an interruption for one, it is no other act.
        rows = [row if (row["status"], row["replaced_by"]) == ("retired", into) else living(row) for row in found]
        if same := next((row for row in rows if row["concept_id"] == into), None):
            raise UsageError(f"'{same['text']}' ({into}) cannot replace itself")
        return {row["concept_id"]: retired(into) for row in rows}

    return plan


def split(concept_id: str, into: str, where: Sequence[Condition]) -> Plan:
    """Some mentions of a concept, those that meet the conditions, become another's: a living one, or a new one.

    `into` is the other one's id, or the text of a new concept. What is mined later follows the rule too.
    """

    def plan(concepts: Concepts) -> dict[str, Row]:
        source = living(concepts.get(concept_id))
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
            raise UsageError(f"no mention of {concept_id} '{source['text']}' goes {parted.in_words()}")
        return {**edits, source["concept_id"]: {"splits": [*source["splits"], parted.to_row()]}}

    return plan


def set_synonyms(concept_id: str, *, added: Iterable[str] = (), removed: Iterable[str] = ()) -> Plan:
    """Other names for a concept, added or taken away."""
    added, removed = _read("synonyms", list(added)), list(removed)

    def plan(concepts: Concepts) -> dict[str, Row]:
        row = concepts.get(concept_id)
        unknown = [name for name in removed if name not in row["synonyms"]]
        if unknown:
            raise UsageError(f"'{unknown[0]}' is no synonym of {concept_id}: {', '.join(row['synonyms']) or 'none'}")
        kept = [name for name in row["synonyms"] if name not in removed]
        return {concept_id: {"synonyms": [*kept, *(name for name in dict.fromkeys(added) if name not in kept)]}}

    return plan


def set_facets(concept_id: str, facets: Mapping[str, str | None]) -> Plan:
    """Other values for facets of a concept; None or "none" takes one away. The id stays."""
    read = {facet: _facet(facet, value) for facet, value in facets.items()}
    return lambda concepts: {concepts.get(concept_id)["concept_id"]: read}


def _facet(facet: str, value: str | None) -> Any:
    """A facet as a curator types it; UsageError if it is none, or cannot have that value."""
    check_choice("facet", facet, FACETS)
    if facet == "laterality":
        check_choice("laterality", value or "none", LATERALITIES)
        return value or "none"
    if facet == "finding" and not value:
        raise UsageError("a concept needs a finding")
    if facet == "descriptors":
        return _read(facet, [word for word in (value or "").split(",") if word.strip() and value != "none"])
    return _read(facet, None if value in (None, "", "none") else value)


def set_notes(concept_ids: Sequence[str], note: str | None) -> Plan:
    """A note on concepts; None or an empty one takes it away."""
    text = _read("note", note)

    def plan(concepts: Concepts) -> dict[str, Row]:
        concepts.read(concept_ids)
        return {concepts.get(of)["concept_id"]: {"note": text} for of in concept_ids}

    return plan


def keep_apart(concept_id: str, others: Sequence[str]) -> Plan:
    """Concepts that are not the same as another one, however alike they look: said of both sides."""

    def plan(concepts: Concepts) -> dict[str, Row]:
        concepts.read([concept_id, *others])
        if concept_id in others:
            raise UsageError(f"{concept_id} cannot be told apart from itself")
        apart = {concept_id: list(others), **{other: [concept_id] for other in others}}
        return {
            of: {"distinct_from": sorted({*concepts.get(of)["distinct_from"], *from_these})}
            for of, from_these in apart.items()
        }

    return plan


def dismiss(marks: Mapping[str, Sequence[str]]) -> Plan:
    """What a curator decided to leave as it is, remembered for good: by concept id its marks (see `dismissed`)."""
    read: dict[str, list[str]] = {of: _read("dismissed", list(found)) for of, found in marks.items()}

    def plan(concepts: Concepts) -> dict[str, Row]:
        concepts.read(read)
        return {of: {"dismissed": sorted({*concepts.get(of)["dismissed"], *found})} for of, found in read.items()}

    return plan


def together(plans: Sequence[Plan]) -> Plan:
    """Several acts as one: all of them or, where one cannot be or two meet in one concept, none."""

    def plan(concepts: Concepts) -> dict[str, Mapping[str, Any] | None]:
        edits: dict[str, Mapping[str, Any] | None] = {}
        for one in plans:
            made = one(concepts)
            if twice := sorted(edits.keys() & made.keys()):
                text = concepts.get(twice[0])["text"]
                raise UsageError(f"'{text}' ({twice[0]}) would be changed twice at once: decide on it first")
            edits |= made
        return edits

    return plan


def map_to(
    concept_id: str,
    object_id: str,
    predicate: str,
    *,
    label: str = "",
    author: str | None = None,
    denied: bool = False,
    prefixes: Mapping[str, str] | None = None,
) -> Plan:
    """A mapping of a concept to one of an outside terminology by a curator's judgement: that it holds, or does not.

    Whoever says again what a tool or another curator said is its reviewer. `prefixes` say what the id's prefix stands
    for, if it is none of the known.
    """
    modifier = NOT if denied else None
    mapping = curated_mapping(object_id, predicate, label, author=author, modifier=modifier, prefixes=prefixes)

    def plan(concepts: Concepts) -> dict[str, Row]:
        now = concepts.get(concept_id)["mappings"]
        known = next((one for one in now if same_claim(one, mapping)), None)
        said = mapping if known is None else said_again(known, mapping)
        return {concept_id: {"mappings": merged_mappings(now, [said])}}

    return plan


def unmap(concept_id: str, object_id: str) -> Plan:
    """The mappings of a concept to an outside one, taken away."""

    def plan(concepts: Concepts) -> dict[str, Row]:
        mappings = concepts.get(concept_id)["mappings"]
        kept = [mapping for mapping in mappings if mapping["object_id"] != object_id]
        if len(kept) == len(mappings):
            raise UsageError(f"{concept_id} is not mapped to '{object_id}'")
        return {concept_id: {"mappings": kept}}

    return plan


def revert(change: Change) -> Plan:
    """What a change did, undone; refused if one of its fields has been changed again since."""

    def plan(concepts: Concepts) -> dict[str, Row | None]:
        edits: dict[str, Row | None] = {}
        for concept_id, after in change.after.items():
            now, before = concepts.find(concept_id), change.before.get(concept_id)
            since = sorted(name for name, value in (after or {}).items() if (now or {}).get(name) != value)
            if (now is None) != (after is None) or since:
                of_fields = f"its {', '.join(since)} changed" if now else "it was taken away"
                what = of_fields if after is not None else "it is there again"
                text = (now or {}).get("text") or change.texts.get(concept_id, concept_id)
                raise UsageError(
                    f"'{text}' is no longer as this left it ({what}), so it cannot be undone: {change.line()} "
                    f"({change.change_id})"
                )
            # What the change took away comes back whole, so with its id.
            edits[concept_id] = None if before is None else {**before, "concept_id": concept_id}
        return edits

    return plan


def _read(name: str, value: Any) -> Any:
    """A field as a curator types it, read as one of an import; UsageError if it cannot be."""
    try:
        return read_record({name: value})[name]
    except ValueError as error:
        raise UsageError(str(error)) from error


def _split_target(concepts: Concepts, into: str) -> tuple[Row, dict[str, Row]]:
    """The concept that mentions go to, and what makes it where it is new."""
    if row := concepts.find(into):
        return taking(concepts.survivor(row["concept_id"])), {}
    try:
        facets = read_query(into)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if concepts.find(facets.concept_id):
        return taking(concepts.survivor(facets.concept_id)), {}
    row = new_concept(facets, "curator", "accepted")
    return row, {facets.concept_id: row}
