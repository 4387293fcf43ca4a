"""The fields of an export that has no table of its own, as columns: what is the id, and what a condition asks about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.sources.columns import EXAM_NAMES, Columns, find_fields
from kb.errors import UsageError

ROLES = ("id", "study", "patient")


def export_columns(names: Sequence[str], mapping: Mapping[str, str], asked_about: Sequence[str], where: str) -> Columns:
    """The columns of an export with these fields.

    Args:
        names: the fields that every report of it has, "id", "study" and "patient" among them.
        mapping: which other field is the id, study or patient.
        asked_about: the fields that a condition asks about.
        where: the export, for the message.

    Raises:
        UsageError: there is no such field, or something else was mapped.
    """
    if other := [what for what in mapping if what not in ROLES]:
        raise UsageError(f"columns: '{other[0]}' cannot be mapped in {where}; choose one of {', '.join(ROLES)}")
    told = {what: find_fields(names, [field], where)[field] for what, field in mapping.items()}
    return Columns(
        told.get("id", "id"),
        study=told.get("study", "study"),
        patient=told.get("patient", "patient"),
        exam={what: (what,) for what in EXAM_NAMES},
        fields=find_fields(names, asked_about, where),
    )
