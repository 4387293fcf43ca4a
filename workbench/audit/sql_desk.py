"""The queries of one server: sessions that answer them, begun when they are needed, ended when they are not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from encoder.audit.audit_session import open_session
from kb.cores import core_count
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import Limits
from kb.sql.query_process import end_spares
from kb.sql.session import AuditSession
from workbench.audit.sql_answer import Answer, answered

TIMEOUT_S, MEMORY = 60.0, "3GB"
"""What a query may take: as on the command line."""

REMEMBERED = 16
"""Answers that can be paged through, drawn and downloaded."""

LOOKS_EVERY_S = 0.1
"""How often a query that waits for its turn looks whether it was stopped."""

STOPPED = "stopped"

IDLE_S = 600
"""After that long without a query the processes give their memory back."""


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
    """The queries of one server: some at a time, each in the process of a session; the others wait for their turn.

    Args:
        timeout_s: seconds that a query may take.
        memory: what it may take of that: "3GB".
        at_once: queries that run at the same time; default: a processor each.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S, memory: str = MEMORY, at_once: int | None = None) -> None:
        self._limits = Limits(timeout_s, memory)
        self._turns = threading.BoundedSemaphore(at_once or max(2, core_count()))
        self._guard = threading.Lock()
        self._waiting: list[_Held] = []
        self._asked: list[_Query] = []
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
        asker: str = "",
    ) -> Asked:
        """Ask one query of a state; where too many run, it waits. `asker` is who may stop it."""
        answer = self._answered(base, sql, values, asker=asker)
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
        with self._guard:
            self._answers[number] = found
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        return found

    def warm(self, base: KnowledgeBase) -> None:
        """Begin the process of a state, which takes a while, so that the first query need not wait for all of it."""
        if self._turns.acquire(blocking=False):
            try:
                session = self._taken(base)
                session.warm()
                self._put_back(base, session)
            finally:
                self._turns.release()

    def find(self, number: str) -> Asked | None:
        """A query that was answered not long ago."""
        with self._guard:
            return self._answers.get(number)

    def write(self, base: KnowledgeBase, asked: Asked, path: str) -> Answer:
        """Run a query again, at the state that it was asked of, and write all rows to a file."""
        state = base if base.commit.commit_id == asked.commit else base.at(asked.commit)
        return self._answered(state, asked.sql, asked.values, Path(path))

    def stop(self, asker: str = "") -> None:
        """Stop what somebody asked and is not answered yet, waiting or running; nobody else's queries."""
        with self._guard:
            for query in self._asked:
                if query.asker == asker:
                    query.stop()

    def _answered(
        self, base: KnowledgeBase, sql: str, values: Mapping[str, Any], path: Path | None = None, *, asker: str = ""
    ) -> Answer:
        query = _Query(asker)
        with self._guard:
            self._asked.append(query)
        try:
            while not self._turns.acquire(timeout=LOOKS_EVERY_S):
                if query.stopped:
                    return Answer(error=STOPPED)
            try:
                return self._run(query, base, sql, values, path)
            finally:
                self._turns.release()
        finally:
            with self._guard:
                self._asked.remove(query)

    def _run(
        self, query: _Query, base: KnowledgeBase, sql: str, values: Mapping[str, Any], path: Path | None
    ) -> Answer:
        session = self._taken(base)
        try:
            with self._guard:
                query.session = session
            return Answer(error=STOPPED) if query.stopped else answered(session, sql, values, path)
        finally:
            with self._guard:
                query.session = None
            self._put_back(base, session)

    def _taken(self, base: KnowledgeBase) -> AuditSession:
        """A session of this state that nobody has; those of other states give their processes back for it."""
        with self._guard:
            mine = next((held for held in self._waiting if held.of == _of(base)), None)
            if mine is not None:
                self._waiting.remove(mine)
                return mine.session
            self._close_waiting()
        return open_session(base, self._limits)

    def _put_back(self, base: KnowledgeBase, session: AuditSession) -> None:
        """Keep a session for the next query, and for no longer than somebody asks."""
        with self._guard:
            self._waiting.append(_Held(_of(base), session))
            if self._idle is not None:
                self._idle.cancel()
            self._idle = threading.Timer(IDLE_S, self.close)
            self._idle.daemon = True
            self._idle.start()

    def close(self) -> None:
        """End the processes that no query runs in."""
        with self._guard:
            self._close_waiting()
        end_spares()

    def _close_waiting(self) -> None:
        while self._waiting:
            self._waiting.pop().session.close()


@dataclass(eq=False, slots=True)
class _Query:
    """One that was asked and is not answered yet; it has a session once it is its turn."""

    asker: str
    session: AuditSession | None = None
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True
        if self.session is not None:
            self.session.stop()


class _Held(NamedTuple):
    """A session that nobody asks, and the knowledge base and commit that it is of."""

    of: tuple[str, str]
    session: AuditSession


def _of(base: KnowledgeBase) -> tuple[str, str]:
    return base.uri, base.commit.commit_id
