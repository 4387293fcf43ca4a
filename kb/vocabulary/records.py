"""A concept as a record: what every exchange format carries, and how one is read back, checked field by field.

Imports, patches and what a curator types are all read here: whatever comes from outside has this one door.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pyarrow.compute as pc

from kb.errors import UsageError
from kb.language.facets import concept_id_of
from kb.language.lexicon import load_lexicon
from kb.language.query_reading import read_query
from kb.reading.shown import shown
from kb.store.state import State
from kb.vocabulary.concept_rows import new_concept
from kb.vocabulary.mappings import mapping_row
from kb.vocabulary.split_rules import read_conditions
from schemas.tables import CONCEPTS
from schemas.terms import LATERALITIES, STATUSES

Record = Mapping[str, Any]
Row = dict[str, Any]

FIELDS: tuple[str, ...] = tuple(name for name in CONCEPTS.schema.names if name != "embedder")
"""The fields of a record, in the order of the `concepts` table. What is derived (counts, vectors) is no part of it."""

IDENTITY = ("concept_id", "normal_form", "assertion")
"""What a concept is known by: no import changes it."""

_ID = re.compile(r"C[0-9a-f]{16}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""Signs that no spreadsheet and no XML can carry: an export with one could not be read back."""

LONGEST = 10_000
"""Letters of a text of a concept, a note among them."""

_ID_AT_END = re.compile(r"C[0-9a-f]{16}$")
CONCEPT_ASSERTIONS = ("present", "absent")
"""What a concept may say of its finding; hedging is of the mention."""

_READ_FROM_TEXT = frozenset(
    ("concept_id", "normal_form", "assertion", "finding", "anatomy", "laterality", "severity", "descriptors")
)

NO_RECORD: Record = MappingProxyType({})
"""What stands for a row that is empty: it is counted as a row, and says nothing."""


def iter_records(state: State, *, vectors: bool = False) -> Iterator[Row]:
    """Every concept of the commit as a record, by id; with `vectors` its `embedding` too, None if it has none."""
    concepts = state.dataset("concepts")
    columns = [*FIELDS, *(["embedding"] if vectors else [])]
    order = pc.sort_indices(concepts.to_table(columns=["concept_id"])["concept_id"])
    for start in range(0, len(order), 2_048):
        yield from concepts.take(order[start : start + 2_048].to_pylist(), columns=columns).to_pylist()


def read_record(record: Record) -> Row:
    """The fields that a record tells, each checked; those it does not name are left out.

    Raises:
        ValueError: a field cannot be what it says; the message names it.
    """
    facts = {name: _READERS[name](record[name]) for name in FIELDS if name in record}
    if not facts.get("concept_id", ""):
        facts.pop("concept_id", None)
    return facts


def read_edit(fields: Record) -> Row:
    """The fields of a concept that a patch tells, each checked as those of a record; what is needed is never null.

    Raises:
        ValueError: a field cannot be what it says; the message names it.
    """
    for name, value in fields.items():
        if value is None and not CONCEPTS.schema.field(name).nullable:
            raise ValueError(f"{name}: null, and it is needed")
    return read_record(fields)


def check_identity(concept_id: str, now: Record, told: Record) -> None:
    """Refuse what would change what a concept is known by, with a ValueError that names it."""
    if other := next((name for name in IDENTITY if name in told and told[name] != now[name]), None):
        raise ValueError(f"{other} of {concept_id} is '{now[other]}' and stays so")


def complete_row(told: Row, source: str) -> Row:
    """A row of the `concepts` table from what a record tells of a new concept; the rest is read from its text.

    Raises:
        ValueError: it has no text, or its id is not that of its normal form.
    """
    text = told.get("text") or ""
    if not text:
        raise ValueError("no text")
    row = {**_rest(told, text, source), **told}
    row["source"] = told.get("source") or source
    if row["concept_id"] != concept_id_of(row["normal_form"]):
        raise ValueError(f"concept_id {row['concept_id']} is not that of its normal_form '{row['normal_form']}'")
    if not row["normal_form"].startswith(f"{row['assertion']}: "):
        raise ValueError(f"assertion {row['assertion']}, but its normal form is '{row['normal_form']}'")
    return row


def _rest(told: Row, text: str, source: str) -> Row:
    """What a record may leave out; its text need say nothing known where the record tells all that is read from it."""
    if set(told) >= _READ_FROM_TEXT:
        empty: Row = {name: [] for name in ("synonyms", "splits", "distinct_from", "dismissed", "mappings")}
        return {**empty, "status": "candidate", "replaced_by": None, "note": None}
    return new_concept(read_query(text), source)


