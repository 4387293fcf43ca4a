"""What to say beside the rows of a query: what they count too, or why there are none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kb.images.patients import read_patients
from kb.sql.messages import near_names
from kb.sql.slips import bare
from kb.sql.views import Views
from kb.store.state import State
from schemas.sql.audit_views import needed_by

DIRECT: Mapping[str, tuple[str, ...]] = {
    "images": ("images",),
    "studies": ("images",),
    "labels": ("labels",),
    "truths": ("labels",),
    "runs": ("predictions",),
    "predictions": ("predictions",),
    "outcomes": ("predictions",),
    "metrics": ("predictions", "labels"),
    "metrics_by": ("predictions", "labels"),
    "thresholds": ("predictions", "labels"),
    "errors": ("predictions", "labels"),
    "confusion_by": ("predictions", "labels"),
    "calibration_by": ("predictions", "labels"),
    "roc": ("predictions", "labels"),
    "decision_curve": ("predictions", "labels"),
    "concepts": ("concepts",),
    "observations": ("observations",),
    "reports": ("observations",),
    "attributions": ("attributions",),
    "attribution_sums": ("attributions",),
}
"""The tables whose rows each view would have rows from; others only tell more of these."""

TWO_RUNS = ("score", "logit", "rank")
"""What two runs are compared by."""

GROUPINGS = ("site", "month", "view", "sex", "age_band", "split")

LEAVING = frozenset({"metrics", "metrics_by", "errors", "confusion_by", "calibration_by", "roc", "decision_curve"})
"""Relations that leave out what a run of ours learned from."""

JUDGED = LEAVING | {"thresholds", "outcomes"}
"""Relations in which predictions are judged."""

COMPARED = ("run", "label", "source", "split", "view", "sex", "age_band", "site", "month")
"""Columns whose values are looked up where a query finds nothing."""

WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": ("false positive", "false negative"),
    "grouping": ("all", *GROUPINGS),
    "chosen_on": ("given", "validation", "cross-fitted", "nothing"),
}
"""Columns that hold one of a few words."""

_EQUALS = re.compile(r"\b(\w+)\s*=\s*'((?:[^']|'')*)'")
_ATTRIBUTE = re.compile(r"attributes\s*\[\s*'([^']*)'\s*\]")


def why_no_rows(session: Views, sql: str, values: Mapping[str, Any] | None = None) -> list[str]:
    """Reasons why a query had no rows, as sentences; none if nothing stands out.

    Args:
        session: the views that it ran over.
        sql: the query.
        values: what it was told; `run`, `label`, `source` and `by` are looked up.
    """
    if missing := empty_tables(session.kb, sql):
        return [f"the knowledge base holds no {table}" for table in missing]
    fields = {name: str(value) for name, value in (values or {}).items() if value is not None}
    if fields.get("by") in TWO_RUNS:  # a query of two runs names them so
        fields["run"] = next(
            (fields[name] for name in ("b", "a") if _unknown(session, "run", fields.get(name, ""))), ""
        )
    found = (_unknown(session, column, fields[column]) for column in ("run", "label", "source") if fields.get(column))
    reasons = [sentence for sentence in found if sentence]
    reasons += [*_misspelt_values(session, sql), *_unknown_attributes(session, sql)]
    return reasons or _few_groups(session, fields.get("by"))


def empty_tables(state: State, sql: str) -> list[str]:
    """The tables that a query stands on and that hold nothing."""
    asked = [name for name in needed_by(sql) if name in DIRECT and _named(name, sql)]
    tables = dict.fromkeys(table for name in asked for table in DIRECT[name])
    return [table for table in tables if state.dataset(table).count_rows() == 0]


def what_rows_count(session: Views, sql: str, values: Mapping[str, Any] | None = None) -> list[str]:
    """What the rows of a query over judged predictions count that it does not speak of, as sentences.

    Args:
        session: the views that it ran over.
        sql: the query.
        values: what it was told; a part of the rows that was asked for needs no word.
    """
    found = _unknown_attributes(session, sql)
    if not any(_named(name, sql) for name in JUDGED):
        return found
    told, words = values or {}, sql.lower()
    sources = [row["source"] for row in session.run("SELECT DISTINCT source FROM labels ORDER BY source")]
    if len(sources) > 1 and "source" not in words:
        found.append(f"each row stands there once for each source of labels ({', '.join(sources)}): the column source")
    if told.get("split") is None and (learned := _learned_from(session, sql, told)):
        found.append(learned)
    whole = "split" not in words or ("split" in told and told["split"] is None)
    if whole and read_patients(session.kb).has_external:
        found.append("external rows count with the others: the column split tells them apart")
    return found


def _learned_from(session: Views, sql: str, told: Mapping[str, Any]) -> str | None:
    """What became of the rows that runs of ours learned from, if there are any and the query does not say itself."""
    words = sql.lower()
    one = told.get("run")
    where = "NOT judged" if one is None else "NOT judged AND run = $run"
    counted = f"SELECT count(*) AS n FROM (SELECT DISTINCT run, label, image_id, study_id FROM outcomes WHERE {where})"
    n = session.run(counted, None if one is None else {"run": one}).rows()[0]["n"]
    if not n:
        return None
    if "split" in told:
        return f"left out: {n:,} predictions that a run of ours learned from (the split 'all' counts them too)"
    if re.search(r"\bjudged\b|\bpart\s*:=", words):
        return None
    if any(_named(name, sql) for name in LEAVING):
        return f"left out: {n:,} predictions that a run of ours learned from (part := 'all' counts them too)"
    if _named("outcomes", sql) and "split" not in words:
        return f"{n:,} predictions that a run of ours learned from count too: WHERE judged leaves them out"
    return None


def _misspelt_values(session: Views, sql: str) -> list[str]:
    """Texts that a query compares a column with and that none of its rows holds, with the one that was meant."""
    found = []
    for column, text in dict.fromkeys((one.lower(), text.replace("''", "'")) for one, text in _EQUALS.findall(sql)):
        if column not in (*COMPARED, *WORDS):
            continue
        known: list[str] = [*WORDS.get(column, ())]
        if column in COMPARED:
            # A label is told by the predictions, and by the labels themselves.
            view = (
                "(SELECT label FROM predictions UNION ALL SELECT label FROM labels)"
                if column == "label"
                else "outcomes"
            )
            values = session.run(f"SELECT DISTINCT {column} AS name FROM {view} WHERE {column} IS NOT NULL ORDER BY 1")
            known = [str(row["name"]) for row in values]
        if text in known:
            continue
        alike = [name for name in known if bare(name) == bare(text)]
        near = ", ".join(alike) or near_names(text, known)
        told = f"did you mean {near}?" if near else f"there are {', '.join(known[:20])}" if known else "there is none"
        found.append(f"there is no {column} '{text}': {told}")
    return found


def _unknown_attributes(session: Views, sql: str) -> list[str]:
    """Attributes that a query names as none is called."""
    asked = dict.fromkeys(_ATTRIBUTE.findall(sql))
    known = session.attribute_names() if asked else []
    found = []
    for name in asked:
        if name in known:
            continue
        near = ", ".join(one for one in known if bare(one) == bare(name)) or near_names(name, known)
        told = f"did you mean {near}?" if near else f"there are {', '.join(known[:20])}" if known else "there is none"
        found.append(f"there is no attribute '{name}': {told}")
    return found


def _few_groups(session: Views, by: str | None) -> list[str]:
    """What is wrong with the grouping that was asked for, if anything."""
    if by is None or by in ("all", *TWO_RUNS):
        return []
    attributes = session.attribute_names()
    if bare(by) not in map(bare, (*GROUPINGS, *attributes)):
        near = near_names(by, (*GROUPINGS, *attributes))
        hint = f" (did you mean {near}?)" if near else ""
        return [f"by = {by}: one of {', '.join((*GROUPINGS, *attributes)[:30])} was expected{hint}"]
    group = "group_value($by, split, site, view, sex, age_band, month, attributes)"
    [row] = session.run(f"SELECT count(DISTINCT {group}) AS values FROM outcomes", {"by": by})
    text = "no prediction's" if row["values"] == 0 else "only one value of the"
    where = "it comes with images, or beside labels and predictions"
    return [f"{text} {by} is known: {where}"] if row["values"] < 2 else []


def _named(name: str, sql: str) -> bool:
    return any(word.strip('"(),;').lower() == name for word in sql.replace("(", " ( ").split())


def _unknown(session: Views, column: str, value: str) -> str | None:
    view, plain = ("labels", "source") if column == "source" else ("predictions", column)
    sql = f"SELECT DISTINCT {plain} AS name FROM {view} WHERE {plain} IS NOT NULL ORDER BY 1"
    names = [str(row["name"]) for row in session.run(sql)]
    if value.lower().replace("_", " ") in [name.lower().replace("_", " ") for name in names]:
        return None
    near = near_names(value, names)
    text = f"did you mean {near}?" if near else f"there are {', '.join(names[:20])}" if names else "there is none"
    return f"there is no {column} '{value}': {text}"
