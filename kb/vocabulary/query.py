"""DuckDB over the tables of one commit: the named queries, answered as rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset

from kb.store.sqltext import literal
from kb.vocabulary.split_rules import routes
from schemas.sql.table_queries import named_sql
from schemas.tables import VERSIONED

if TYPE_CHECKING:
    import duckdb
    import lance

FETCH = 5_000

MOST_CHOSEN = 20_000
"""Concepts whose mentions are chosen while they are read: of more, nearly all are read anyway."""


class Tables(Protocol):
    """The tables of one state: a knowledge base at a commit, or a publication on its way to one."""

    def dataset(self, table: str) -> lance.LanceDataset:
        """The Lance dataset of `table` in that state."""
        ...


def run_named(
    state: Tables,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    tables: Mapping[str, Any] | None = None,
    rule: str | None = None,
    mentions_of: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """All rows of the named query on `state`; filters and columns are pushed down to Lance.

    Args:
        state: the tables.
        name: of the query.
        parameters: of the query.
        tables: Arrow datasets that the query reads beside those of `state`.
        rule: SQL, made by this project, that stands where the query says /*rule*/.
        mentions_of: the concepts whose mentions the query needs; no others are read then.
    """
    if mentions_of is not None and len(mentions_of) <= MOST_CHOSEN:
        tables = {**(tables or {}), "observations": _mentions_of(state, mentions_of)}
    return list(stream_named(state, name, parameters, tables=tables, rule=rule))


def stream_named(
    state: Tables,
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    tables: Mapping[str, Any] | None = None,
    rule: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of the named query on `state`, a few thousand at a time."""
    sql = named_sql(name)
    if rule is not None:
        sql = sql.replace("/*rule*/", f"AND {rule}")
    with _connected(state, sql, tables or {}) as connection:
        cursor = connection.execute(sql, dict(parameters) if parameters else None)
        columns = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(FETCH):
            yield from (dict(zip(columns, row, strict=True)) for row in rows)


def mention_counts(state: Tables, concept_ids: Collection[str] | None = None) -> dict[str, int]:
    """How often each of some concepts (default: all) is mentioned; those that are not are left out."""
    rows = run_named(state, "mention_counts", mentions_of=concept_ids)
    return {row["concept_id"]: row["mentions"] for row in rows}


def run_table(state: Tables, name: str) -> pa.Table:
    """All rows of the named query on `state` as columns: for as many as there are concepts."""
    sql = named_sql(name)
    with _connected(state, sql, {}) as connection:
        return connection.sql(sql).to_arrow_table()


@contextmanager
def kept_named(state: Tables, names: Sequence[str]) -> Iterator[Named]:
    """The rows of some named queries, each kept as a table of its name, which those after it read."""
    texts = [named_sql(name) for name in names]
    with _connected(state, "\n".join(texts), {}) as connection:
        for name, sql in zip(names, texts, strict=True):
            connection.execute(f"CREATE TABLE {name} AS {sql}")
        yield Named(connection)


class Named:
    """What more named queries say of tables that were kept."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection

    def rows(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a named query."""
        return self._connection.execute(named_sql(name), dict(parameters) if parameters else None).fetchall()

    def columns(self, table: str, *names: str) -> list[list[Any]]:
        """Some columns of a table that was kept."""
        found = self._connection.table(table).select(*names).to_arrow_table()
        return [column.to_pylist() for column in found.columns]


