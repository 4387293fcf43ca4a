"""What is costly is kept for as long as the tables that it stands on are the same, whatever else is committed.

Every act of a curator is a commit; the images, their vectors and what explains runs are not read anew for each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from kb.knowledge_base import KnowledgeBase

T = TypeVar("T")

MOST = 2
"""States of which something is kept: the newest, and the one that a page under way still shows."""

_KEPT: dict[Callable[..., Any], dict[tuple[object, ...], Any]] = {}
_LOCKS: dict[Callable[..., Any], threading.RLock] = {}
_KEEPING = threading.Lock()


def kept(base: KnowledgeBase, make: Callable[[KnowledgeBase], T], tables: Sequence[str]) -> T:
    """What `make` makes of a state, made once for as long as some of its tables are the same.

    Args:
        base: the state.
        make: makes it; threads that ask for the same at once wait for the one that makes it.
        tables: all that it stands on.
    """
    key = (base.uri, *(base.commit.pins.get(table) for table in tables))
    with _KEEPING:
        lock = _LOCKS.setdefault(make, threading.RLock())
        known = _KEPT.setdefault(make, {})
    with lock:
        if key not in known:
            while len(known) >= MOST:
                known.pop(next(iter(known)))
            known[key] = make(base)
        return cast(T, known[key])
