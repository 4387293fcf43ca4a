"""What SQL may be run over a knowledge base: one SELECT over the documented views, and nothing that reaches beyond.

Walls stand behind one another. This module reads the parsed query and lets through what it knows; the connection
has no files, no network, no extensions and no settings (`kb.sql.limits`); and whatever runs is stopped by time and
memory (`kb.sql.watch`), in a process that can be ended (`kb.sql.session`). The knowledge base itself is only ever read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from kb.errors import UsageError
from kb.sql.messages import first_words, near_names
from kb.sql.with_clauses import walk
from schemas.sql.audit_views import FUNCTIONS

TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest", *FUNCTIONS})
"""Functions that a query may read rows from."""

READS = frozenset(
    {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EMPTY", "EXPRESSION_LIST", "PIVOT"},
)
"""What may stand behind FROM."""

QUERIES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""What a query, or a part of one, may be: a part of WITH may also insert and delete."""

FORBIDDEN = re.compile(
    r"""^(getenv|current_setting|set_config|getvariable|query|query_table|nextval|currval|setval|write_log
        |parse_duckdb_log_message|json_(de)?serialize_.*|json_execute_.*|from_substrait.*|get_substrait.*
        |add_parquet_key|icu_.*|test_.*|shell.*|read_.*|.*_scan|scan_.*|glob|sniff_csv|which_secret|in_search_path
        |txid_current|pg_(?!typeof$|size_pretty$).*|duckdb_.*|pragma_.*|sql_auto_complete|checkpoint|force_checkpoint
        |enable_.*|disable_.*|truncate_.*|load_.*|install_.*|http.*|sleep.*|current_query.*|current_database.*
        |current_catalog|current_role|current_user|session_user|user|current_connection_id|current_transaction_id
        |current_schema.*|.*_privilege|inet_.*|.*obj_description|col_description|.*external_resource.*|.*grammar_.*
        |__.*|finalize|combine(_aggr)?|to_aggregate_state|variant_bytes_to_.*|.*_byte_comparable|setseed|index_key|stats|vector_type|version|get_block_size|map_to_pg_oid|map_type_id_to_pg_oid)$""",
    re.X | re.I,
)
"""Functions that tell of, or reach to, what is outside the views, and such as take bytes for values of their own."""

KEYWORDS = frozenset(
    {"current_catalog", "current_database", "current_role", "current_schema", "current_user", "session_user", "user"}
)
"""Functions of that kind that are called without parentheses: they look as columns do."""

LONGEST = 100_000
"""Characters of a query."""

MOST_PARTS = 10_000
"""Relations that a query may come to once every part of WITH stands where it is named."""


def check_query(sql: str, relations: Collection[str]) -> str:
    """The one SELECT that `sql` is; `relations` are the views that it may read.

    Raises:
        UsageError: it cannot be parsed, is no SELECT or more than one statement, or reads something that is no view.
    """
    if not sql.strip().strip(";").strip():
        raise UsageError("an empty query: a SELECT was expected, such as SELECT * FROM metrics")
    if not sql.isascii() and sql != sql.encode(errors="replace").decode():
        raise UsageError("the query is no text in UTF-8: it holds half of a character")
    if len(sql) > LONGEST:
        raise UsageError(f"a query of {len(sql):,} characters: at most {LONGEST:,} are read")
    text = _one_select(sql)
    try:
        tree = _parsed(text)
        _check_functions(tree)
        _check_relations(tree, frozenset(name.lower() for name in relations))
    except RecursionError as error:
        raise UsageError("the query is nested too deeply to be read: break it up with WITH") from error
    return text


_KINDS = {"VACUUM": "VACUUM or ANALYZE", "MULTI": "PIVOT", "LOAD": "LOAD or INSTALL", "VARIABLE_SET": "SET"}


def _one_select(sql: str) -> str:
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(f"the query cannot be parsed: {first_words(error)}") from error
    if not statements:
        raise UsageError("an empty query: a SELECT was expected, such as SELECT * FROM metrics")
    if len(statements) != 1:
        raise UsageError(f"one SELECT was expected, and there are {len(statements)} statements")
    kind = statements[0].type.name
    if kind != "SELECT":
        hint = ": write FROM ... PIVOT (... FOR column IN (...))" if kind == "MULTI" else ""
        raise UsageError(f"an audit reads: only SELECT is run here, and this is {_KINDS.get(kind, kind)}{hint}")
    return str(statements[0].query).strip().rstrip(";").rstrip()


def _parsed(text: str) -> Any:
    """The query as a tree of plain data."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        found = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
    tree = json.loads(found[0]) if found else {}
    if tree.get("error", True):
        raise UsageError(f"only SELECT is run here: {tree.get('error_message', 'the query has another form')}")
    if len(tree["statements"]) != 1:
        raise UsageError(f"one SELECT was expected, and there are {len(tree['statements'])} statements")
    return tree["statements"]


def _check_functions(tree: Any) -> None:
    for node in _nodes(tree):
        path = (node.get("qualified_name") or {}).get("path") or [] if "function_name" in node else []
        for name in {str(node.get("function_name", "")), *map(str, path[-1:])}:
            if FORBIDDEN.match(name):
                raise UsageError(f"the function {name}() reaches beyond the views: it is not run here")
        names = [str(name).lower() for name in node.get("column_names") or ()] if "column_names" in node else []
        if node.get("class") == "COLUMN_REF" and len(names) == 1 and names[0] in KEYWORDS:
            column = f"a column of that name is written with its table, t.{names[0]}"
            raise UsageError(f"the function {names[0]} reaches beyond the views: it is not run here ({column})")
        if "modifiers" in node and "cte_map" in node and node.get("type") not in QUERIES:
            kind = str(node.get("type")).split("_")[0]
            raise UsageError(f"an audit reads: only SELECT is run here, and a part of the query is {kind}")


def _check_relations(tree: Any, known: Collection[str]) -> None:
    found, size = walk(tree)
    for node, named in found:
        kind = node.get("type")
        if kind in ("SHOW_REF", "SHOW"):
            raise UsageError("DESCRIBE, SHOW and SUMMARIZE are not run here", need="views")
        if "sample" in node and "class" not in node and "cte_map" not in node and kind not in READS:
            raise UsageError(f"a query cannot read from {kind} here")
        if kind == "BASE_TABLE":
            _check_table(node, named, known)
        if kind == "TABLE_FUNCTION":
            function = node.get("function", {})
            path = [str(part) for part in (function.get("qualified_name") or {}).get("path") or ()]
            name = str(function.get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS or len(path) > 1:
                words = ".".join(path) or name
                raise UsageError(f"the function {words}() reads something that is no view: it is not run here")
    if size > MOST_PARTS:
        raise UsageError("the parts of WITH name each other so often that the query could never end")


def _check_table(node: dict[str, Any], named: Collection[str], known: Collection[str]) -> None:
    path = [str(part) for part in node.get("qualified_name", {}).get("path", [])] or [str(node["table_name"])]
    if len(path) == 1 and (path[0].lower() in named or path[0].lower() in known):
        return
    near = near_names(path[-1], [*known, *named])
    raise UsageError(
        f"there is no view '{'.'.join(path)}'"
        + (f": did you mean {near}?" if near else " (files and other tables cannot be read here)")
        + f"\nthe views: {', '.join(sorted(known))}",
        need="views",
    )


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
