"""Operating points: the thresholds that a model is used with, given with its run and kept among the run's parameters.

The view `thresholds` and `evaluate` go by them before anything that data could choose.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from kb.errors import UsageError
from kb.language.label_names import plain_label
from kb.reading.spreadsheet import read_sheet
from kb.reading.yaml_text import read_yaml_file
from kb.sql.messages import near_names
from kb.store.publication import Publication
from kb.store.sqltext import literals
from kb.store.state import State
from schemas.tables import RUNS

KEY = "operating_points"
LABELS = ("label", "finding", "class", "name", "pathology")
CUTS = ("threshold", "operating_point", "operating point", "cutoff", "cut", "value")
"""What the two columns of a table of operating points may be called."""

Pair = tuple[str | None, str, str]
"""A label (None: all), its threshold as it is written, and where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPoints:
    """What a run was given.

    Attributes:
        run: its name.
        points: the threshold of each label, on the scale of the stored scores (0 to 1).
        passed_over: labels of a file that the run does not predict.
        commit: the id of the commit; None where nothing changed.
    """

    run: str
    points: Mapping[str, float]
    passed_over: tuple[str, ...]
    commit: str | None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {
            "run": self.run,
            "points": dict(self.points),
            "passed_over": list(self.passed_over),
            "commit": self.commit,
        }


def operating_points(parameters: str) -> dict[str, float]:
    """The operating points among a run's parameters, by label."""
    return {str(label): float(cut) for label, cut in json.loads(parameters).get(KEY, {}).items()}


