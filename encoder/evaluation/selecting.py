"""Which rows are judged: those of some runs, labels, sources and views, in parts and groups that are never pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from encoder.evaluation.matched_row import Row
from encoder.evaluation.matching import match, of_views, wanted_labels
from encoder.evaluation.options import Options
from encoder.prediction.judged import judged_parts, why_judged
from kb.errors import UsageError
from kb.images.patient_split import lies_in
from kb.knowledge_base import KnowledgeBase
from kb.store.sqltext import literals

Block = tuple[str, str | None]
"""A part of the rows ("test", "external") and, where they are grouped, a group in it."""

UNKNOWN = "unknown"
"""The group of the rows of which nobody knows it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Selected:
    """The rows that are judged.

    Attributes:
        runs: that are judged.
        rows: of all runs and splits, of the labels and views that are wanted: thresholds are chosen on some of them.
        blocks: the rows that are judged together.
        left_out: images that were left out for their view, by view.
        why: why these rows are judged, in sentences.
    """

    runs: Sequence[str]
    rows: Sequence[Row]
    blocks: Mapping[Block, Sequence[Row]]
    left_out: Mapping[str, int]
    why: Sequence[str]


def select(
    kb: KnowledgeBase,
    runs: Sequence[str],
    options: Options,
    *,
    by: str | None = None,
    against: str | None = None,
    also: Sequence[str] = (),
) -> Selected:
    """The rows of `runs` (default: all) that are judged, each beside its truth.

    Args:
        kb: the knowledge base, at any commit.
        runs: their names.
        options: the labels, split, views, source and condition.
        by: what rows are grouped by; see `encoder.evaluation.matching.match`.
        against: a run whose rows are judged with theirs.
        also: runs whose rows are read, and not judged.

    Raises:
        UsageError: there is no such run, label or group, or no row is left.
    """
    known = known_runs(kb, options)
    chosen = _chosen(known, runs, against)
    judged = [*chosen, *([against] if against else [])]
    matched = match(kb, list(dict.fromkeys([*judged, *also])), source=options.source, where=options.where, by=by)
    rows, left_out = of_views(wanted_labels(matched, options.labels), options.views)
    parts = judged_parts(kb, chosen, options.split)
    blocks = _blocks([row for row in rows if row["run"] in judged], parts, grouped=by is not None)
    if not blocks:
        over = f", of images where {options.where}" if options.where else ""
        views = f" and of the views {options.views}" if left_out else ""
        which = "any row" if parts == ("all",) else f"the {parts[0]} split"
        raise UsageError(
            f"none of these predictions is of {which}{over}{views}", parameter="views" if left_out else None
        )
    why = why_judged(kb, chosen, options.split)
    return Selected(runs=chosen, rows=rows, blocks=blocks, left_out=left_out, why=why)


def _blocks(rows: Sequence[Row], parts: Sequence[str], *, grouped: bool) -> dict[tuple[str, str | None], list[Row]]:
    """The rows that are judged together: those of a part and, where they are grouped, of a group in it."""
    found: dict[tuple[str, str | None], list[Row]] = {}
    for part in parts:
        members = [row for row in rows if lies_in(row["in_split"], part)]
        names = sorted({row["group"] for row in members if row["group"] is not None}) if grouped else []
        for group in (*names, UNKNOWN) if grouped else (None,):
            those = [row for row in members if not grouped or (row["group"] or UNKNOWN) == group]
            if those and (group != UNKNOWN or any(row["labelled"] for row in those)):
                found.setdefault((part, group), those)
    return found


def numbered(first: Sequence[Row], rows: Sequence[Row]) -> dict[str, int]:
    """The owners of rows, numbered; those of the `first` ones come first."""
    owners = [*sorted({row["owner"] for row in first}), *sorted({row["owner"] for row in rows})]
    return {owner: at for at, owner in enumerate(dict.fromkeys(owners))}


def known_runs(kb: KnowledgeBase, options: Options) -> dict[str, Mapping[str, Any]]:
    """The runs that there are; UsageError if there is nothing to evaluate."""
    runs = kb.dataset("runs").to_table(columns=["run", "method", "encoder", "parameters"]).to_pylist()
    if not runs:
        raise UsageError(f"{kb.uri} holds no predictions", need="predictions")
    if not kb.dataset("labels").count_rows():
        raise UsageError(f"{kb.uri} holds no labels to evaluate by", need="labels")
    where = f"source IN {literals([options.source])}" if options.source else None
    if where and not kb.dataset("labels").count_rows(filter=where):
        sources = sorted(set(kb.dataset("labels").to_table(columns=["source"])["source"].to_pylist()))
        raise UsageError(f"source '{options.source}': there are labels of {', '.join(sources)}")
    return {row["run"]: row for row in runs}


def _chosen(known: Mapping[str, Any], runs: Sequence[str], against: str | None) -> list[str]:
    for name in (*runs, *([against] if against else [])):
        if name not in known:
            raise UsageError(f"there is no run '{name}': there are {', '.join(sorted(known))}")
    return list(dict.fromkeys(runs)) or sorted(known)
