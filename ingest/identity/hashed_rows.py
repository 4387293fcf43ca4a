"""What stands beside an id and would tell it: columns of further ids and paths are hashed with the ids."""

from __future__ import annotations

from collections.abc import Collection

from ingest.identity.normal import patient_id, study_id
from kb.images.names import stem
from kb.privacy.id_columns import holds_ids
from kb.privacy.id_key import IdKey

LEAST = 6
"""Letters of a part that is taken for an id because an id has it: shorter ones are met by chance."""


def parts_of(*hashed: str | None) -> frozenset[str]:
    """The parts of some hashed ids, by which their plain ones are known again in other columns."""
    return frozenset(stem(part) for one in hashed if one is not None for part in one.split("/"))


def without_ids(value: str, column: str, key: IdKey, ids: Collection[str]) -> str:
    """A value as it is stored: hashed where its column is one of ids, or where one of `ids` stands in it."""
    if holds_ids(column) or _names(value, key, ids):
        return key.hash(value)
    return value


def _names(value: str, key: IdKey, ids: Collection[str]) -> bool:
    if len(value) < LEAST:
        return False
    spelt = {value, study_id(value) or value, patient_id(value) or value}
    parts = {part for one in spelt for part in one.split("/") if len(part) >= LEAST}
    return any(stem(key.hash(part)) in ids for part in parts)
