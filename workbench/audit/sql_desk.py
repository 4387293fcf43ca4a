"""The server's side of the queries: one process that answers them, begun when it is needed, ended when it is not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any
from uuid import uuid4

from kb.knowledge_base import KnowledgeBase
from workbench.audit.sql_worker import MEMORY, TIMEOUT_S, Answer, Ask, serve_queries

REMEMBERED = 16
"""Answers that can be paged through, drawn and downloaded."""

IDLE_S = 600
"""After that long without a query the process gives its memory back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query that was answered, and of which state.

    Attributes:
        number: what it is called by.
        sql: the query.
        values: of its parameters, as they are bound.
        told: the same as they were typed.
        query: the named query that it is, if it is one.
        commit: of which state.
        answer: what came of it.
    """

    number: str
    sql: str
    values: Mapping[str, Any]
    told: Mapping[str, str]
    query: str | None
    commit: str
    answer: Answer


class SqlDesk:
    """The queries of one server: one at a time, in a process that holds the views of one state.

    Args:
        timeout_s: seconds that a query may take.
        memory: what it may take of that: "2GB".
    """

    def __init__(self, timeout_s: float = TIMEOUT_S, memory: str = MEMORY) -> None:
        self._limits = (timeout_s, memory)
        self._asking = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._of: tuple[str, str] | None = None
        self._stopped = False
        self._idle: threading.Timer | None = None
        self._answers: OrderedDict[str, Asked] = OrderedDict()

    def ask(
        self,
        base: KnowledgeBase,
        sql: str,
        values: Mapping[str, Any],
        *,
        told: Mapping[str, str],
        query: str | None = None,
    ) -> Asked:
        """Ask one query of a state; where another one runs, it is waited for."""
        answer = self._answered(base, Ask(sql=sql, values=values))
        number = uuid4().hex
        found = Asked(
            number=number,
            sql=sql,
            values=values,
            told=told,
            query=query,
            commit=base.commit.commit_id,
            answer=answer,
        )
        self._answers[number] = found
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return found

    def warm(self, base: KnowledgeBase) -> None:
        """Begin the process of a state, which takes a while, so that the first query need not wait for all of it."""
        if self._asking.acquire(blocking=False):
            try:
                self._ready(base)
                self._rest()
            finally:
                self._asking.release()

    def find(self, number: str) -> Asked | None:
        """A query that was answered not long ago."""
        return self._answers.get(number)

    def write(self, base: KnowledgeBase, asked: Asked, path: str) -> Answer:
        """Run a query again, at the state that it was asked of, and write all rows to a file."""
        state = base if base.commit.commit_id == asked.commit else base.at(asked.commit)
        return self._answered(state, Ask(sql=asked.sql, values=asked.values, path=path))

    def stop(self) -> None:
        """Stop the query that runs."""
        process = self._process
        if self._asking.locked() and process is not None:
            self._stopped = True
            process.kill()

    def _answered(self, base: KnowledgeBase, ask: Ask) -> Answer:
        with self._asking:
            if self._idle is not None:
                self._idle.cancel()
            self._stopped = False
            connection = self._ready(base)
            try:
                connection.send(ask)
                answer: Answer = connection.recv()
            except (EOFError, OSError):
                self._end()
                why = "stopped" if self._stopped else "the process that ran it has ended: it needed too much memory"
                return Answer(error=why)
            self._rest()
            return answer

    def _ready(self, base: KnowledgeBase) -> Connection:
        """The pipe to a process of this state."""
        of = (base.uri, base.commit.commit_id)
        if self._connection is not None and self._of == of and self._process is not None and self._process.is_alive():
            return self._connection
        self._end()
        context = get_context("spawn")  # Lance has threads here: a forked child could inherit a locked lock
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=serve_queries, args=(*of, base.storage.options, self._limits, theirs), daemon=True, name="queries"
        )
        self._process.start()
        theirs.close()
        self._connection, self._of = ours, of
        return ours

    def _rest(self) -> None:
        """End the process if nobody asks for a while."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(IDLE_S, self._give_back)
        self._idle.daemon = True
        self._idle.start()

    def _give_back(self) -> None:
        if self._asking.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._asking.release()

    def close(self) -> None:
        """End the process."""
        with self._asking:
            self._end()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._connection = self._process = self._of = None
