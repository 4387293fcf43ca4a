"""The process that queries run in: it holds the views of one state, answers one query after another, and can be ended.

A query that does not end when it is interrupted ends with its process, as on the command line: nothing of the server
goes with it, and the next query has a new one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from encoder.audit.audit_session import open_session
from kb.commands.failures import describe
from kb.errors import ClearKbError
from kb.knowledge_base import KnowledgeBase
from kb.sql.hints import what_rows_count, why_no_rows
from kb.sql.limits import Limits
from kb.sql.session import AuditSession
from kb.sql.writing import as_json, write_file

TIMEOUT_S, MEMORY = 60.0, "2GB"
"""What a query may take: as on the command line."""

MOST_ROWS = 10_000
"""Rows that are shown and drawn; a file that is downloaded holds all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One query: SQL, the values of its parameters, and the file that all rows go to, if they do not come back."""

    sql: str
    values: Mapping[str, Any]
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a query: rows as plain data, or the reason why there are none.

    Attributes:
        columns: their names.
        rows: their values, `MOST_ROWS` at the most.
        more: whether there are more.
        seconds: that it took.
        notes: what the rows count too, or why there are none.
        error: what was wrong; "" where nothing was.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    more: bool = False
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: str = ""


def serve_queries(
    uri: str,
    commit: str,
    storage_options: Mapping[str, str] | None,
    limits: tuple[float, str],
    connection: Connection,
) -> None:
    """Answer what comes through the pipe until it is closed; `limits` are seconds and memory of a query."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process

    def end(reason: str) -> None:
        connection.send(Answer(error=describe(allowed.stopped(reason))))
        os._exit(1)

    allowed = Limits(*limits, when_stuck=end)
    try:
        base = KnowledgeBase.open(uri, commit, storage_options)
        with open_session(base, allowed) as session:
            while True:
                connection.send(_answer(session, connection.recv()))
    except EOFError:
        return  # the server has no more to ask


def _answer(session: AuditSession, ask: Ask) -> Answer:
    started = time.monotonic()
    try:
        found = _file(session, ask) if ask.path is not None else _rows(session, ask)
    except (ClearKbError, OSError) as error:
        return Answer(error=describe(error), seconds=time.monotonic() - started)
    columns, rows, more, notes = found
    return Answer(columns=columns, rows=rows, more=more, notes=notes, seconds=time.monotonic() - started)


Found = tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], bool, tuple[str, ...]]


def _rows(session: AuditSession, ask: Ask) -> Found:
    result = session.query(ask.sql, ask.values)
    read = iter(result)
    rows = tuple(tuple(as_json(value) for value in row.values()) for row in islice(read, MOST_ROWS))
    more = next(read, None) is not None
    hints = (what_rows_count if rows else why_no_rows)(session, ask.sql, ask.values)
    return tuple(result.columns), rows, more, tuple(hints)


def _file(session: AuditSession, ask: Ask) -> Found:
    result = session.query(ask.sql, ask.values)
    write_file(result, Path(str(ask.path)))
    return tuple(result.columns), (), False, ()
