"""Labels into the knowledge base: the ground truth of images and studies, by the file that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.identity.stored import resolve_units
from ingest.joins import require_label_join
from ingest.labels.attributes import replace_attributes
from ingest.labels.choices import Choices
from ingest.labels.known_names import alike, store_label_names, unmapped
from ingest.labels.label_tables import LabelTable, read_label_table
from ingest.labels.stored_rows import (
    StoredRows,
    count_units,
    of_source,
    reject_rows,
    replace_rows,
    same_rows,
    share_units,
)
from kb.errors import UsageError
from kb.images.patient_split import require_split
from kb.knowledge_base import KnowledgeBase
from kb.privacy.same_ids import require_same_ids
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from schemas.tables import LABEL_SOURCES, LABELS, READINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelResult:
    """What an ingest of labels did; `stored` says whether they were new, replaced older ones, or were known.

    Attributes:
        blanks: cells that were blank, and became what `blank` says.
        doubts: cells that said -1, and became what `uncertain` says.
        readings: what `readers` say, and is kept; a file `of_one_reader` has no labels.
        ties: labels that are unknown because as many readers say 1 as 0.
        unmapped: labels that the table of label names does not know.
        alike: labels of the file that mean one finding ("Edema = Pulmonary edema"): an evaluation takes them together.
        missing: labels of a named list that the file does not have.
        attributes: columns kept beside the labels.
        contradictions: how many of their cells were passed over because an earlier row of the same image or study says
            another thing.
        odd_ages: images and studies whose age is no number of years ("85 or more", "414"): it is kept as given.
        resolved: images and studies that were found under another spelling than the stored one, by the rule.
    """

    source: str
    layout: str
    read: int
    labels: tuple[str, ...]
    positive: int
    negative: int
    unknown: int
    blanks: int
    doubts: int
    blank: str
    uncertain: str
    readers: tuple[str, ...]
    readings: int
    of_one_reader: bool
    consensus: str | None
    ties: int
    unmapped: tuple[str, ...]
    alike: tuple[str, ...] = ()
    missing: tuple[str, ...]
    rejected: int
    not_asked: int
    attributes: tuple[str, ...]
    contradictions: Mapping[str, int]
    odd_ages: int
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
    split: str | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    allow_unjoined: bool = False,
) -> LabelResult:
    """Ingest the labels of one table into `kb` as one commit; the same file again changes nothing.

    Args:
        kb: where to; it stands on the new commit afterwards.
        path: a CSV, TSV, JSON or Parquet file; or what `read_label_table` has read of one.
        choices: which columns hold what, which labels are wanted, what they shall be named, who read, and what a blank
            and a doubt are.
        source: what these labels are stored as; default: the name of the file. It replaces its own labels only.
        split: the split that all of its images and studies lie in, whatever the file says: "external", ...
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored, as a data set of their own.

    Raises:
        UsageError: there is no such file, column or label, another file of this name was ingested before, or readers
            contradict each other and no consensus is named.
        ClearKbError: the file cannot be read as a table, or none of its images and studies is here though images are.
    """
    table = path if isinstance(path, LabelTable) else read_label_table(path, "value", choices or Choices())
    if split is not None:
        table.attributes.mark(require_split(split))
    tables = [(table, source or table.name)]
    return ingest_label_tables(kb, tables, by=by, why=why, dry_run=dry_run, allow_unjoined=allow_unjoined)[0]


def ingest_label_tables(
    kb: KnowledgeBase,
    tables: Sequence[tuple[LabelTable, str]],
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    allow_unjoined: bool = False,
) -> list[LabelResult]:
    """Ingest several tables of labels as one commit, each as a source of its own; see `ingest_labels`.

    Args:
        kb: where to; it stands on the new commit afterwards.
        tables: what `read_label_table` has read of each, and what its labels are stored as.
        by: who.
        why: the reason.
        dry_run: say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored.

    Raises:
        UsageError: another file of a table's name was ingested before, or ids of another kind are stored.
        ClearKbError: none of the images and studies of a table is here though images are.
    """
    for table, _ in tables:
        require_same_ids(kb, table.choices.key, where=kb.uri)
        table.respell(resolve_units(kb, table.units))
    every = [_Taken(table, name) for table, name in tables]

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, list[str]]:
        stored, moved = [], False
        for taken in every:
            require_same_ids(publication, taken.table.choices.key, where=kb.uri)
            stored.append(taken.store(publication, allow_unjoined=allow_unjoined))
            moved |= store_label_names(publication, taken.table.choices.label_table)
            rejects_of = f"{taken.owner} (labels)"
            moved |= replace_rejects(publication, [rejects_of], reject_rows(rejects_of, taken.table.rejects))
        fields = {
            "source": ", ".join(taken.owner for taken in every),
            "values": sum(len(taken.table) for taken in every),
            "labels": sum(len(taken.table.labels) for taken in every),
            "rejects": sum(len(taken.table.rejects) for taken in every),
        }
        return (fields if moved or set(stored) != {"unchanged"} else None), stored

    commit, stored = kb.publish("ingest labels", change, by=by, why=why, dry_run=dry_run)
    return [
        _result(taken, count_units(kb, taken.units), done, commit) for taken, done in zip(every, stored, strict=True)
    ]


class _Taken:
    """A table of labels as the rows that are stored of it."""

    def __init__(self, table: LabelTable, source: str):
        self.table = table
        self.source = source
        reader = table.choices.reader
        self.owner = source if reader is None else f"{source} by {reader.strip()}"
        self.rows = StoredRows(table, table.values, LABELS.schema, {"value": table.values.value, "source": source})
        readings = table.readings if table.readings is not None else table.values.take(np.zeros(0, np.int64))
        readers = np.array(table.readers or [""], object)[readings.reader]
        self.readings = StoredRows(
            table, readings, READINGS.schema, {"value": readings.value, "reader": readers, "source": source}
        )
        self.units = (self.rows if reader is None else self.readings).units()

    def store(self, publication: Publication, *, allow_unjoined: bool) -> str:
        """Write what is new; says "new", "replaced" or "unchanged"."""
        table, reader = self.table, self.table.choices.reader
        mine = of_source(self.source)
        parts = [("labels", mine, self.rows), ("readings", mine, self.readings)]
        if reader is not None:
            parts = [("readings", f"{mine} AND reader IN {literals([reader.strip()])}", self.readings)]
        # A file of which nothing could be read has nothing to put in the place of what is stored.
        if not len(parts[0][2]):
            return "unchanged"
        self._refuse_other_file(publication, parts[0][0])
        if not allow_unjoined and not all(same_rows(publication, *part) for part in parts):
            require_label_join(publication, self.units, "labels")
        done = [replace_rows(publication, name, where, rows) for name, where, rows in parts]
        more = replace_attributes(publication, self.owner, table.attributes)
        if reader is None:
            more |= self._store_policy(publication)
        if done[0] == "unchanged" and (more or set(done) != {"unchanged"}):
            return "replaced"
        return done[0]

    def _refuse_other_file(self, publication: Publication, name: str) -> None:
        """Two data sets may both come as `labels.csv`: the second must not wipe out the first."""
        if share_units(publication, name, of_source(self.source), self.units) is False:
            raise UsageError(
                f"labels from another file named {self.source} are stored, of other images: "
                "name the source of these, and both are kept",
                parameter="source",
            )

    def _store_policy(self, publication: Publication) -> bool:
        """Keep how the source was read; says whether that changed anything."""
        table, choices = self.table, self.table.choices
        row = {
            "source": self.source,
            "file": table.name,
            "blank": choices.blank,
            "uncertain": choices.uncertain,
            "readers": len(table.readers) or None,
            "consensus": choices.consensus,
            "blanks": table.blanks,
            "doubts": table.doubts,
            "ties": table.ties,
        }
        where = of_source(self.source)
        if publication.dataset("label_sources").to_table(filter=where).to_pylist() == [row]:
            return False
        publication.replace("label_sources", where, [pa.RecordBatch.from_pylist([row], schema=LABEL_SOURCES.schema)])
        return True


def _result(taken: _Taken, units: tuple[int, int, int], stored: str, commit: Commit | None) -> LabelResult:
    table, choices = taken.table, taken.table.choices
    values = (table.values if choices.reader is None else taken.table.readings or table.values).value
    return LabelResult(
        source=taken.source,
        layout=table.layout.form,
        read=table.read,
        labels=tuple(table.labels.values()),
        positive=int((values == 1).sum()),
        negative=int((values == 0).sum()),
        unknown=int(np.isnan(values).sum()),
        blanks=table.blanks,
        doubts=table.doubts,
        blank=choices.blank,
        uncertain=choices.uncertain,
        readers=table.readers,
        readings=len(taken.readings),
        of_one_reader=choices.reader is not None,
        consensus=choices.consensus,
        ties=table.ties,
        alike=alike(table.labels.values(), choices.label_table),
        unmapped=unmapped(table.labels.values(), choices.label_table),
        missing=table.missing,
        rejected=len(table.rejects),
        not_asked=table.passed_over,
        attributes=table.kept,
        contradictions=dict(table.attributes.contradictions),
        odd_ages=table.attributes.odd_ages,
        columns_not_used=table.unused,
        units=units[0],
        units_here=units[1],
        images=units[2],
        resolved=dict(table.resolved),
        stored=stored,
        commit=commit,
    )
