"""Labels into the knowledge base: the ground truth of images and studies, by the file that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.identity.stored import resolve_units
from ingest.joins import require_label_join
from ingest.labels.attributes import replace_attributes
from ingest.labels.label_tables import Choices, LabelTable, read_label_table
from ingest.labels.stored_rows import arrow_rows, count_units, reject_rows, replace_rows, same_rows, share_units
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from schemas.tables import LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelResult:
    """What an ingest of labels did; `stored` says whether they were new, replaced older ones, or were known.

    `attributes` are the columns kept beside the labels; `contradictions` how many of their cells were passed over
    because an earlier row of the same image or study says another thing. `resolved` are the images and studies that
    were found under another spelling than the stored one, by the rule that found them.
    """

    source: str
    layout: str
    read: int
    labels: tuple[str, ...]
    positive: int
    negative: int
    unknown: int
    rejected: int
    not_asked: int
    attributes: tuple[str, ...]
    contradictions: Mapping[str, int]
    columns_not_used: tuple[str, ...]
    units: int
    units_here: int
    images: int
    resolved: Mapping[str, int]
    stored: str
    commit: Commit | None

    @property
    def values(self) -> int:
        """The values that were taken, the unknown ones too."""
        return self.positive + self.negative + self.unknown

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "commit"}
        lists = {name: list(value) for name, value in fields.items() if isinstance(value, tuple)}
        return {**fields, **lists, "commit": self.commit.commit_id if self.commit else None}


def ingest_labels(
    kb: KnowledgeBase,
    path: str | Path | LabelTable,
    choices: Choices | None = None,
    *,
    source: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    allow_unjoined: bool = False,
) -> LabelResult:
    """Ingest the labels of one table into `kb` as one commit; the same file again changes nothing.

    Args:
        kb: where to; it stands on the new commit afterwards.
        path: a CSV, TSV, JSON Lines or Parquet file; or what `read_label_table` has read of one.
        choices: which columns hold what, which labels are wanted, and what they shall be named.
        source: what these labels are stored as; default: the name of the file. It replaces its own labels only.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored, as a data set of their own.

    Raises:
        UsageError: there is no such file, column or label, or another file of this name was ingested before.
        ClearKbError: the file cannot be read as a table, or none of its images and studies is here though images are.
    """
    table = path if isinstance(path, LabelTable) else read_label_table(path, "value", choices or Choices())
    name = source or table.name
    table.respell(resolve_units(kb, table.units))
    rows = arrow_rows(table, LABELS.schema, {"value": table.values, "source": name})
    stored = ""

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, str]:
        nonlocal stored
        before = publication.dataset("labels").to_table(filter=f"source IN {literals([name])}")
        _refuse_other_file(before, rows, name)
        if not allow_unjoined and not same_rows(before, rows):
            require_label_join(publication, rows, "labels")
        # A file of which nothing could be read has nothing to put in the place of what is stored.
        if len(table):
            stored = replace_rows(publication, "labels", "source", name=name, rows=rows)
            attributes = replace_attributes(publication, name, table.attributes)
            stored = "replaced" if attributes and stored == "unchanged" else stored
        else:
            stored = "unchanged"
        moved = replace_rejects(publication, [f"{name} (labels)"], reject_rows(f"{name} (labels)", table.rejects))
        fields = {"source": name, "values": len(table), "labels": len(table.labels), "rejects": len(table.rejects)}
        return (fields if moved or stored != "unchanged" else None), stored

    commit, stored = kb.publish("ingest labels", change, by=by, why=why, dry_run=dry_run)
    return _result(table, name, count_units(kb, rows), stored, commit)


def _refuse_other_file(before: pa.Table, rows: pa.Table, name: str) -> None:
    """Two data sets may both come as `labels.csv`: the second must not wipe out the first."""
    if before.num_rows and rows.num_rows and not share_units(before, rows):
        raise UsageError(
            f"labels from another file named {name} are stored, of other images: "
            "name the source of these, and both are kept",
            parameter="source",
        )


def _result(
    table: LabelTable, name: str, units: tuple[int, int, int], stored: str, commit: Commit | None
) -> LabelResult:
    counts = {value: table.values.count(value) for value in (1, 0, None)}
    return LabelResult(
        source=name,
        layout=table.layout.form,
        read=table.read,
        labels=tuple(table.labels.values()),
        positive=counts[1],
        negative=counts[0],
        unknown=counts[None],
        rejected=len(table.rejects),
        not_asked=table.passed_over,
        attributes=table.kept,
        contradictions=dict(table.attributes.contradictions),
        columns_not_used=table.unused,
        units=units[0],
        units_here=units[1],
        images=units[2],
        resolved=dict(table.resolved),
        stored=stored,
        commit=commit,
    )
