"""The mappings of a vocabulary as SSSOM, the format in which mapping tools exchange them (Matentzoglu et al., 2022).

A file is a table with its metadata above it, as YAML in comments. Importing one sets the mappings of known concepts.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from kb.errors import UsageError
from kb.exchange.prefixes import OUR_PREFIX, Prefixes
from kb.store.storage import first_line
from kb.vocabulary.records import Record, id_in
from schemas.terms import IN_USE

LICENSE = "https://w3id.org/sssom/license/unspecified"
COLUMNS = (
    "subject_id",
    "subject_label",
    "predicate_id",
    "object_id",
    "object_label",
    "mapping_justification",
    "confidence",
)
NO_TERM = "sssom:NoTermFound"
NEEDED = ("subject_id", "predicate_id", "object_id", "mapping_justification")
VOCABULARIES = {
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "semapv": "https://w3id.org/semapv/vocab/",
}


def write_sssom(
    records: Iterable[Record], path: Path, prefixes: Prefixes, *, version: str, license_iri: str = LICENSE
) -> int:
    """Write the mappings of living concepts as SSSOM TSV; says how many.

    Args:
        records: the concepts; those that are rejected or retired are left out.
        path: where to.
        prefixes: what the prefixes of the ids stand for: all of them go into the file.
        version: the commit that the mappings are of.
        license_iri: under which the mappings are given away.
    """
    rows = [row for record in records if record["status"] in IN_USE for row in _rows(record)]
    used = {row["object_id"].partition(":")[0] for row in rows}
    known = {prefix: prefixes.expand(f"{prefix}:") for prefix in sorted(used)}
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in _metadata(prefixes, known, version, license_iri):
            file.write(f"#{line}\n")
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def read_sssom(path: Path, prefixes: Prefixes) -> Iterator[Record]:
    """The mappings of an SSSOM TSV file, each as a record that tells a concept's id and one mapping.

    Raises:
        UsageError: the file is no SSSOM TSV.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error}") from error
    theirs = _curie_map(path, [line[1:] for line in lines if line.startswith("#")])
    reader = csv.DictReader([line for line in lines if not line.startswith("#")], delimiter="\t")
    if missing := [name for name in NEEDED if name not in (reader.fieldnames or ())]:
        raise UsageError(f"{path} is no SSSOM table: it has no column {', '.join(missing)}")
    for row in reader:
        if row.get("predicate_modifier") or row["object_id"] == NO_TERM:
            yield {"unreadable": f"{row['subject_id']} is said not to be {row['object_id']}: only mappings are taken"}
        else:
            concept_id = id_in(row["subject_id"]) or row["subject_id"] or ""
            yield {"concept_id": concept_id, "mappings": [_mapping(row, theirs, prefixes)]}


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    for mapping in record["mappings"]:
        yield {
            "subject_id": f"{OUR_PREFIX}:{record['concept_id']}",
            "subject_label": record["text"],
            "predicate_id": mapping["predicate"],
            "object_id": mapping["object_id"],
            "object_label": mapping["object_label"],
            "mapping_justification": mapping["justification"],
            "confidence": "" if mapping["confidence"] is None else repr(mapping["confidence"]),
        }


def _metadata(prefixes: Prefixes, known: Mapping[str, str], version: str, license_iri: str) -> Iterator[str]:
    yield "curie_map:"
    for prefix, iri in {OUR_PREFIX: prefixes.base, **VOCABULARIES, **known}.items():
        yield f"  {prefix}: {_quoted(iri)}"
    yield f"mapping_set_id: {_quoted(prefixes.base + 'mappings')}"
    yield f"mapping_set_version: {_quoted(version)}"
    yield f"mapping_date: {_quoted(date.today().isoformat())}"
    yield f"license: {_quoted(license_iri)}"
    yield "mapping_tool: clear-kb"


def _quoted(text: str) -> str:
    """A text as YAML: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)


def _curie_map(path: Path, lines: list[str]) -> Mapping[str, str]:
    """The prefixes that a file declares: it may call RadLex something else than we do."""
    try:
        fields = yaml.safe_load("\n".join(lines)) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: its metadata are no YAML: {first_line(error)}") from error
    found = fields.get("curie_map") if isinstance(fields, dict) else None
    return {str(prefix): str(iri) for prefix, iri in found.items()} if isinstance(found, dict) else {}


def _mapping(row: Mapping[str, str], theirs: Mapping[str, str], prefixes: Prefixes) -> dict[str, Any]:
    prefix, _, local = (row["object_id"] or "").partition(":")
    outside = prefixes.contract(theirs[prefix] + local) if prefix in theirs else row["object_id"]
    return {
        "predicate": row["predicate_id"],
        "object_id": row["object_id"] if "://" in (outside or "") else outside,
        "object_label": row.get("object_label") or "",
        "justification": row["mapping_justification"],
        "confidence": _confidence(row.get("confidence")),
    }


def _confidence(cell: str | None) -> Any:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell  # refused as the record is read, with its field
