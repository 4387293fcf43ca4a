"""What the audit page keeps for one server: audits under way, comparisons that were made, and the SQL process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from starlette.requests import Request

from encoder.audit.runs_compared import SideBySide
from kb.knowledge_base import KnowledgeBase
from workbench.audit.sql_desk import SqlDesk
from workbench.audit.typed_commands import Place
from workbench.audit.works import Works

T = TypeVar("T")

MOST_COMPARED = 12
"""Comparisons that are kept in memory."""

_making = threading.Lock()


class Recent(Generic[T]):
    """The last few results by what they are of; each is made once, also where several ask at a time."""

    def __init__(self, most: int):
        self._most = most
        self._found: OrderedDict[Hashable, T] = OrderedDict()
        self._guard = threading.Lock()
        self._under_way: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of a key, made where it is not there."""
        with self._guard:
            mine = self._under_way.setdefault(key, threading.Lock())
        with mine:
            if key not in self._found:
                made = make()
                with self._guard:
                    self._found[key] = made
                    while len(self._found) > self._most:
                        self._under_way.pop(self._found.popitem(last=False)[0], None)
            with self._guard:
                self._found.move_to_end(key)
                return self._found[key]


class AuditDesk:
    """What one server keeps of its audits."""

    def __init__(self) -> None:
        self.works = Works()
        self.compared: Recent[SideBySide] = Recent(MOST_COMPARED)
        self.sql = SqlDesk()


def audit_desk(request: Request) -> AuditDesk:
    """That of the server that a request came to."""
    state = request.app.state
    with _making:
        if not hasattr(state, "audit_desk"):
            state.audit_desk = AuditDesk()
    found: AuditDesk = state.audit_desk
    return found


def place_of(base: KnowledgeBase) -> Place:
    """The knowledge base as a command names it, wherever it is typed."""
    uri = base.uri if "://" in base.uri else str(Path(base.uri).absolute())
    return Place(uri, base.commit.commit_id)