@contextmanager
def _connected(state: Tables, sql: str, tables: Mapping[str, Any]) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the tables that a query reads."""
    import duckdb

    mentions = bool(re.search(r"\bmentions m\b", sql))
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        for table in VERSIONED:
            if re.search(rf"\b{table.name}\b", sql) or (mentions and table.name in ("concepts", "observations")):
                connection.register(table.name, readable(state.dataset(table.name)))
        for table_name, dataset in tables.items():
            connection.register(table_name, readable(dataset))
        if mentions:
            create_mentions(connection)
        yield connection


def readable(dataset: lance.LanceDataset) -> Any:
    """A dataset as DuckDB can read it: it knows no float16, so vectors of those are left out."""
    schema = dataset.schema
    if "embedding" not in schema.names or schema.field("embedding").type.value_type != pa.float16():
        return dataset
    return _part()(dataset, pa.schema([field for field in schema if field.name != "embedding"]))


def _mentions_of(state: Tables, concept_ids: Collection[str]) -> Any:
    """The observations that were mined as any of some concepts, or as others that became one of them."""
    table = state.dataset("concepts").to_table(
        columns=["concept_id", "replaced_by", "splits"], filter="replaced_by IS NOT NULL OR array_length(splits) > 0"
    )
    became: dict[str, list[str]] = {}
    for row in table.to_pylist():
        for other in (row["replaced_by"], *(split["into"] for split in row["splits"])):
            became.setdefault(other, []).append(row["concept_id"])
    mined, waiting = set(concept_ids), list(concept_ids)
    while waiting:
        more = [other for other in became.get(waiting.pop(), ()) if other not in mined]
        mined.update(more)
        waiting += more
    dataset = state.dataset("observations")
    return _part()(dataset, dataset.schema, pa.compute.field("concept_id").isin(pa.array(sorted(mined), pa.string())))


@cache
def _part() -> type:
    """A class, made where pyarrow is loaded: some columns or rows of a dataset, scanned as they are asked for."""

    class Part(pa.dataset.Dataset):
        def __init__(self, dataset: lance.LanceDataset, schema: pa.Schema, rows: pa.compute.Expression | None = None):
            self._dataset, self._columns, self._rows = dataset, schema, rows

        @property
        def schema(self) -> pa.Schema:
            return self._columns

        def scanner(
            self,
            columns: list[str] | None = None,
            filter: pa.compute.Expression | None = None,
            **options: Any,
        ) -> Any:
            parts = [part for part in (self._rows, filter) if part is not None]
            both = parts[0] & parts[1] if len(parts) == 2 else parts[0] if parts else None
            return self._dataset.scanner(
                columns=self.schema.names if columns is None else columns, filter=both, **options
            )

    return Part


def create_mentions(connection: duckdb.DuckDBPyConnection, schema: str = "") -> None:
    """The view `mentions`: every observation with the concept that it is of now, and the one it was mined as.

    `schema` is what stands before the names of the tables: "", or "stored.".
    """
    forwarding = re.sub(r"\bconcepts\b", f"{schema}concepts", named_sql("forwarding"))
    connection.execute(f"CREATE TABLE forwarding AS {forwarding}")
    split = f"SELECT concept_id, replaced_by, splits FROM {schema}concepts"
    graph = {}
    if connection.execute(f"SELECT count(*) FROM ({split}) WHERE len(splits) > 0").fetchone() != (0,):
        found = connection.execute(f"{split} WHERE replaced_by IS NOT NULL OR len(splits) > 0").fetchall()
        graph = {row[0]: dict(zip(("concept_id", "replaced_by", "splits"), row, strict=True)) for row in found}
    cases = [case for concept_id in graph for case in _cases(concept_id, graph)]
    plain = "coalesce(f.resolved, m.mined_as)"
    now = f"CASE {' '.join(cases)} ELSE {plain} END" if cases else plain
    connection.execute(
        f"CREATE VIEW mentions AS SELECT m.* EXCLUDE (mined_as), m.mined_as, {now} AS concept_id "
        f"FROM (SELECT * EXCLUDE (concept_id), concept_id AS mined_as FROM {schema}observations) m "
        "LEFT JOIN forwarding f ON f.concept_id = m.mined_as"
    )


def _cases(concept_id: str, graph: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = routes(concept_id, graph)
    if len(found) == 1:
        return []  # replaced and nothing else: `forwarding` knows the end
    return [
        f"WHEN {' AND '.join((f'm.mined_as = {literal(concept_id)}', *conditions))} THEN {literal(end)}"
        for conditions, end in found
    ]
