"""Predictions of any model into the knowledge base, as a run of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.identity.stored import resolve_units
from ingest.joins import require_label_join
from ingest.labels.attributes import replace_attributes
from ingest.labels.choices import Choices
from ingest.labels.known_names import store_label_names, unmapped
from ingest.labels.label_tables import LabelTable, read_label_table
from ingest.labels.score_scale import Kind, Scaled, scale_scores
from ingest.labels.stored_rows import StoredRows, count_units, reject_rows, replace_rows, same_rows
from kb.errors import UsageError
from kb.knowledge_base import KnowledgeBase
from kb.privacy.same_ids import require_same_ids
from kb.sql.operating_points import operating_points as stored_points
from kb.sql.operating_points import read_points, with_points
from kb.store.commits import Commit
from kb.store.publication import Publication
from kb.store.rejects import replace_rejects
from kb.store.sqltext import literals
from schemas.tables import PREDICTIONS, RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionResult:
    """What an ingest of predictions did; `divided` are the labels whose scores were above 1, and by what.

    `operating_points` are the thresholds that the run is used with, on the scale of the stored scores;
    `points_passed_over` the labels of a file of such that it does not predict.

    `unmapped` are the labels that the table of label names does not know, `missing` those of a named list that the
    file does not have.

    `attributes` are the columns kept beside the scores; `contradictions` how many of their cells were passed over
    because an earlier row of the same image or study says another thing. `resolved` are the images and studies that
    were found under another spelling than the stored one, by the rule that found them.
    """

    run: str
    source: str
    layout: str
    read: int
    labels: tuple[str, ...]
    scores: int
    scores_are: str
    divided: Mapping[str, float]
    operating_points: Mapping[str, float]
    points_passed_over: tuple[str, ...]
    unmapped: tuple[str, ...]
    missing: tuple[str, ...]
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

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "commit"}
        lists = {name: list(value) for name, value in fields.items() if isinstance(value, tuple)}
        return {**fields, **lists, "commit": self.commit.commit_id if self.commit else None}


@dataclass
class _Taken:
    """A table that was read, and the rows it becomes."""

    table: LabelTable
    scaled: Scaled
    rows: StoredRows
    run: dict[str, Any]
    points: dict[str, float] | None
    passed_over: tuple[str, ...]
    stored: str = field(default="unchanged")

    @property
    def source(self) -> str:
        """What its rejects and attributes are stored as."""
        return f"{self.table.name} (predictions of {self.run['run']})"


def ingest_predictions(
    kb: KnowledgeBase,
    path: str | Path | LabelTable,
    run: str,
    *,
    choices: Choices | None = None,
    method: str = "imported",
    scores_are: Kind | None = None,
    operating_points: Sequence[str] = (),
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    allow_unjoined: bool = False,
) -> PredictionResult:
    """Ingest the predictions of one table as the run `run`, as one commit; the same file again changes nothing.

    Args:
        kb: where to; it stands on the new commit afterwards.
        path: a CSV, TSV, JSON Lines or Parquet file; or what `read_label_table` has read of one.
        run: the name that they are evaluated and audited by.
        choices: which columns hold what, which labels are wanted, and what they shall be named.
        method: how the predictions were made.
        scores_are: "probabilities" or "logits"; default: logits where any is below 0 (see `scale_scores`).
        operating_points: the thresholds that the model is used with, in the numbers of the file: each a number for all,
            LABEL=NUMBER, or a file (see `kb.sql.operating_points`); none named: those that the run has already stay.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        allow_unjoined: take them also where they join nothing that is stored, as a data set of their own.

    Raises:
        UsageError: there is no such file, column or label, or there is a run of this name from elsewhere.
        ClearKbError: the file cannot be read as a table, or none of its images and studies is here though images are.
    """
    if not run.strip():
        raise UsageError("a name for the run of these predictions was expected")
    table = path if isinstance(path, LabelTable) else read_label_table(path, "score", choices or Choices())
    key = table.choices.key
    require_same_ids(kb, key, where=kb.uri)
    table.respell(resolve_units(kb, table.units))
    taken = _take(table, run.strip(), method, scores_are, operating_points)

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
        require_same_ids(publication, key, where=kb.uri)
        _look(publication, taken)
        if not allow_unjoined and taken.stored != "unchanged":
            require_label_join(publication, taken.rows.units(), "predictions")
        return _change(publication, taken), None

    commit, _ = kb.publish("ingest predictions", change, by=by, why=why, dry_run=dry_run)
    return _result(taken, count_units(kb, taken.rows.units()), commit)


def _take(table: LabelTable, run: str, method: str, scores_are: Kind | None, operating_points: Sequence[str]) -> _Taken:
    """The table as rows of one run; what holds no score goes to the rejects."""
    where = table.position
    values = table.values
    blank = np.isnan(values.value)
    told = [where(int(values.row[at]), int(values.label[at])) for at in np.flatnonzero(blank)]
    table.rejects += [(position, "no score") for position in told]
    values = values.take(~blank)
    names = np.array(table.names, object)[values.label].tolist()
    scaled = scale_scores(names, values.value.tolist(), scores_are)
    table.rejects += [(where(int(values.row[at]), int(values.label[at])), why) for at, why in scaled.reasons.items()]
    good = np.ones(len(values), bool)
    good[list(scaled.reasons)] = False
    table.values = values.take(good)
    scores = np.array(scaled.scores, float)[good]
    logits = np.array([np.nan if logit is None else logit for logit in scaled.logits], float)[good]
    columns = {"run": run, "score": scores, "logit": logits}
    rows = StoredRows(table, table.values, PREDICTIONS.schema, columns)
    parameters = {
        "source": table.name,
        "columns": dict(table.layout.ids),
        "labels": dict(table.labels),
        "scores": scaled.kind,
        "divided_by": dict(scaled.divided),
    }
    points: dict[str, float] | None = None
    passed_over: tuple[str, ...] = ()
    if operating_points:
        names = tuple(table.labels.values())
        points, passed_over = read_points(operating_points, names, scores=scaled.kind, divided=scaled.divided)
        parameters = with_points(parameters, points)
    about = {"run": run, "method": method, "parameters": json.dumps(parameters, ensure_ascii=False), "heads": []}
    return _Taken(table, scaled, rows, about, points, passed_over)


def _of_run(name: str) -> str:
    return f"run IN {literals([name])}"


def _look(publication: Publication, taken: _Taken) -> None:
    """Set what becomes of the run, by what is stored under its name; UsageError if that came from elsewhere."""
    name = taken.run["run"]
    found = publication.dataset("runs").to_table(filter=f"run IN {literals([name])}").to_pylist()
    before: dict[str, Any] | None = found[0] if found else None
    if before is not None and json.loads(before["parameters"]).get("source") != taken.table.name:
        source = json.loads(before["parameters"]).get("source") or before["method"]
        raise UsageError(
            f"there is a run '{name}' already, from {source}: name the run of these predictions otherwise",
            parameter="run",
        )
    if before is not None and taken.points is None and (points := stored_points(before["parameters"])):
        kept = with_points(json.loads(taken.run["parameters"]), points)
        taken.run["parameters"], taken.points = json.dumps(kept, ensure_ascii=False), points
    known = before is not None and all(before[key] == taken.run[key] for key in ("method", "parameters"))
    same = not len(taken.table) or (known and same_rows(publication, "predictions", _of_run(name), taken.rows))
    taken.stored = "unchanged" if same else "new" if before is None else "replaced"


def _change(publication: Publication, taken: _Taken) -> Mapping[str, Any] | None:
    """Write what `_look` found to be new, and give the summary for the commit."""
    name = taken.run["run"]
    if taken.stored != "unchanged":
        replace_rows(publication, "predictions", _of_run(name), taken.rows)
        row = {**taken.run, "time": datetime.now(UTC)}
        publication.replace(
            "runs", f"run IN {literals([name])}", [pa.RecordBatch.from_pylist([row], schema=RUNS.schema)]
        )
    if len(taken.table):
        _note_attributes(taken, changed=replace_attributes(publication, taken.source, taken.table.attributes))
    moved = replace_rejects(publication, [taken.source], reject_rows(taken.source, taken.table.rejects))
    names = store_label_names(publication, taken.table.choices.label_table)
    fields = {"run": name, "scores": len(taken.table), "rejects": len(taken.table.rejects)}
    return fields if moved or names or taken.stored != "unchanged" else None


def _note_attributes(taken: _Taken, *, changed: bool) -> None:
    """Attributes that changed beside scores that did not are a replacement too."""
    if changed and len(taken.table) and taken.stored == "unchanged":
        taken.stored = "replaced"


def _result(taken: _Taken, units: tuple[int, int, int], commit: Commit | None) -> PredictionResult:
    table = taken.table
    return PredictionResult(
        run=taken.run["run"],
        source=table.name,
        layout=table.layout.form,
        read=table.read,
        labels=tuple(table.labels.values()),
        scores=len(table),
        scores_are=taken.scaled.kind,
        divided=taken.scaled.divided,
        operating_points=taken.points or {},
        points_passed_over=taken.passed_over,
        unmapped=unmapped(table.labels.values(), table.choices.label_table),
        missing=table.missing,
        rejected=len(table.rejects),
        not_asked=table.passed_over,
        attributes=table.kept,
        contradictions=dict(table.attributes.contradictions),
        columns_not_used=table.unused,
        units=units[0],
        units_here=units[1],
        images=units[2],
        resolved=dict(table.resolved),
        stored=taken.stored,
        commit=commit,
    )
