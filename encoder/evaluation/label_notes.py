"""What is to be said of the labels that an evaluation goes by: how they were read, and by which name they met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from encoder.evaluation.matched_row import Row
from kb.knowledge_base import KnowledgeBase
from kb.language.labels import LabelNames, normal_name
from kb.sql.label_key import label_names_of
from kb.store.sqltext import literals


def label_notes(kb: KnowledgeBase, rows: Sequence[Row]) -> list[str]:
    """The notes on the sources of labels that `rows` were judged by (`sources` of each)."""
    sources = sorted({source for row in rows for source in row["sources"]})
    if not sources:
        return []
    where = f"source IN {literals(sources)}"
    policies = kb.dataset("label_sources").to_table(filter=where).to_pylist()
    notes = [_policy(row) for row in sorted(policies, key=lambda row: row["source"])]
    stored = kb.dataset("labels").to_table(columns=["label", "source"], filter=where).group_by(["label", "source"])
    named = stored.aggregate([]).to_pylist()
    judged = {row["label"] for row in rows if row["labelled"]}
    others = {row["label"] for row in rows} - judged
    names = label_names_of(kb)
    return (
        [note for note in notes if note] + _met(names, named, sorted(judged)) + _related(names, named, sorted(others))
    )


def _policy(row: Mapping[str, Any]) -> str:
    said = []
    if row["blanks"]:
        said.append(f"{row['blanks']:,} blank cells are {row['blank']}")
    if row["doubts"]:
        said.append(f"{row['doubts']:,} uncertain ones (-1) are {row['uncertain']}")
    if row["consensus"]:
        ties = f", and {row['ties']:,} ties unknown" if row["ties"] else ""
        said.append(f"the truth is what {row['readers']:,} readers come to by '{row['consensus']}'{ties}")
    return f"labels of {row['source']}: {'; '.join(said)}" if said else ""


def _related(names: LabelNames, named: Sequence[Mapping[str, Any]], unjudged: Sequence[str]) -> list[str]:
    """What a prediction without a label is related to: "Nodule/Mass" judges no nodule, and that is said."""
    found = []
    for label in unjudged:
        for row in named:
            one = "wider" if names.narrower(label, row["label"]) else ""
            one = one or ("narrower" if names.narrower(row["label"], label) else "")
            if one:
                found.append(f"'{label}' is not judged by '{row['label']}' of {row['source']}, which is {one}")
    return found


def _met(names: LabelNames, named: Sequence[Mapping[str, Any]], predicted: Sequence[str]) -> list[str]:
    """Where a prediction and the label it is judged by have other names, and are one finding."""
    found = []
    for label in predicted:
        others = sorted(
            {
                f"'{row['label']}' of {row['source']}"
                for row in named
                if names.key(row["label"]) == names.key(label) and normal_name(row["label"]) != normal_name(label)
            }
        )
        if others:
            found.append(f"'{label}' is judged by {', '.join(others)}: both name {names.key(label)}")
    return found
