"""What stands beside an id and would tell it: columns of further ids and paths are hashed with the ids."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

from ingest.identity.normal import patient_id, study_id
from kb.images.names import stem
from kb.privacy.id_key import IdKey

LEAST = 6
"""Letters of a part that is taken for an id because an id has it: shorter ones are met by chance."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_IDS = frozenset(
    {"id", "ids", "uid", "uids", "mrn", "ssn", "accession", "path", "paths", "file", "filename", "folder", "url"}
)
_PEOPLE = frozenset({"patient", "subject", "person", "physician", "operator", "first", "last", "family", "given"})


def holds_ids(column: str) -> bool:
    """Whether a column is one of ids, names of people or of files, by what it is called ("StudyInstanceUID")."""
    words = [word.lower() for word in _WORDS.findall(column)]
    named = any(one in _PEOPLE and other in ("name", "names") for one, other in pairwise(words))
    return named or not _IDS.isdisjoint(words)


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