def id_in(iri: str | None) -> str | None:
    """The concept id that an IRI or CURIE ends in; None if it ends in none."""
    match = _ID_AT_END.search(iri or "")
    return match[0] if match else None


def _text(value: Any) -> str:
    return " ".join(_letters(value).split())


def _letters(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{shown(value)} holds half a letter") from error
    if control := _CONTROL.search(value):
        raise ValueError(f"{shown(value)} holds the control character U+{ord(control[0]):04X}")
    if len(value) > LONGEST:
        raise ValueError(f"{shown(value)} has {len(value):,} letters, and {LONGEST:,} are the most")
    return value


def _needed(value: Any) -> str:
    if not (text := _text(value)):
        raise ValueError("a needed field is empty")
    return text


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value) or None


def _exactly(value: Any) -> str:
    """An identity is hashed from every character."""
    if not _letters(value):
        raise ValueError("a needed field is empty")
    return str(value)


def _verbatim(value: Any) -> str | None:
    """A note keeps its lines."""
    if value is None:
        return None
    return _letters(value).replace("\r\n", "\n").replace("\r", "\n") or None


def _one_of(values: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in values:
            raise ValueError(f"{shown(value)} is none of {', '.join(values)}")
        return str(value)

    return read


def _severity(value: Any) -> str | None:
    text = _optional(value)
    if text is not None and text not in (known := set(load_lexicon().severities.values())):
        raise ValueError(f"{shown(text)} is none of {', '.join(sorted(known))}")
    return text


def _concept_id(value: Any) -> str:
    text = _optional(value) or ""
    if text and not _ID.fullmatch(text):
        raise ValueError(f"{shown(text)} is no concept id")
    return text


def read_concept_id(value: Any) -> str:
    """The id of a concept; ValueError if it is none."""
    if not (text := _concept_id(value)):
        raise ValueError("a concept id is missing")
    return text


def _replacement(value: Any) -> str | None:
    return _concept_id(value) or None


def _concept_ids(value: Any) -> list[str]:
    return [read_concept_id(text) for text in _list(value)]


def _texts(value: Any) -> list[str]:
    return [_needed(item) for item in _list(value)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise ValueError(f"{shown(value)} is not a list")
    return list(value)


def _splits(value: Any) -> list[dict[str, Any]]:
    return [
        {
            "into": read_concept_id(item["into"]),
            "where": [
                {"field": condition.field, "values": list(condition.values)}
                for condition in read_conditions(
                    (_letters(c["field"]), _letters(v)) for c in _items(item["where"]) for v in _list(c["values"])
                )
            ],
        }
        for item in _items(value)
    ]


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [
        mapping_row(
            _needed(item["object_id"]),
            _needed(item["predicate"]),
            _optional(item.get("object_label")) or "",
            justification=_needed(item["justification"]),
            confidence=item.get("confidence"),
            modifier=_optional(item.get("modifier")),
            details=_named_values(item.get("details")),
            prefixes=_named_values(item.get("prefixes")),
        )
        for item in _items(value)
    ]


def _named_values(value: Any) -> dict[str, str]:
    return {_needed(item["name"]): _needed(item["value"]) for item in _items(value)}


def _items(value: Any) -> list[Mapping[str, Any]]:
    items = _list(value)
    if not all(isinstance(item, Mapping) for item in items):
        raise ValueError(f"{shown(value)} is not a list of objects")
    return items


def _named(name: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def named(value: Any) -> Any:
        try:
            return read(value)
        except KeyError as error:
            raise ValueError(f"{name}: {error} is missing") from error
        except (ValueError, TypeError, UsageError) as error:
            raise ValueError(f"{name}: {error}") from error

    return named


_READERS: Mapping[str, Callable[[Any], Any]] = {
    name: _named(name, read)
    for name, read in {
        "concept_id": _concept_id,
        "text": _needed,
        "normal_form": _exactly,
        "assertion": _one_of(CONCEPT_ASSERTIONS),
        "finding": _needed,
        "anatomy": _optional,
        "laterality": _one_of(LATERALITIES),
        "severity": _severity,
        "descriptors": _texts,
        "synonyms": _texts,
        "status": _one_of(STATUSES),
        "replaced_by": _replacement,
        "splits": _splits,
        "distinct_from": _concept_ids,
        "dismissed": _texts,
        "mappings": _mappings,
        "source": _needed,
        "note": _verbatim,
    }.items()
}
