"""One state of a knowledge base as DuckDB views, locked away from everything else; what a query needs is loaded for it.

    session = AuditSession(kb)
    session.query("SELECT label, auroc FROM metrics WHERE \\"by\\" = 'all'").rows()

Small tables (images, labels, predictions, attributes) are copied into DuckDB; the large ones are read from Lance as a
query asks for them, filters and columns pushed down. `outcomes` is computed once, for most of the others stand on it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.audit.limits import Limits, limited_connection, lock
from kb.audit.sandbox import check_query
from kb.errors import ClearKbError, UsageError
from kb.images.splits import splits_of
from kb.query import FETCH, create_mentions, readable
from schemas.views import FUNCTIONS, all_views, macros, needed_by

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from kb.knowledge_base import KnowledgeBase

COPIED = ("images", "labels", "predictions", "attributes")
"""Tables that are copied: they are small, joined by every row, and strings are joined faster once they are here."""

COMPUTED = ("outcomes",)
"""Views whose rows are kept."""

_OWNERS = """
SELECT coalesce(patient_id, study_id, image_id) AS owner, split FROM (
    SELECT patient_id, study_id, image_id,
        list_filter(attributes, lambda a: lower(a.name) = 'split')[1].value AS split FROM stored.images
    UNION ALL
    SELECT patient_id, study_id, image_id, CASE WHEN lower(name) = 'split' THEN value END FROM stored.attributes
    UNION ALL
    SELECT patient_id, study_id, image_id, NULL FROM stored.predictions
    UNION ALL
    SELECT patient_id, study_id, image_id, NULL FROM stored.labels
) GROUP BY ALL
"""


class AuditSession:
    """The views of one commit, for as many queries as one likes.

    Args:
        kb: the knowledge base, at any commit.
        limits: of each query.
        more: tables beside those of the knowledge base, by name; each is called for when a query speaks of it.

    A session is of one thread. It holds memory until it is closed, or let go.
    """

    def __init__(
        self, kb: KnowledgeBase, limits: Limits | None = None, more: Mapping[str, Callable[[], Any]] | None = None
    ):
        self.kb = kb
        self.limits = limits or Limits()
        self._more = dict(more or {})
        self._ready: set[str] = set()
        self._connection = limited_connection(self.limits)
        self._connection.execute("CREATE SCHEMA stored")
        self._connection.execute(macros())
        lock(self._connection)

    def __enter__(self) -> AuditSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one SELECT that anybody may have written.

        Args:
            sql: over the documented views.
            parameters: values for `$name` in it.

        Raises:
            UsageError: it is not one SELECT over the views, or DuckDB finds it wrong.
            ClearKbError: it took more time or memory than it may.
        """
        return self.run(check_query(sql, self.relations), parameters)

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run a SELECT of this project's own; the limits hold for it too."""
        with self._guarded(self.limits.timeout_s) as deadline:
            self.prepare(sql)
            cursor = self._connection.execute(sql, dict(parameters) if parameters else None)
        return Result(self, cursor, deadline)

    @property
    def relations(self) -> tuple[str, ...]:
        """What a query may read from."""
        return (*all_views(), *self._more)

    def prepare(self, sql: str) -> None:
        """Load and define all that a query speaks of."""
        for name in needed_by(sql):
            if name in self._ready:
                continue
            if name.startswith("stored."):
                self._load(name.removeprefix("stored."))
            elif name == "mentions":
                create_mentions(self._connection, "stored.")
            elif name in FUNCTIONS:
                self._connection.execute(macros(name))
            elif name in all_views():
                kind = "TABLE" if name in COMPUTED else "VIEW"
                self._connection.execute(f"CREATE {kind} {name} AS {all_views()[name].sql}")
            elif name in self._more:
                self._connection.register(name, self._more[name]())
            self._ready.add(name)

    def _load(self, table: str) -> None:
        if table == "owners":
            self.prepare(_OWNERS)
            self._register("stored_owners", self._owners())
            self._connection.execute("CREATE VIEW stored.owners AS FROM stored_owners")
            return
        self._register(f"stored_{table}", readable(self.kb.dataset(table)))
        kind = "TABLE" if table in COPIED else "VIEW"
        self._connection.execute(f"CREATE {kind} stored.{table} AS FROM stored_{table}")
        if table in COPIED:
            self._connection.unregister(f"stored_{table}")

    def _register(self, name: str, data: Any) -> None:
        self._connection.register(name, data)

    def _owners(self) -> pa.Table:
        """Every owner of images and studies with the split they lie in."""
        import pyarrow as pa

        found = self._connection.execute(_OWNERS).fetchall()
        named = [{"split": split} if split else {} for _, split in found]
        splits = splits_of([owner for owner, _ in found], named)
        by_owner = dict(zip((owner for owner, _ in found), splits, strict=True))
        return pa.table({"owner": pa.array(by_owner, pa.string()), "split": pa.array(by_owner.values(), pa.string())})

    @contextmanager
    def _guarded(self, seconds: float) -> Iterator[float]:
        """Stop what runs inside after so many seconds, and say in plain words what DuckDB complains of."""
        import duckdb

        deadline = time.monotonic() + seconds
        timer = threading.Timer(max(seconds, 0.001), self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield deadline
        except duckdb.InterruptException as error:
            raise ClearKbError(f"stopped after {self.limits.timeout_s:g} s: ask for less, or say --timeout") from error
        except duckdb.OutOfMemoryException as error:
            raise ClearKbError(
                f"the query needs more than {self.limits.memory}: ask for less, or say --memory"
            ) from error
        except duckdb.Error as error:
            if time.monotonic() >= deadline:  # an interrupt may surface as another error of what was under way
                raise ClearKbError(f"stopped after {self.limits.timeout_s:g} s: ask for less, or --timeout") from error
            raise UsageError(" ".join(str(error).split())[:600]) from error
        finally:
            timer.cancel()


@dataclass
class Result:
    """The rows of one query, read as they are asked for; the next query of the session ends them."""

    session: AuditSession
    cursor: duckdb.DuckDBPyConnection
    deadline: float

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [column[0] for column in self.cursor.description or ()]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = self.columns
        while True:
            with self.session._guarded(self.deadline - time.monotonic()):
                rows = self.cursor.fetchmany(FETCH)
            if not rows:
                return
            yield from (dict(zip(names, row, strict=True)) for row in rows)

    def rows(self) -> list[dict[str, Any]]:
        """All rows."""
        return list(self)

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table."""
        with self.session._guarded(self.deadline - time.monotonic()):
            return self.cursor.to_arrow_table()
