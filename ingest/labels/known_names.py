"""The table of label names at an ingest: which labels it does not know, and a user's own lines of it, kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from kb.language.labels import LabelEntry, LabelNames, bundled_labels, read_label_names
from kb.store.publication import Publication
from kb.store.sqltext import literals
from schemas.tables import LABEL_NAMES


def _names(label_table: Path | None) -> LabelNames:
    return bundled_labels() if label_table is None else bundled_labels().with_entries(read_label_names(label_table))


def alike(labels: Iterable[str], label_table: Path | None = None) -> tuple[str, ...]:
    """The labels that mean one finding with another of them, in words: they are judged as one."""
    names = _names(label_table)
    by_key: dict[str, list[str]] = {}
    for label in labels:
        by_key.setdefault(names.key(label), []).append(label)
    return tuple(" = ".join(same) for same in by_key.values() if len(same) > 1)


def unmapped(labels: Iterable[str], label_table: Path | None = None) -> tuple[str, ...]:
    """The labels that neither the table of label names nor the lexicon knows as a finding."""
    names = _names(label_table)
    return tuple(label for label in labels if not names.knows(label))


def store_label_names(publication: Publication, label_table: Path | None) -> bool:
    """Keep the lines of a user's table with the knowledge base; says whether any is new."""
    if label_table is None:
        return False
    entries = read_label_names(label_table)
    rows = [_row(entry) for entry in entries]
    where = f"label IN {literals(entry.label for entry in entries)}"
    if not rows:
        return False
    stored = publication.dataset("label_names").to_table(filter=where).to_pylist()
    if sorted(stored, key=str) == sorted(rows, key=str):
        return False
    publication.replace("label_names", where, [pa.RecordBatch.from_pylist(rows, schema=LABEL_NAMES.schema)])
    return True


def _row(entry: LabelEntry) -> dict[str, str | list[str]]:
    lists = ("names", "findings", "wider", "present", "absent")
    return {"label": entry.label, **{name: list(getattr(entry, name)) for name in lists}}
