"""DuckDB over the tables of one commit: the named queries, answered as rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from schemas.named_sql import named_sql

if TYPE_CHECKING:
    from kb.knowledge_base import KnowledgeBase

FETCH = 5_000


def run_named(
    kb: KnowledgeBase,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """All rows of the named query on `kb` at its commit; filters and columns are pushed down to Lance.

    `tables` are Arrow datasets that the query reads beside those of `kb`.
    """
    return list(stream_named(kb, name, parameters, tables))


def stream_named(
    kb: KnowledgeBase,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of the named query on `kb` at its commit, a few thousand at a time."""
    import duckdb

    sql = named_sql(name)
    forwards = "forwarding" in sql
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for table in kb.commit.pins:
            if re.search(rf"\b{table}\b", sql) or (forwards and table == "concepts"):
                connection.register(table, kb.dataset(table))
        for table, dataset in (tables or {}).items():
            connection.register(table, dataset)
        if forwards:
            connection.execute(f"CREATE TEMP TABLE forwarding AS {named_sql('forwarding')}")
        cursor = connection.execute(sql, dict(parameters) if parameters else None)
        columns = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(FETCH):
            yield from (dict(zip(columns, row, strict=True)) for row in rows)
