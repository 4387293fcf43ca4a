"""A condition that somebody has typed, in a query of this project's own: run where it can do no harm, within limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kb.sql.limits import Limits
from kb.sql.session import AuditSession
from kb.store.state import State

ALLOWED = Limits(timeout_s=600.0, memory="8GB")
"""More than a query has: what it chooses from is as large as the knowledge base."""


def rows_asked(state: State, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """All rows of a query with a condition of somebody else's in it.

    Raises:
        UsageError: the condition is none.
        ClearKbError: it took more time or memory than it may, or ended the process that ran it.
    """
    with AuditSession(state, ALLOWED) as session:
        return session.query(sql, parameters).rows()
