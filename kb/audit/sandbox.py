"""What SQL may be run over a knowledge base: one SELECT over the documented views, and nothing that reaches beyond.

Three walls stand behind one another. This module reads the parsed query and lets through what it knows; the connection
has no files, no network, no extensions and no settings (`kb.audit.limits`); and whatever runs is stopped by time and
memory. The knowledge base itself is only ever read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from kb.errors import UsageError

TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", "metrics_by", "concept_scores"})
"""Functions that a query may read rows from."""

FORBIDDEN = re.compile(
    r"""^(getenv|current_setting|set_config|getvariable|query|query_table|nextval|currval|write_log|parse_duckdb_log_message
        |json_execute_serialized_sql|from_substrait.*|get_substrait.*|add_parquet_key|icu_.*|test_.*|shell.*
        |read_.*|.*_scan|scan_.*|glob|sniff_csv|which_secret|in_search_path|txid_current|pg_.*|duckdb_.*|pragma_.*
        |sql_auto_complete|checkpoint|force_checkpoint|enable_.*|disable_.*|truncate_.*|load_.*|install_.*|http.*
        |sleep.*|parse_path|parse_filename|parse_dirpath|current_query.*|current_database.*|current_connection_id)$""",
    re.X | re.I,
)
"""Functions that tell of, or reach to, what is outside the views."""


def check_query(sql: str, relations: Collection[str]) -> str:
    """The one SELECT that `sql` is; `relations` are the views that it may read.

    Raises:
        UsageError: it cannot be parsed, is no SELECT or more than one statement, or reads something that is no view.
    """
    import duckdb

    if not sql.strip():
        raise UsageError("an empty query: a SELECT was expected, such as SELECT * FROM metrics")
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be parsed: {_told(error)}") from error
    if len(statements) != 1:
        raise UsageError(f"one SELECT was expected, and there are {len(statements)} statements")
    kind = statements[0].type.name
    if kind != "SELECT":
        hint = ": write it with count(*) FILTER (...)" if kind == "MULTI" else ""
        raise UsageError(f"an audit reads: only SELECT is run here, and this is {_KINDS.get(kind, kind)}{hint}")
    text = statements[0].query.strip().rstrip(";").rstrip()
    tree = _parsed(text)
    _check_relations(tree, {name.lower() for name in relations})
    _check_functions(tree)
    return text


_KINDS = {"MULTI": "PIVOT", "VACUUM": "VACUUM or ANALYZE"}


def _parsed(text: str) -> Any:
    """The query as a tree of plain data."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    tree = json.loads(found[0]) if found else {}
    if tree.get("error", True):
        raise UsageError(f"only SELECT is run here: {tree.get('error_message', 'the query has another form')}")
    return tree["statements"]


def _check_relations(tree: Any, known: Collection[str]) -> None:
    named = {str(entry["key"]).lower() for node in _nodes(tree) for entry in (node.get("cte_map") or {}).get("map", ())}
    named |= {str(node["cte_name"]).lower() for node in _nodes(tree) if node.get("cte_name")}
    for node in _nodes(tree):
        kind = node.get("type")
        if kind == "BASE_TABLE":
            path = [str(part) for part in node.get("qualified_name", {}).get("path", [])] or [str(node["table_name"])]
            if len(path) == 1 and path[0].lower() in (*known, *named):
                continue
            raise UsageError(
                f"there is no view '{'.'.join(path)}' (files and other tables cannot be read here): "
                f"{', '.join(sorted(known))}; `clear-kb audit sql --schema` tells their columns"
            )
        if kind == "TABLE_FUNCTION":
            name = str(node.get("function", {}).get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                raise UsageError(f"the function {name}() reads something that is no view: it is not run here")
        if kind in ("SHOW_REF", "SHOW"):
            raise UsageError("DESCRIBE and SHOW are not run here: `clear-kb audit sql --schema` tells of the views")


def _check_functions(tree: Any) -> None:
    for node in _nodes(tree):
        name = node.get("function_name")
        if isinstance(name, str) and FORBIDDEN.match(name):
            raise UsageError(f"the function {name}() reaches beyond the views: it is not run here")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of the tree; not by recursion: a query may be nested deeper than Python's stack."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:400]
