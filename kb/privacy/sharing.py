"""What of a vocabulary may be given away: concepts that many patients have, without what points at anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kb.store.state import State
from kb.vocabulary.query import run_named
from kb.vocabulary.records import Record

LEAST_PATIENTS = 5
"""Patients that a concept was seen in at least: below it, whoever knows one of them may know whom it is of."""


def patients_of_concepts(state: State) -> dict[str, int]:
    """In how many patients each concept was seen; a report whose patient is unknown counts as one of its own."""
    rows = run_named(state, "concept_patients")
    return {row["concept_id"]: row["patients"] for row in rows}


def shared(records: Iterable[Record], patients: dict[str, int], least: int) -> Iterator[Record]:
    """The records of concepts that at least so many patients have, of which nothing tells who curated or wrote them.

    What was put aside is held back whatever it counts: its words are in no table, so they may be anybody's.
    """
    for record in records:
        if record["status"] != "aside" and patients.get(record["concept_id"], 0) >= least:
            yield {**record, **_plain(record, patients, least)}


def _plain(record: Record, patients: dict[str, int], least: int) -> dict[str, Any]:
    """The fields of a record that would tell more than the concept."""
    replaced_by = record["replaced_by"]
    told = patients.get(replaced_by or "", 0) >= least
    mappings = [
        {**mapping, "details": [], "justification": "semapv:UnspecifiedMatching"} for mapping in record["mappings"]
    ]
    return {
        "source": "shared",
        "note": None,
        "replaced_by": replaced_by if told else None,
        "splits": [],
        "distinct_from": [],
        "dismissed": [],
        "mappings": mappings,
    }
