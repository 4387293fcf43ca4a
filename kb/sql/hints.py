"""What to say beside the rows of a query: what they count too, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kb.images.patient_split import read_patients
from kb.sql.messages import near_names
from kb.sql.session import AuditSession
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
    "concepts": ("concepts",),
    "observations": ("observations",),
    "reports": ("observations",),
    "attributions": ("attributions",),
}
"""The tables whose rows each view would have rows from; others only tell more of these."""

TWO_RUNS = ("score", "logit", "rank")
"""What two runs are compared by."""

GROUPINGS = ("site", "month", "view", "sex", "age_band", "split")


def why_no_rows(session: AuditSession, sql: str, values: Mapping[str, Any] | None = None) -> list[str]:
    """Reasons why a query had no rows, as sentences; none if nothing stands out.

    Args:
        session: that it ran in.
        sql: the query.
        values: what it was told; `run`, `label` and `source` are looked up.
    """
    if missing := empty_tables(session, sql):
        return [f"the knowledge base holds no {table}" for table in missing]
    fields = {name: str(value) for name, value in (values or {}).items() if value is not None}
    if fields.get("by") in TWO_RUNS:  # a query of two runs names them so
        fields["run"] = next(
            (fields[name] for name in ("b", "a") if _unknown(session, "run", fields.get(name, ""))), ""
        )
    found = (_unknown(session, column, fields[column]) for column in ("run", "label", "source") if fields.get(column))
    reasons = [sentence for sentence in found if sentence]
    return reasons or _few_groups(session, fields.get("by"))


def empty_tables(session: AuditSession, sql: str) -> list[str]:
    """The tables that a query stands on and that hold nothing."""
    asked = [name for name in needed_by(sql) if name in DIRECT and _named(name, sql)]
    tables = dict.fromkeys(table for name in asked for table in DIRECT[name])
    return [table for table in tables if session.kb.dataset(table).count_rows() == 0]


JUDGED = frozenset({"metrics", "metrics_by", "errors", "thresholds", "outcomes"})
"""Relations in which predictions are judged."""


def what_rows_count(session: AuditSession, sql: str) -> list[str]:
    """What the rows of a query over judged predictions count that it does not speak of, as sentences."""
    if not any(_named(name, sql) for name in JUDGED):
        return []
    words, found = sql.lower(), []
    sources = [row["source"] for row in session.run("SELECT DISTINCT source FROM labels ORDER BY source")]
    if len(sources) > 1 and "source" not in words:
        found.append(f"each row stands there once for each source of labels ({', '.join(sources)}): the column source")
    trained = "SELECT count(*) AS n FROM runs WHERE encoder IS NOT NULL"
    if "split" not in words and session.run(trained).rows()[0]["n"]:
        found.append("rows that runs of our encoders were trained on count too: the column split tells them apart")
    if "split" not in words and read_patients(session.kb).has_external:
        found.append("external rows count with the others: the column split tells them apart")
    return found


def _few_groups(session: AuditSession, by: str | None) -> list[str]:
    """What is wrong with the grouping that was asked for, if anything."""
    if by is None or by in ("all", *TWO_RUNS):
        return []
    if by not in GROUPINGS:
        return [f"by = {by}: one of {', '.join(GROUPINGS)} was expected"]
    [row] = session.run(f"SELECT count(DISTINCT {by}) AS values FROM outcomes").rows()
    text = "no prediction's" if row["values"] == 0 else "only one value of the"
    where = "it comes with images, or beside labels and predictions"
    return [f"{text} {by} is known: {where}"] if row["values"] < 2 else []


def _named(name: str, sql: str) -> bool:
    return any(word.strip('"(),;').lower() == name for word in sql.replace("(", " ( ").split())


def _unknown(session: AuditSession, column: str, value: str) -> str | None:
    view, plain = ("labels", "source") if column == "source" else ("predictions", column)
    sql = f"SELECT DISTINCT {plain} AS name FROM {view} WHERE {plain} IS NOT NULL ORDER BY 1"
    names = [str(row["name"]) for row in session.run(sql)]
    if value.lower().replace("_", " ") in [name.lower().replace("_", " ") for name in names]:
        return None
    near = near_names(value, names)
    text = f"did you mean {near}?" if near else f"there are {', '.join(names[:20])}" if names else "there is none"
    return f"there is no {column} '{value}': {text}"
