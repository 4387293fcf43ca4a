"""What a report refers to: patients, imaging studies and orders of an export, found by reference.

They may stand anywhere in the export, also after the report, so they are noted in a first reading, in a temporary file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

REFERRED = ("Patient", "ImagingStudy", "ServiceRequest")
UID_SYSTEM = "urn:dicom:uid"


class References:
    """What the resources of an export say that its reports refer to."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE told (key TEXT PRIMARY KEY, what TEXT) WITHOUT ROWID; BEGIN"
        )

    def note(self, resource: dict[str, Any], address: str) -> None:
        """Note a resource, if reports refer to its kind."""
        kind = resource.get("resourceType")
        if kind not in REFERRED:
            return
        told = json.dumps(_told(resource))
        for key in {f"{kind}/{resource.get('id')}", _key(address)} - {""}:
            self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (key, told))

    def of(self, references: Any, report: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What is told of each thing that a report refers to; contained resources go first."""
        for reference in as_list(references):
            if not isinstance(reference, dict):
                continue
            named = text_at(reference, "reference")
            contained = {f"#{one.get('id')}": one for one in as_list(report.get("contained")) if isinstance(one, dict)}
            if named in contained:
                yield _told(contained[named])
                continue
            row = self._db.execute("SELECT what FROM told WHERE key = ?", (_key(named),)).fetchone()
            told = json.loads(row[0]) if row else {}
            identifiers = identifiers_of({"identifier": reference.get("identifier")})
            local = "" if named.startswith(("urn:", "#")) else _key(named).rpartition("/")[2]
            yield {**told, "ids": [*told.get("ids", ()), *identifiers], "local": told.get("local") or local}


def _told(resource: dict[str, Any]) -> dict[str, Any]:
    """The little of a resource that a report needs."""
    series = [one for one in as_list(resource.get("series")) if isinstance(one, dict)]
    modalities, sites = ([one.get(key) for one in series] for key in ("modality", "bodySite"))
    return {
        "local": text_at(resource, "id"),
        "ids": identifiers_of(resource),
        "modality": [*words(resource.get("modality")), *words(modalities)],
        "body_part": [*words(resource.get("bodySite")), *words(sites)],
        "procedure": [
            *words(resource.get("code")),
            *words(resource.get("procedureCode")),
            *([text_at(resource, "description")] if resource.get("resourceType") == "ImagingStudy" else []),
        ],
    }


def identifiers_of(resource: dict[str, Any]) -> list[list[str]]:
    """The identifiers of a resource as [kind, value]: "MR", "ACSN", "UID" or ""."""
    found = []
    for one in as_list(resource.get("identifier")):
        if isinstance(one, dict) and (value := text_at(one, "value")):
            kinds = {text_at(coding, "code") for coding in _codings(one.get("type"))}
            uid = text_at(one, "system") == UID_SYSTEM or value.startswith("urn:oid:")
            kind = "UID" if uid else next((kind for kind in ("MR", "ACSN") if kind in kinds), "")
            found.append([kind, value.removeprefix("urn:oid:")])
    return found


def words(value: Any) -> list[str]:
    """What codings and concepts say, R4's and R5's: their texts, displays and codes, each once.

    A code is told where nothing in words is: a number of LOINC says less than its name.
    """
    found: dict[str, None] = {}
    for one in as_list(value):
        if isinstance(one, list):
            found.update(dict.fromkeys(words(one)))
        elif isinstance(one, dict):
            concept = one["concept"] if isinstance(one.get("concept"), dict) else one
            codings = [concept, *_codings(concept)]
            said = [text_at(coding, key) for coding in codings for key in ("text", "display")]
            said = [text for text in said if text] or [text_at(coding, "code") for coding in codings]
            found.update(dict.fromkeys(text for text in said if text))
    return list(found)


def codes(value: Any) -> list[str]:
    """The codes of codings and concepts."""
    concepts = [one for one in as_list(value) if isinstance(one, dict)]
    return [code for one in concepts for coding in (one, *_codings(one)) if (code := text_at(coding, "code"))]


def text_at(value: Any, key: str) -> str:
    """A text in an object, "" where there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found.strip() if isinstance(found, str) else str(found) if isinstance(found, int) else ""


def as_list(value: Any) -> list[Any]:
    """A list as it is, one thing as a list of it, nothing as none."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _codings(concept: Any) -> list[dict[str, Any]]:
    return [
        one for one in as_list(concept.get("coding") if isinstance(concept, dict) else None) if isinstance(one, dict)
    ]


def _key(reference: str) -> str:
    """The kind and id that a reference ends in: of "https://x/fhir/Patient/p1/_history/2" it is "Patient/p1"."""
    if reference.startswith("urn:") or not reference:
        return reference
    return "/".join(reference.partition("/_history")[0].rstrip("/").split("/")[-2:])
