"""Predictions of any model into the knowledge base, as a run of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.joins import require_label_join
from ingest.labels.attributes import replace_attributes, same_attributes
from ingest.labels.label_tables import Choices, LabelTable, read_label_table
from ingest.labels.score_scale import Kind, Scaled, scale_scores
from ingest.labels.stored_rows import arrow_rows, count_units, reject_rows, replace_rows, same_rows
from kb.errors import UsageError
from kb.store.rejects import replace_rejects
from kb.store.storage import quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from kb.knowledge_base import KnowledgeBase
    from kb.store.commits import Commit
    from kb.store.publication import Publication


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """What an ingest of predictions did; `divided` are the labels whose scores were above 1, and by what.

    `attributes` are the columns kept beside the scores; `contradictions` how many of their cells were passed over
    because an earlier row of the same image or study says another thing.
    """

    run: str
    source: str
    layout: str
    read: int
    labels: tuple[str, ...]
    scores: int
    scores_are: str
    divided: Mapping[str, float]
    rejected: int
    not_asked: int
    attributes: tuple[str, ...]
    contradictions: Mapping[str, int]
    columns_not_used: tuple[str, ...]
    units: int
    units_here: int
    images: int
    stored: str
    commit: Commit | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        told = {name: getattr(self, name) for name in self.__slots__ if name != "commit"}
        lists = {name: list(value) for name, value in told.items() if isinstance(value, tuple)}
        return {**told, **lists, "commit": self.commit.commit_id if self.commit else None}


@dataclass
class _Taken:
    """A table that was read, and the rows it becomes."""

    table: LabelTable
    scaled: Scaled
    rows: pa.Table
    run: dict[str, Any]
    stored: str = field(default="unchanged")

    @property
    def source(self) -> str:
        """What its rejects and attributes are stored as."""
        return f"{self.table.name} (predictions of {self.run['run']})"


def ingest_predictions(
    kb: KnowledgeBase,
    path: str | Path | LabelTable,
    run: str,
    choices: Choices | None = None,
    *,
    method: str = "imported",
    scores_are: Kind | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    apart: bool = False,
) -> PredictionResult:
    """Ingest the predictions of one table as the run `run`, as one commit; the same file again changes nothing.

    Args:
        kb: where to; it stands on the new commit afterwards.
        path: a CSV, TSV, JSON Lines or Parquet file; or what `read_label_table` has read of one.
        run: the name that they are evaluated and audited by.
        choices: which columns hold what, which labels are wanted, and what they shall be named.
        method: how the predictions were made.
        scores_are: "probabilities" or "logits"; default: logits where any is below 0 (see `scale_scores`).
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        apart: take them also where they join nothing that is stored, as a data set of their own.

    Raises:
        UsageError: there is no such file, column or label, or there is a run of this name from elsewhere.
        ClearKbError: the file cannot be read as a table, or none of its images and studies is here though images are.
    """
    if not run.strip():
        raise UsageError("--run: a name for these predictions was expected")
    table = path if isinstance(path, LabelTable) else read_label_table(path, "score", choices or Choices())
    taken = _take(table, run.strip(), method, scores_are)

    def change(publication: Publication) -> Mapping[str, Any] | None:
        _look(publication, taken)
        if not apart and taken.stored != "unchanged":
            require_label_join(publication, taken.rows, "predictions")
        return _change(publication, taken)

    if dry_run:
        head = kb.at("HEAD")
        _look(head, taken)
        if not apart and taken.stored != "unchanged":
            require_label_join(head, taken.rows, "predictions")
        _note_attributes(taken, changed=not same_attributes(head, taken.source, taken.table.attributes))
        return _result(taken, count_units(kb, taken.rows), None)
    commit = kb.publish("ingest predictions", change, by=by, why=why)
    return _result(taken, count_units(kb, taken.rows), commit)


def _take(table: LabelTable, run: str, method: str, scores_are: Kind | None) -> _Taken:
    """The table as rows of one run; what holds no score goes to the rejects."""
    from schemas.tables import PREDICTIONS

    told = [value is not None for value in table.values]
    blank = [where for where, known in zip(table.positions, told, strict=True) if not known]
    table.rejects += [(where, "no score") for where in blank]
    table.keep(told)
    raw = [float(value) for value in table.values if value is not None]
    scaled = scale_scores(table.names, raw, scores_are)
    table.rejects += [(table.positions[at], why) for at, why in scaled.reasons.items()]
    good = [at not in scaled.reasons for at in range(len(table))]
    table.keep(good)
    scores, logits = (
        [value for value, keep in zip(column, good, strict=True) if keep]
        for column in (list[float | None](scaled.scores), scaled.logits)
    )
    rows = arrow_rows(table, PREDICTIONS.schema, {"run": run, "score": scores, "logit": logits})
    parameters = {
        "source": table.name,
        "columns": dict(table.layout.ids),
        "labels": dict(table.labels),
        "scores": scaled.kind,
        "divided_by": dict(scaled.divided),
    }
    about = {"run": run, "method": method, "parameters": json.dumps(parameters, ensure_ascii=False), "heads": []}
    return _Taken(table, scaled, rows, about)


def _look(state: Any, taken: _Taken) -> dict[str, Any] | None:
    """The run of this name as it is stored; sets what would become of it."""
    name = taken.run["run"]
    found = state.dataset("runs").to_table(filter=f"run IN {quoted([name])}").to_pylist()
    before: dict[str, Any] | None = found[0] if found else None
    if before is not None and json.loads(before["parameters"]).get("source") != taken.table.name:
        source = json.loads(before["parameters"]).get("source") or before["method"]
        raise UsageError(f"there is a run '{name}' already, from {source}: give these predictions another --run")
    stored = state.dataset("predictions").to_table(filter=f"run IN {quoted([name])}")
    known = before is not None and all(before[key] == taken.run[key] for key in ("method", "parameters"))
    same = not len(taken.table) or (known and same_rows(stored, taken.rows))
    taken.stored = "unchanged" if same else "new" if before is None else "replaced"
    return before


def _change(publication: Publication, taken: _Taken) -> Mapping[str, Any] | None:
    import pyarrow as pa

    from schemas.tables import RUNS

    name = taken.run["run"]
    if taken.stored != "unchanged":
        replace_rows(publication, "predictions", "run", name, taken.rows)
        row = {**taken.run, "time": datetime.now(UTC)}
        publication.replace("runs", f"run IN {quoted([name])}", [pa.RecordBatch.from_pylist([row], schema=RUNS.schema)])
    if len(taken.table):
        _note_attributes(taken, changed=replace_attributes(publication, taken.source, taken.table.attributes))
    moved = replace_rejects(publication, [taken.source], reject_rows(taken.source, taken.table.rejects))
    told = {"run": name, "scores": len(taken.table), "rejects": len(taken.table.rejects)}
    return told if moved or taken.stored != "unchanged" else None


def _note_attributes(taken: _Taken, *, changed: bool) -> None:
    """Attributes that changed beside scores that did not are a replacement too."""
    if changed and len(taken.table) and taken.stored == "unchanged":
        taken.stored = "replaced"


def _result(taken: _Taken, units: tuple[int, int, int], commit: Commit | None) -> PredictionResult:
    table = taken.table
    return PredictionResult(
        taken.run["run"],
        table.name,
        table.layout.form,
        table.read,
        tuple(table.labels.values()),
        len(table),
        taken.scaled.kind,
        taken.scaled.divided,
        len(table.rejects),
        table.passed_over,
        table.kept,
        dict(table.attributes.contradictions),
        table.unused,
        *units,
        taken.stored,
        commit,
    )
