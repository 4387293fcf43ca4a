"""One state of a knowledge base as DuckDB views, locked away from everything else; what a query needs is loaded for it.

    with Views(state) as views:
        views.run("SELECT label, auroc FROM metrics WHERE grouping = 'all'").rows()

Queries of this project's own are run here, in the process that asks. Those that anybody may have written go to a
process of their own, which holds such views: see `kb.sql.session`.

Small tables (images, labels, predictions, attributes) are copied into DuckDB; the large ones are read from Lance as a
query asks for them, filters and columns pushed down. What `outcomes` stands on is computed once, as most others do too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from kb.batched import few_at_once
from kb.errors import UsageError
from kb.images.patient_split import fold_of
from kb.images.patients import read_patients
from kb.language.facets import kind_of
from kb.language.lexicon import load_lexicon
from kb.language.wider_terms import wider_findings
from kb.sql.label_key import known_labels_macro, label_names_of
from kb.sql.limits import UNHURRIED, Limits, limited_connection, lock
from kb.sql.messages import first_words
from kb.sql.result import names_apart
from kb.sql.slips import columns_in
from kb.sql.trained_here import trained_here
from kb.sql.view_result import ViewResult
from kb.sql.watch import Watch
from kb.store.state import State
from kb.vocabulary.concept_hierarchy import ConceptHierarchy
from kb.vocabulary.query import create_mentions, readable
from schemas.sql.audit_views import BY_LABEL, DERIVED, FUNCTIONS, INNER, all_views, inner_sql, macros, needed_by

MOST_COLUMNS = 5_000
"""Of a result."""

COPIED = ("images", "labels", "predictions", "attributes")
"""Tables that are copied: they are small, joined by every row, and strings are joined faster once they are here."""

ROWS_AT_ONCE = 2_000_000
"""Scores that are held beside what is told of them in one go: it takes some hundred bytes for each."""

ATTRIBUTE_NAMES = """
SELECT DISTINCT unnest(map_keys(attributes)) AS name
FROM (SELECT attributes FROM images UNION ALL SELECT attributes FROM studies) ORDER BY name
"""


class Views:
    """The views of one commit, for as many queries of this project's own as one likes.

    Args:
        state: the knowledge base, at any commit.
        limits: of each query; default: it ends when it ends.
        more: tables beside those of the knowledge base, by name; each is called for when a query speaks of it.
        own: the analyst's own tables by the name that queries call them.
        when_stuck: called, with "time" or "memory", where a query was interrupted and goes on all the same: a process
            that does nothing else ends there. Default: it is waited for.

    They are of one thread, and hold memory until they are closed, or let go.
    """

    def __init__(
        self,
        state: State,
        limits: Limits = UNHURRIED,
        *,
        more: Mapping[str, Callable[[], Any]] | None = None,
        own: Mapping[str, pa.Table] | None = None,
        when_stuck: Callable[[str], None] | None = None,
    ):
        self.kb = state
        self.limits = limits
        self._when_stuck = when_stuck
        self._more = dict(more or {})
        self._own = dict(own or {})
        self._made: dict[str, Any] = {}
        self._ready: set[str] = set()
        self._reading = object()  # another one for each query whose rows are being read
        self._reader: pa.RecordBatchReader | None = None
        self._connection = limited_connection(self.limits)
        self._connection.execute("CREATE SCHEMA stored")
        self._connection.execute(known_labels_macro(label_names_of(state)))
        self._connection.execute(macros())
        for name, table in self._own.items():
            self._register(name, table)
        lock(self._connection)

    def __enter__(self) -> Views:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> ViewResult:
        """Bind a SELECT of this project's own, or one that `kb.sql.sandbox` has let through.

        Raises:
            UsageError: DuckDB finds it wrong.
            ClearKbError: it took more time or memory than it may.
        """
        self.make(sql)
        told = dict(parameters or {})
        started = time.monotonic()
        with self.guarded(self.limits.timeout_s, sql):
            self.prepare(sql)
            columns = self._columns_of(sql, told)
        return ViewResult(self, sql, told, columns, self.limits.timeout_s - (time.monotonic() - started))

    def _columns_of(self, sql: str, parameters: dict[str, Any]) -> dict[str, str]:
        """The columns of a query, each with its type: it is bound, and not yet run."""
        import duckdb

        try:
            relation = self._connection.sql(sql, params=parameters)
            names, kinds = relation.columns, relation.types
        except duckdb.Error:
            found = self._connection.execute(sql, parameters or None).description or ()  # fails as well, says where
            names, kinds = [column for column, *_ in found], [kind for _, kind, *_ in found]
        if len(names) > MOST_COLUMNS:
            raise UsageError(f"the query has {len(names):,} columns: at most {MOST_COLUMNS:,} are told")
        return dict(zip(names_apart(names), map(str, kinds), strict=True))

    @property
    def relations(self) -> tuple[str, ...]:
        """What a query may read from."""
        return (*all_views(), *self._more, *self._own)

    def _columns_meant(self, sql: str) -> frozenset[str]:
        """The columns that a query may speak of, to find the one that was meant."""
        return columns_in(sql) | {column for table in self._own.values() for column in table.column_names}

    def attribute_names(self) -> list[str]:
        """The names of all attributes of images and studies."""
        return [row["name"] for row in self.run(ATTRIBUTE_NAMES).rows()]

    def prepare(self, sql: str) -> None:
        """Load and define all that a query speaks of; whoever still reads another one has read the last of it."""
        self.make(sql)
        self.end_reading()
        for name in needed_by(sql):
            if name in self._ready:
                continue
            if name.startswith("stored."):
                self._load(name.removeprefix("stored."))
            elif name == "mentions":
                self._connection.execute("DROP TABLE IF EXISTS forwarding")  # of a query that was stopped in between
                create_mentions(self._connection, "stored.")
            elif name in FUNCTIONS:
                self._connection.execute(macros(name))
            elif name in INNER:
                self._fill(name)
            elif name in all_views():
                self._connection.execute(f"CREATE VIEW {name} AS {all_views()[name].sql}")
            elif name in self._more:
                self._connection.register(name, self._made.pop(name))
            self._ready.add(name)

    def _fill(self, inner: str) -> None:
        """Keep the rows of one of the `INNER` relations; of the largest, those of some labels after those of others."""
        sql = inner_sql(inner)
        if inner not in BY_LABEL:
            self._connection.execute(f"CREATE TABLE {inner} AS {sql}")
            return
        found = self._connection.execute("SELECT name, sum(scores) FROM score_series GROUP BY name ORDER BY name")
        first, *more = list(few_at_once(found.fetchall(), ROWS_AT_ONCE)) or [[]]
        # There may be a part of it, of a query that was stopped in between.
        self._connection.execute(f"CREATE OR REPLACE TABLE {inner} AS {sql}", {"names": first})
        for names in more:
            self._connection.execute(f"INSERT INTO {inner} {sql}", {"names": names})

    def make(self, sql: str) -> None:
        """Make those of the other tables that a query speaks of; that is no part of it, and its limits do not hold."""
        for name in needed_by(sql):
            if name in self._more and name not in self._ready and name not in self._made:
                self._made[name] = self._more[name]()

    def end_reading(self) -> None:
        """End the result that is still open, if any: DuckDB runs one query of a connection at a time."""
        if self._reader is not None:
            self._reader.close()
        self._connection.abort()
        self._reading, self._reader = object(), None

    def _load(self, table: str) -> None:
        if table in DERIVED:
            self._register(f"stored_{table}", self._derived(table))
            self._connection.execute(f"CREATE VIEW stored.{table} AS FROM stored_{table}")
            return
        self._register(f"stored_{table}", readable(self.kb.dataset(table)))
        kind = "TABLE" if table in COPIED else "VIEW"
        self._connection.execute(f"CREATE {kind} stored.{table} AS FROM stored_{table}")
        if table in COPIED:
            self._connection.unregister(f"stored_{table}")

    def _register(self, name: str, data: Any) -> None:
        self._connection.register(name, data)

    def _derived(self, table: str) -> pa.Table:
        """One of the tables that no knowledge base holds."""
        made: Mapping[str, Callable[[], pa.Table]] = {
            "owners": self._owners,
            "patients": self._patients,
            "kinds": _kinds,
            "ancestors": lambda: self.kb.remember(ConceptHierarchy.of).table(),
            "finding_ancestors": _finding_ancestors,
            "trained_here": lambda: pa.table({"run": pa.array(sorted(trained_here(self.kb)), pa.string())}),
        }
        return made[table]()

    def _owners(self) -> pa.Table:
        """Every owner of images and studies with the split they lie in, whether a table names it, and their fold."""
        found = read_patients(self.kb).require_apart()
        owners = list(found.splits)
        columns = {
            "owner": pa.array(owners, pa.string()),
            "split": pa.array(found.splits.values(), pa.string()),
            "named": pa.array([owner in found.named for owner in owners], pa.bool_()),
            "fold": pa.array([fold_of(owner) for owner in owners], pa.int8()),
        }
        return pa.table(columns)

    def _patients(self) -> pa.Table:
        """Every image and study with its patient and owner."""
        found = read_patients(self.kb)
        units = [("image", found.images), ("study", found.studies)]
        columns = {
            "level": (level for level, known in units for _ in known),
            "unit": (unit for _, known in units for unit in known),
            "patient_id": (one.patient_id for _, known in units for one in known.values()),
            "owner": (one.owner for _, known in units for one in known.values()),
        }
        return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})

    @contextmanager
    def guarded(self, seconds: float, sql: str) -> Iterator[None]:
        """Stop what runs inside after so many seconds, and say in plain words what DuckDB complains of."""
        import duckdb

        limits = self.limits
        if seconds <= 0:
            raise limits.stopped("time")
        deadline = time.monotonic() + seconds
        watch = Watch(self._connection.interrupt, deadline, limits.memory_bytes, when_stuck=self._when_stuck)
        try:
            with watch:
                yield
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            raise limits.stopped("memory") from error
        except (duckdb.Error, RuntimeError) as error:
            pressed = isinstance(error, duckdb.InterruptException) or str(error) == "Query interrupted"
            if watch.reason == "person" or (watch.reason is None and pressed):
                raise KeyboardInterrupt from error
            if watch.reason is not None:  # an interrupt may surface as another error of what was under way
                raise limits.stopped(watch.reason) from error
            if not isinstance(error, duckdb.Error):
                raise
            raise UsageError(first_words(error, self._columns_meant(sql))) from error


def _kinds() -> pa.Table:
    """What every finding of the lexicon is: a finding, a device or a normal statement."""
    rows = load_lexicon().rows()
    findings, kinds = [row[0] for row in rows], [kind_of(row[0]) for row in rows]
    return pa.table({"finding": pa.array(findings, pa.string()), "kind": pa.array(kinds, pa.string())})


def _finding_ancestors() -> pa.Table:
    """Every finding of the tables with what it stands under, itself included."""
    wider = wider_findings()
    rows = [(label, *step) for label in wider.direct for step in wider.steps_above(label).items()]
    kinds = {"finding": pa.string(), "ancestor": pa.string(), "distance": pa.int32()}
    return pa.table({name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(kinds.items())})