def read_points(
    told: Sequence[str], labels: Sequence[str], *, scores: str = "probabilities", divided: Mapping[str, float]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """The thresholds that a user gives, in the numbers of the user's own scores.

    Args:
        told: each a number for all labels, LABEL=NUMBER, or a file: CSV or TSV with a label and a threshold a row,
            JSON or YAML that names labels.
        labels: that the run predicts, as it spells them.
        scores: what its scores were: "probabilities" or "logits", whose thresholds are logits too.
        divided: what the scores of labels were divided by to come under 1.

    Returns:
        The threshold of each label on the scale of the stored scores, and the labels of files that are not predicted.

    Raises:
        UsageError: a threshold is no number that a score could have, or stands twice, or a label is not predicted.
    """
    spelt = {plain_label(label): label for label in labels}
    found: dict[str, float] = {}
    of_all: float | None = None
    passed_over: list[str] = []
    for label, text, where in [pair for one in told for pair in _pairs(one)]:
        if label is None:
            if of_all is not None:
                raise UsageError(f"operating point {text}: one number for all labels stands there already")
            of_all = _number(text, where)
        elif plain_label(label) not in spelt:
            if not where:
                near = near_names(label, labels)
                hint = f"did you mean {near}?" if near else f"it predicts {', '.join(labels)}"
                raise UsageError(f"operating point of '{label}': the run predicts no such label: {hint}")
            passed_over.append(label)
        elif spelt[plain_label(label)] in found:
            raise UsageError(f"operating point of '{label}': it stands there twice{where}")
        else:
            found[spelt[plain_label(label)]] = _number(text, where)
    if told and not found and of_all is None:
        raise UsageError(f"no operating point is of a label of the run: it predicts {', '.join(labels)}")
    raw = {label: found.get(label, of_all) for label in labels}
    scaled = {label: _scaled(label, cut, scores, divided) for label, cut in raw.items() if cut is not None}
    return scaled, tuple(dict.fromkeys(passed_over))


def give_points(
    state: State,
    run: str,
    told: Sequence[str],
    *,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> GivenPoints:
    """Give a stored run the thresholds that it is used with, as one commit; those it had are forgotten.

    Args:
        state: the knowledge base; it stands on the new commit afterwards.
        run: its name.
        told: see `read_points`; nothing: it shall have none.
        by: who.
        why: the reason.
        dry_run: say what would happen, and write nothing.

    Raises:
        UsageError: there is no such run or label, or a threshold is none.
    """
    row = _stored(state, run)
    parameters = json.loads(row["parameters"])
    where = f"run IN {literals([run])}"
    names = state.dataset("predictions").to_table(columns=["label"], filter=where)["label"].to_pylist()
    points, passed_over = read_points(
        told,
        list(dict.fromkeys(names)),
        scores=parameters.get("scores", "probabilities"),
        divided=parameters.get("divided_by", {}),
    )

    def change(publication: Publication) -> tuple[Mapping[str, Any] | None, None]:
        if points == parameters.get(KEY, {}):
            return None, None
        text = json.dumps(with_points(parameters, points), ensure_ascii=False)
        kept = {**row, "parameters": text, "time": datetime.now(UTC)}
        publication.replace("runs", where, [pa.RecordBatch.from_pylist([kept], schema=RUNS.schema)])
        return {"run": run, "labels": len(points)}, None

    commit, _ = state.publish("operating points", change, by=by, why=why, dry_run=dry_run)
    return GivenPoints(
        run=run, points=points, passed_over=passed_over, commit=commit.commit_id if commit is not None else None
    )


def with_points(parameters: Mapping[str, Any], points: Mapping[str, float]) -> dict[str, Any]:
    """The parameters of a run with operating points; without the key where there are none."""
    others = {key: value for key, value in parameters.items() if key != KEY}
    return {**others, KEY: dict(points)} if points else others


def _stored(state: State, run: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = state.dataset("runs").to_table(filter=f"run IN {literals([run])}").to_pylist()
    if rows:
        return rows[0]
    known = sorted(state.dataset("runs").to_table(columns=["run"])["run"].to_pylist())
    near = near_names(run, known)
    text = f"did you mean {near}?" if near else f"there are {', '.join(known)}" if known else "there are none"
    raise UsageError(f"there is no run '{run}': {text}", need=None if known else "predictions")


def _pairs(told: str) -> Iterator[Pair]:
    """The labels and thresholds of one thing that was given."""
    text = told.strip()
    path = Path(text)
    if path.is_file():
        yield from _of_file(path)
        return
    label, equals, value = text.rpartition("=")
    if equals:
        yield label.strip(), value, ""
    elif _is_number(text):
        yield None, text, ""
    else:
        raise UsageError(f"operating point '{told}': a number, LABEL=NUMBER or a file that is there was expected")


def _of_file(path: Path) -> Iterator[Pair]:
    where = f" (in {path})"
    if path.suffix.lower() in (".csv", ".tsv"):
        yield from _of_table(path, where)
        return
    told = read_yaml_file(path)  # JSON is YAML
    told = told.get(KEY, told) if isinstance(told, dict) else told
    if isinstance(told, int | float) and not isinstance(told, bool):
        yield None, str(told), where
    elif isinstance(told, dict) and told:
        yield from ((str(label), str(cut), where) for label, cut in told.items())
    else:
        raise UsageError(f"{path}: labels with their thresholds were expected, such as Edema: 0.3")


def _of_table(path: Path, where: str) -> Iterator[Pair]:
    sheet = read_sheet(path)
    columns = {name.strip().lower(): name for name in sheet.columns}
    label = next((columns[name] for name in LABELS if name in columns), None)
    cut = next((columns[name] for name in CUTS if name in columns), None)
    if label is None or cut is None:
        found = ", ".join(sheet.columns) or "none"
        raise UsageError(f"{path}: a column label and a column threshold were expected, and there are {found}")
    yield from ((row[label].strip(), row[cut], where) for _, row in sheet.records())


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _number(text: str, where: str) -> float:
    if not _is_number(text):
        raise UsageError(f"operating point '{text.strip()}'{where}: a number was expected")
    return float(text)


def _scaled(label: str, cut: float, scores: str, divided: Mapping[str, float]) -> float:
    """A threshold on the scale that scores are stored on, as `ingest predictions` has brought them there."""
    if scores == "logits":
        return 1 / (1 + math.exp(-cut)) if cut >= 0 else math.exp(cut) / (1 + math.exp(cut))
    highest = divided.get(label, 1.0)
    if not 0 <= cut <= highest:
        raise UsageError(f"operating point of {label}: {cut:g} is no score of this run, which lie in 0 to {highest:g}")
    return cut / highest
