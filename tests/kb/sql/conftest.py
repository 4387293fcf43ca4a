"""A session over the ward."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kb.knowledge_base import KnowledgeBase
from kb.sql.limits import Limits
from kb.sql.session import AuditSession
from kb.sql.views import Views


@pytest.fixture(scope="module")
def session(ward_kb: KnowledgeBase) -> Iterator[AuditSession]:
    """A session of the ward with limits that are soon reached."""
    with AuditSession(ward_kb, Limits(timeout_s=20, memory="500MB")) as opened:
        yield opened


@pytest.fixture(scope="module")
def views(ward_kb: KnowledgeBase) -> Iterator[Views]:
    """The views of the ward, for queries that are trusted."""
    with Views(ward_kb) as opened:
        yield opened
