"""SQL that anybody may have written, over one state of a knowledge base: each session runs it in a process of its own.

    session = AuditSession(kb)
    session.query("SELECT label, auroc FROM metrics WHERE grouping = 'all'").rows()

The process is begun with the first query and kept for those that follow. A query that takes too long, or too much, is
stopped there; one that does not listen, or brings the process down, ends with it, and the next query has a new one.
"""

from __future__ import annotations

import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from kb.errors import ClearKbError, UsageError
from kb.frames import Frame
from kb.sql.arrow_rows import rows_of
from kb.sql.arrow_stream import as_stream, from_stream
from kb.sql.limits import Limits
from kb.sql.opener import PLAIN, Opener
from kb.sql.own_tables import read_own_tables
from kb.sql.query_process import QueryProcess, hand_back, take
from kb.sql.result import Result
from kb.store.state import State


class AuditSession:
    """The views of one commit, for as many queries as one likes.

    Args:
        state: the knowledge base, at any commit.
        limits: of each query.
        opener: opens the same state in the session's process, with tables beside its own.
        tables: files of the analyst's own by the name that queries call them; see `kb.sql.own_tables`.

    A session is of one thread; only `stop` may be called by another. Closed, it gives its process back, which another
    session may take; let go, it ends it.
    """

    def __init__(
        self,
        state: State,
        limits: Limits | None = None,
        opener: Opener = PLAIN,
        *,
        tables: Mapping[str, str | Path] | None = None,
    ):
        self.kb = state
        self.limits = limits or Limits()
        own = read_own_tables(tables or {})
        self.own_tables = {name: list(table.column_names) for name, table in own.items()}
        self._files = {name: _written(table) for name, table in own.items()}
        self._opener = opener
        self._process: QueryProcess | None = None
        self._ending: weakref.finalize[..., Any] | None = None
        self._reading = object()  # another one for each query whose rows are being read
        self._query: object = object()  # another one for each query
        self._stopped: object = None  # the query that was stopped last

    def __enter__(self) -> AuditSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the process back, for a session to come, and the memory of the views."""
        if self._process is not None and self._ending is not None and self._ending.detach() is not None:
            hand_back(self._process)
        self._process = self._ending = None

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one SELECT that anybody may have written.

        Args:
            sql: over the documented views.
            parameters: values for `$name` in it.

        Raises:
            UsageError: it is not one SELECT over the views, or DuckDB finds it wrong.
            ClearKbError: it took more time or memory than it may, or ended the process that ran it.
        """
        told = _as_body(parameters or {})
        self._reading, self._query = object(), object()
        found = self._ask({"do": "ask", "sql": sql}, told, seconds=self.limits.timeout_s)
        return AskedResult(self, sql, told, kinds=found.head["kinds"], left=found.head["left"])

    def remarks(self, sql: str, parameters: Mapping[str, Any] | None = None, *, rows: bool) -> list[str]:
        """What the rows of a query count too, or, where it has none, why; as sentences."""
        told = {"do": "remarks", "sql": sql, "rows": rows}
        self._reading, self._query = object(), object()
        found = self._ask(told, _as_body(parameters or {}), seconds=self.limits.timeout_s)
        return list(found.head["remarks"])

    def warm(self) -> None:
        """Begin the process, so that the first query need not wait for all of it."""
        self._running()

    def stop(self) -> None:
        """Stop the query that runs, from another thread: it ends with a ClearKbError."""
        self._stopped = self._query
        if (process := self._process) is not None:
            process.stop()

    def _ask(self, head: Mapping[str, Any], body: bytes | pa.Buffer = b"", *, seconds: float) -> Frame:
        if seconds <= 0:
            raise self.limits.stopped("time")
        return self._running().ask(head, body, seconds=seconds, stopped=lambda: self._stopped is self._query)

    def _running(self) -> QueryProcess:
        if self._process is None or not self._process.alive:
            self.close()
            files = {name: file.fileno() for name, file in self._files.items()}
            opening = {
                "module": self._opener.module,
                "function": self._opener.function,
                "arguments": dict(self._opener.arguments),
                "uri": self.kb.uri if "://" in self.kb.uri else str(Path(self.kb.uri).absolute()),
                "commit": self.kb.commit.commit_id,
                "storage_options": self.kb.storage.options,
                "limits": asdict(self.limits),
                "own": files,
            }
            self._process = take(tuple(files.values()))
            self._process.open(opening, self.limits)
            self._ending = weakref.finalize(self, self._process.end)
        return self._process


class AskedResult(Result):
    """The rows of one query of a session, read from its process as they are asked for."""

    def __init__(self, session: AuditSession, sql: str, told: pa.Buffer, *, kinds: Mapping[str, str], left: float):
        super().__init__(kinds)
        self._session = session
        self._sql = sql
        self._told = told
        self._left = left

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.batches():
            started = time.monotonic()
            rows = list(rows_of(batch, self.kinds))
            self._left -= time.monotonic() - started  # it is reading too, and a query may be without end
            yield from rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows as Arrow batches, some thousands at a time, behind an empty one that has their schema."""
        reading = self._session._reading = object()
        begun = self._asked(reading, {"do": "read", "sql": self._sql, "left": self._left}, self._told)
        schema = from_stream(begun.body).schema
        yield pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
        while not (told := self._asked(reading, {"do": "next"})).head.get("last"):
            yield from from_stream(told.body).to_batches()

    def _asked(self, reading: object, head: Mapping[str, Any], body: bytes | pa.Buffer = b"") -> Frame:
        if self._session._reading is not reading:
            raise ClearKbError("another query of the session was run before all rows of this one were read")
        started = time.monotonic()
        told = self._session._ask(head, body, seconds=self._left)
        waited = 0.0 if head["do"] == "read" else time.monotonic() - started  # where it may make something first
        self._left = min(told.head["left"], self._left - waited)
        return told


def _as_body(parameters: Mapping[str, Any]) -> pa.Buffer:
    """The values of parameters as one row of Arrow."""
    columns = {}
    for name, value in parameters.items():
        try:
            columns[name] = pa.array([value])
        except (pa.ArrowException, UnicodeError, OverflowError, TypeError) as error:
            raise UsageError(f"the parameter {name}: its value is none that SQL has") from error
    table = pa.table(columns)
    return as_stream(table.schema, table.to_batches())


def _written(table: pa.Table) -> IO[bytes]:
    """A table in a file that has no name: the process maps it, as often as it is begun."""
    file = tempfile.TemporaryFile(prefix="clear-kb-")  # noqa: SIM115  it is open for as long as the session
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    file.flush()
    return file
