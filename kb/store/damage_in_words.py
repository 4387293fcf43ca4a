"""What Lance says of a file that is gone, cut, of other bytes or not ours to open, or of a full disk, in words.

A local knowledge base is looked at before it is read. Of a store every look is a request, so what is wrong with an
object there shows where it is read.
"""

from __future__ import annotations

import os
import re

_FILE = re.compile(r"[\w-]+\.lance/(?:data|_versions|_deletions|_indices)/[\w./-]*\w")
_GONE = re.compile(r"\bNot found\b|was not found")
_BROKEN = re.compile(
    r"Invalid range \d+\.\.\d+ for object|manifest length does not match|failed to decode Protobuf|not a Lance file"
    r"|Invalid magic|file magic|[Cc]orrupt"
)
_NO_ROOM = re.compile(r"No space left on device|\(os error (?:28|122)\)")
_NOT_ALLOWED = re.compile(
    r"(?P<path>/[^\n]*?)(?:#\d+)?['\"]?: (?:Permission denied|Read-only file system) \(os error (?P<number>\d+)\)"
)
_OF_THE_SYSTEM = re.compile(r"\(os error \d+\)")
"""What the operating system says of a disk: that is no damage."""


def no_room_in_words(text: str) -> str | None:
    """That a disk is full, from the text of an error of Lance's; None if it is about something else."""
    return "there is no room left on the disk: what was committed is sound" if _NO_ROOM.search(text) else None


def refusal_in_words(text: str) -> str | None:
    """That a file may not be opened or written, from the text of an error of Lance's; None if it is about another."""
    if (told := _NOT_ALLOWED.search(text)) is None:
        return None
    return f"{told['path']}: {os.strerror(int(told['number']))}"


def damage_in_words(text: str) -> str | None:
    """What is wrong with a table, from the text of an error; None if the text is not about a file of one."""
    if _OF_THE_SYSTEM.search(text) and "os error 2)" not in text:
        return None
    file, gone = _FILE.search(text), _GONE.search(text)
    if not _BROKEN.search(text) and not (file and gone):
        return None
    which = file[0] if file else "a file of it"
    return f"a table cannot be read: {which} {'is gone' if gone else 'is cut, or holds other bytes'}"
