"""The queries of one server: a session that answers them, begun when it is needed, ended when it is not."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from encoder.audit.audit_session import open_session
from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import Limits
from kb.sql.session import AuditSession
from workbench.audit.sql_answer import Answer, answered

TIMEOUT_S, MEMORY = 60.0, "2GB"
"""What a query may take: as on the command line."""

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
    """The queries of one server: one at a time, in the process of a session over one state.

    Args:
        timeout_s: seconds that a query may take.
        memory: what it may take of that: "2GB".
    """

    def __init__(self, timeout_s: float = TIMEOUT_S, memory: str = MEMORY) -> None:
        self._limits = Limits(timeout_s, memory)
        self._asking = threading.Lock()
        self._session: AuditSession | None = None
        self._of: tuple[str, str] | None = None
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
        answer = self._answered(base, sql, values)
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
                self._ready(base).warm()
                self._rest()
            finally:
                self._asking.release()

    def find(self, number: str) -> Asked | None:
        """A query that was answered not long ago."""
        return self._answers.get(number)

    def write(self, base: KnowledgeBase, asked: Asked, path: str) -> Answer:
        """Run a query again, at the state that it was asked of, and write all rows to a file."""
        state = base if base.commit.commit_id == asked.commit else base.at(asked.commit)
        return self._answered(state, asked.sql, asked.values, Path(path))

    def stop(self) -> None:
        """Stop the query that runs."""
        session = self._session
        if self._asking.locked() and session is not None:
            session.stop()

    def _answered(self, base: KnowledgeBase, sql: str, values: Mapping[str, Any], path: Path | None = None) -> Answer:
        with self._asking:
            if self._idle is not None:
                self._idle.cancel()
            answer = answered(self._ready(base), sql, values, path)
            self._rest()
            return answer

    def _ready(self, base: KnowledgeBase) -> AuditSession:
        """The session of this state."""
        of = (base.uri, base.commit.commit_id)
        if self._session is None or self._of != of:
            self._end()
            self._session, self._of = open_session(base, self._limits), of
        return self._session

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
        if self._session is not None:
            self._session.close()
        self._session = self._of = None
