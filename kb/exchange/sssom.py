"""The mappings of a vocabulary as SSSOM, the format in which mapping tools exchange them (Matentzoglu et al., 2022).

A file is a table with its metadata above it, as YAML in comments. What is denied (`predicate_modifier` Not) is written
and read as what it is. Importing a file sets the mappings of known concepts; all prefixes in it have to be declared in
it, or known.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from kb.errors import UsageError
from kb.exchange.prefixes import OUR_PREFIX, Prefixes, unknown_prefixes
from kb.reading.regular_file import read_text
from kb.reading.spreadsheet import LARGEST_CELL
from kb.reading.yaml_text import read_yaml
from kb.vocabulary.mapping_details import DETAILS, PROPAGATED, REFERENCES, by_name, pairs
from kb.vocabulary.mappings import WORDS
from kb.vocabulary.records import Record, id_in
from schemas.terms import IN_USE

LICENSE = "https://w3id.org/sssom/license/unspecified"
_FIRST = ("subject_id", "subject_label", "predicate_id", "predicate_modifier", "object_id", "object_label")
COLUMNS = (*_FIRST, "mapping_justification", "confidence", "subject_source", "object_source")
"""The columns that every file of ours has; those of the details that are told stand after them."""
NO_TERM = "sssom:NoTermFound"
NEEDED = ("subject_id", "predicate_id", "object_id", "mapping_justification")
SCHEME = f"{OUR_PREFIX}:scheme"
"""The source of our concepts: the concept scheme of the SKOS export."""
ALWAYS_DECLARED = ("skos", "semapv")
LARGEST = 256 << 20
"""Bytes of a file: a million mappings have fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSet:
    """What a file says of all its mappings: the vocabulary and its state, when that was, and the licence."""

    title: str
    version: str
    published: datetime
    license_iri: str = LICENSE


