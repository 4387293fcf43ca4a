"""The mark of the newest commit in an object store: one small object, whose name says which it is.

An object store has no second copy of the log. Where the newest manifest of the log is gone, Lance opens the one before
it and says nothing; the mark tells. The names at the top of a store are listed anyway when it is opened, so that to
look costs nothing. It is written after the row of its commit, which it holds, and takes the place of the one before.
"""

from __future__ import annotations

import re
from contextlib import suppress

from kb.errors import ClearKbError
from kb.store.safety.place import Place
from kb.store.storage import NEWEST, Storage

_MARK = re.compile(re.escape(NEWEST) + r"(\d+)-([0-9a-f]{12})")


def newest_marked(storage: Storage) -> str | None:
    """The id of the newest commit that a store says it had when it was opened; None if it says nothing."""
    marks = _marks(storage)
    return marks[max(marks)] if marks else None


def read_marked(storage: Storage) -> bytes | None:
    """What the newest mark of a store holds, a line of the log; None if there is none or it cannot be had."""
    marks = _marks(storage)
    if marks:
        with suppress(ClearKbError):
            return Place(storage).read(_name(max(marks), marks[max(marks)]))
    return None


def mark_newest(storage: Storage, number: int, commit_id: str, line: bytes) -> None:
    """Have a store say which commit is its newest; of two writers that do so at once, both marks may stay."""
    place, names, before = Place(storage), storage.names(), _marks(storage)
    place.write(_name(number, commit_id), line)
    names.add(_name(number, commit_id))
    for older in (_name(older, of) for older, of in before.items() if older < number):
        place.delete(older)
        names.discard(older)


def _name(number: int, commit_id: str) -> str:
    return f"{NEWEST}{number:08d}-{commit_id}"


def _marks(storage: Storage) -> dict[int, str]:
    found = (_MARK.fullmatch(name) for name in storage.names())
    return {int(mark[1]): mark[2] for mark in found if mark}
