"""The reference of what an audit can be asked: views, macros and named queries, from `schemas/sql`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from docs.generate.markdown import cell, table
from kb.sql.queries import NamedQuery, all_queries
from kb.sql.reference import column_types, functions, relations
from kb.sql.views import Views
from kb.store.state import State
from schemas.sql.audit_views import FUNCTIONS, vector_relations

HEAD = """# SQL of the audit

`clear-kb audit sql "SELECT ..."` reads these views and nothing else; it is DuckDB's SQL. `clear-kb audit export` writes
them into a DuckDB file, as views over tables of the schema `stored` (what `outcomes` stands on is rows there) beside a
table `about` that says what the file is a copy of. `owner`, `split` and `truth` mean the same everywhere. All metrics
are computed from the rows of `outcomes`: a prediction with several sources of labels has a row for each, so say which
if there are several.

    SELECT value AS site, auroc, n FROM metrics WHERE run = 'ours' AND label = 'edema' AND grouping = 'site'
    SELECT image_id, score, threshold FROM errors WHERE kind = 'false positive' ORDER BY margin DESC LIMIT 20
    SELECT * FROM metrics_by(site || ' ' || view) WHERE label = 'edema' AND positives >= 10
    SELECT value, ppv, alerts_per_100 FROM confusion_by(attribute(attributes, 'ScannerModel')) WHERE run = 'ours'
    SELECT threshold, sensitivity, precision FROM roc('ours', 'edema')
    SELECT a.ancestor, count(DISTINCT o.report_id) AS reports FROM observations o
      JOIN concept_ancestors a ON a.concept_id = o.concept_id GROUP BY a.ancestor_id, a.ancestor ORDER BY reports DESC
    SELECT text, score FROM concept_scores('images/0001.png') ORDER BY score DESC LIMIT 10
"""


def sql_page() -> str:
    """All of it on one page; the types are those of an empty knowledge base."""
    with tempfile.TemporaryDirectory() as folder:
        empty = State.create(Path(folder) / "empty.kb", by="reference")
        with Views(empty, more=dict.fromkeys(vector_relations(), _no_vectors)) as session:
            return "\n".join(_page(session))


def _page(session: Views) -> Iterator[str]:
    yield HEAD
    yield "## Views\n"
    for view in relations().values():
        yield f"### {view.name}\n\n{view.about}\n"
        types = column_types(session, view.name)
        rows = ((f"`{name}`", types[name], cell(what)) for name, what in view.columns.items())
        yield table(("column", "type", ""), rows)
        yield f"{view.notes}\n" if view.notes else ""
    yield "## Macros\n"
    yield f"Rows come of {', '.join(f'`FROM {name}(...)`' for name in FUNCTIONS)}; the others give a value.\n"
    yield table(("call", ""), ((f"`{call}`", cell(about)) for call, about in functions()))
    for name in FUNCTIONS:
        call = f"{name}(NULL, NULL)" if name in ("roc", "decision_curve") else f"{name}('all')"
        columns = ", ".join(f"`{column}` {kind}" for column, kind in column_types(session, call).items())
        yield f"`{name}` has the columns {columns}.\n"
    yield "## Named queries\n"
    yield "`clear-kb audit run NAME --run R --label L --source S --set NAME=VALUE`; what is not said filters nothing.\n"
    for query in all_queries().values():
        yield from _query(session, query)


def _query(session: Views, query: NamedQuery) -> Iterator[str]:
    yield f"### {query.name}\n\n{query.about}" + (f" {query.notes}" if query.notes else "") + "\n"
    for parameter in query.parameters:
        default = "" if parameter.default is None else f", default {parameter.default}"
        yield f"- `{parameter.name}` ({parameter.kind}{default}): {parameter.about}"
    columns = session.run(query.sql, query.values({})).columns
    yield f"\nColumns: {', '.join(f'`{column}`' for column in columns)}.\n"


def _no_vectors() -> Any:
    """Vectors of nothing: what DuckDB tells the types of."""
    names = ("encoder", "concept_id", "image_id", "text", "finding", "assertion")
    numbers = [("vector", pa.list_(pa.float32(), 1)), ("scale", pa.float32()), ("bias", pa.float32())]
    fields = [*((name, pa.string()) for name in names), *numbers]
    return pa.schema(fields).empty_table()