def write_sssom(records: Iterable[Record], path: Path, prefixes: Prefixes, about: MappingSet) -> int:
    """Write the mappings of living concepts as SSSOM TSV; says how many.

    Args:
        records: the concepts; those that are rejected or retired are left out.
        path: where to.
        prefixes: what the prefixes of all ids stand for: those that are used go into the file.
        about: what is said of all the mappings.
    """
    rows = [row for record in records if record["status"] in IN_USE for row in _rows(record)]
    columns = [*COLUMNS, *(name for name in DETAILS if name not in COLUMNS and any(row.get(name) for row in rows))]
    with path.open("w", encoding="utf-8", newline="") as file:
        for line in _metadata(prefixes, rows, about):
            file.write(f"#{line}\n")
        writer = csv.DictWriter(file, columns, delimiter="\t", lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def read_sssom(path: Path, prefixes: Prefixes) -> Iterator[Record]:
    """The mappings of an SSSOM TSV file, each as a record that tells a concept's id and one mapping.

    Columns that say nothing of a mapping that is kept are named in the first record, with no value.

    Raises:
        UsageError: the file is no SSSOM TSV, or uses prefixes that neither it declares nor anybody knows: the message
            names them all.
    """
    lines = read_text(path, most=LARGEST).splitlines()
    metadata = _read_metadata(path, [line[1:] for line in lines if line.startswith("#")])
    columns, rows = _read_rows(path, [line for line in lines if not line.startswith("#")])
    if missing := [name for name in NEEDED if name not in columns]:
        raise UsageError(f"{path} is no SSSOM table: it has no column {', '.join(missing)}")
    reading = _Reading(_declared(path, metadata, prefixes), prefixes, _propagated(metadata))
    if unknown := reading.unknown(rows):
        raise unknown_prefixes(unknown)
    unused: dict[str, Any] = dict.fromkeys(name for name in columns if name not in _READ)
    for row in rows:
        yield {**unused, **reading.record(row)}
        unused = {}


def _read_rows(path: Path, lines: Sequence[str]) -> tuple[Sequence[str], list[dict[str, str]]]:
    """The columns of the table, and the cells of each row that say something."""
    csv.field_size_limit(LARGEST_CELL)
    reader = csv.DictReader(lines, delimiter="\t")
    try:
        rows = [{name: cell for name, cell in row.items() if name and cell} for row in reader]
        return reader.fieldnames or (), rows
    except csv.Error as error:
        raise UsageError(f"{path} is no table that can be read: {error}") from error


_READ = (*COLUMNS, *DETAILS, "predicate_label")


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    for mapping in record["mappings"]:
        prefix = mapping["object_id"].partition(":")[0]
        yield {
            "subject_id": f"{OUR_PREFIX}:{record['concept_id']}",
            "subject_label": record["text"],
            "subject_source": SCHEME,
            "predicate_id": mapping["predicate"],
            "predicate_modifier": mapping["modifier"],
            "object_id": mapping["object_id"],
            "object_label": mapping["object_label"],
            "object_source": f"{prefix}:",
            "mapping_justification": mapping["justification"],
            "confidence": "" if mapping["confidence"] is None else repr(mapping["confidence"]),
            **by_name(mapping["details"]),
        }


def _metadata(prefixes: Prefixes, rows: Sequence[Mapping[str, Any]], about: MappingSet) -> Iterator[str]:
    used = {prefix for row in rows for prefix in _prefixes_of(row)}
    yield "curie_map:"
    for prefix in (OUR_PREFIX, *sorted({*ALWAYS_DECLARED, *used} - {OUR_PREFIX})):
        yield f"  {prefix}: {_quoted(prefixes.expand(f'{prefix}:'))}"
    # Readers take what stands before a colon for a prefix, so that an id that is a URN is none of a set.
    set_id = uuid5(NAMESPACE_URL, f"{prefixes.base}mappings")
    yield f"mapping_set_id: {_quoted(f'https://w3id.org/sssom/mappings/{set_id}')}"
    yield f"mapping_set_title: {_quoted(about.title)}"
    yield f"mapping_set_version: {_quoted(about.version)}"
    yield f"publication_date: {_quoted(about.published.date().isoformat())}"
    yield f"license: {_quoted(about.license_iri)}"
    yield f"comment: {_quoted('written by clear-kb ' + version('clear-kb'))}"


def _prefixes_of(row: Mapping[str, Any]) -> Iterator[str]:
    """The prefixes of the CURIEs in a row."""
    for name in ("subject_id", "predicate_id", "object_id", "mapping_justification", *REFERENCES):
        for curie in str(row.get(name) or "").split("|"):
            prefix, colon, local = curie.strip().partition(":")
            if colon and not local.startswith("//"):
                yield prefix


def _quoted(text: str) -> str:
    """A text as YAML: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)


def _read_metadata(path: Path, lines: Sequence[str]) -> Mapping[str, Any]:
    fields = read_yaml("\n".join(lines), f"{path}, its metadata")
    return fields if isinstance(fields, dict) else {}


def _declared(path: Path, metadata: Mapping[str, Any], prefixes: Prefixes) -> Mapping[str, str]:
    """The prefixes that a file declares: it may call RadLex something else than we do."""
    found = metadata.get("curie_map")
    theirs = {str(prefix): str(iri) for prefix, iri in found.items()} if isinstance(found, dict) else {}
    for prefix, iri in theirs.items():
        known = prefixes.outside.get(prefix)
        if known not in (None, iri) and prefixes.contract(iri) == iri:
            raise UsageError(
                f"{path}: the prefix '{prefix}' stands for {iri}, and for {known} here: say which is meant",
                parameter="prefix",
            )
    return theirs


def _propagated(metadata: Mapping[str, Any]) -> Mapping[str, str]:
    """What the metadata say of every row that says nothing of its own."""
    said = {name: metadata[name] for name in PROPAGATED if metadata.get(name) not in (None, "")}
    return {name: "|".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in said.items()}


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the rows of one file are read: what its prefixes stand for, ours, and what it says of all rows."""

    theirs: Mapping[str, str]
    prefixes: Prefixes
    propagated: Mapping[str, str]

    def unknown(self, rows: Iterable[Mapping[str, str]]) -> list[str]:
        """The prefixes that nobody declares."""
        used = dict.fromkeys(
            prefix for row in rows for prefix in _prefixes_of({**self.propagated, **row, "subject_id": ""})
        )
        return [prefix for prefix in used if prefix not in self.theirs and not self._known(prefix)]

    def record(self, row: Mapping[str, str]) -> Record:
        """A row as a record."""
        subject = row.get("subject_id", "")
        if row.get("object_id") == NO_TERM:
            return {"unreadable": f"{subject} is said to have no match: only mappings are taken"}
        try:
            return {"concept_id": id_in(subject) or subject, "mappings": [self._mapping(row)]}
        except KeyError as error:
            return {"unreadable": f"{subject}: it has no {error.args[0]}"}

    def _mapping(self, row: Mapping[str, str]) -> dict[str, Any]:
        brought: dict[str, str] = {}
        object_id = self._ours(row["object_id"], brought)
        said = {**self.propagated, **{name: row[name] for name in DETAILS if name in row}}
        details = {
            name: "|".join(self._ours(one.strip(), brought) for one in value.split("|"))
            if name in REFERENCES
            else value
            for name, value in said.items()
        }
        if details.get("object_source") == f"{object_id.partition(':')[0]}:":
            del details["object_source"]
        return {
            "predicate": row["predicate_id"],
            "modifier": row.get("predicate_modifier"),
            "object_id": object_id,
            "object_label": row.get("object_label", ""),
            "justification": self._ours(row["mapping_justification"], brought),
            "confidence": _confidence(row.get("confidence")),
            "details": pairs(details),
            "prefixes": pairs(brought),
        }

    def _ours(self, curie: str, brought: dict[str, str]) -> str:
        """A CURIE of theirs as one of ours; what its prefix stands for is `brought` along if nobody knows it here."""
        prefix, colon, local = curie.partition(":")
        if not colon or local.startswith("//") or prefix not in self.theirs or prefix in WORDS:
            return curie
        iri = self.theirs[prefix] + local
        if (ours := self.prefixes.contract(iri)) != iri and ours.partition(":")[2]:
            return ours
        if (ours := self.prefixes.contract(self.theirs[prefix])) != self.theirs[prefix]:
            return ours + local
        brought[prefix] = self.theirs[prefix]
        return curie

    def _known(self, prefix: str) -> bool:
        return prefix in WORDS or prefix in self.prefixes.outside or prefix == OUR_PREFIX


def _confidence(cell: str | None) -> Any:
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return cell  # refused as the record is read, with its field
