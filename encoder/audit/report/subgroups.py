"""AUROC within groups of patients and images, with intervals: by sex, age, view and site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from encoder.audit.report.report_data import Subgroup, Subgroups
from encoder.evaluation import Evaluation
from encoder.evaluation.rows import LabelRows
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import UNHURRIED
from kb.sql.session import AuditSession
from kb.statistics.auroc import auroc_interval

GROUPINGS = {"sex": "sex", "age_band": "age", "view": "view", "site": "site"}
"""Columns of the views of an audit, and what they are called."""

MOST_VALUES = 12
"""Groups of one kind that are shown: the largest."""

_KNOWN = """
SELECT 'image ' || image_id AS unit, sex, age_band, view, site FROM images
UNION ALL
SELECT 'study ' || study_id, sex, age_band, NULL, site FROM studies
"""

Known = Mapping[str, Mapping[str, str]]


def read_groups(kb: KnowledgeBase) -> Known:
    """What is known of each image and study ("image X", "study Y") by the name of a grouping."""
    with AuditSession(kb, UNHURRIED) as session:
        rows = session.run(_KNOWN).rows()
    return {
        row["unit"]: {by: str(row[column]) for column, by in GROUPINGS.items() if row[column] is not None}
        for row in rows
    }


def subgroups_of(evaluation: Evaluation, rows: LabelRows, known: Known, *, least: int) -> Subgroups:
    """The groups of one label; those with fewer positives or negatives than `least` have the reason instead."""
    scored = evaluation.get(rows.run, rows.label)
    found: list[Subgroup] = []
    notes: list[str] = []
    for by in GROUPINGS.values():
        values = [known.get(str(unit), {}).get(by) for unit in rows.unit]
        groups, told = _groups(by, values)
        notes += told
        found += [_measured(by, value, rows.take(chosen), least) for value, chosen in groups]
    return Subgroups(rows.label, scored.values.get("auroc"), scored.intervals.get("auroc"), tuple(found), tuple(notes))


def _groups(by: str, values: Sequence[str | None]) -> tuple[list[tuple[str, Any]], list[str]]:
    """The rows of each value, and what is to be said of those that are left out."""
    column = np.array([value or "" for value in values], dtype=object)
    sizes = {value: int((column == value).sum()) for value in sorted(set(column.tolist())) if value}
    if not sizes:
        return [], [f"{by}: not known of any row"]
    if len(sizes) == 1:
        only = next(iter(sizes))
        return [], [f"{by}: the same for every row where it is known ({only}), so there is nothing to compare"]
    notes = []
    unknown = len(values) - sum(sizes.values())
    if unknown:
        notes.append(f"{by}: not known of {unknown:,} rows, which are in no group")
    shown = sorted(sorted(sizes, key=lambda value: -sizes[value])[:MOST_VALUES])
    if len(sizes) > len(shown):
        notes.append(f"{by}: the {len(shown)} largest of {len(sizes):,} groups are shown")
    return [(value, column == value) for value in shown], notes


def _measured(by: str, value: str, rows: LabelRows, least: int) -> Subgroup:
    found = Subgroup(by=by, value=value, n=len(rows.truth), positives=rows.positives, patients=rows.patients)
    reason = rows.few(max(least, 1))
    if reason is not None:
        return replace(found, reason=reason)
    ranked = auroc_interval(rows.truth, rows.rank, rows.cluster)
    return found if ranked is None else replace(found, auroc=ranked.value, low=ranked.low, high=ranked.high)
