"""A second copy of the log: `_commits.jsonl` in the folder, a line a commit, written after its row.

Lines of long ago are packed, many of them in one compressed line: each is longer than all else that its commit left.

The table `commits` is the log. The copy tells when its newest rows are gone, which Lance would not, and gives them
back. An object store keeps its objects whole by itself; of the rows it has a copy of the newest, in its mark.
"""

from __future__ import annotations

import base64
import json
import lzma
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.store.safety.durability import write_through
from kb.store.safety.newest_mark import mark_newest, newest_marked, read_marked
from kb.store.storage import SECOND_LOG, Storage

if TYPE_CHECKING:
    import lance

FEW_LINES, LONGEST_LINE = 1 << 14, 1 << 20
"""Bytes at the end of the copy in which its last whole line is looked for first, and then."""

PACKED = b"packed:"
"""How a line of many rows begins."""

MANY, FEW = 128, 16
"""Lines that are packed once there are as many, and how many of the newest are left as they are."""

NOTE = ("table", "path", "size", "hash")
"""The fields of a note, in the order in which a line has them."""

Row = Mapping[str, Any]


def _path(storage: Storage) -> Path | None:
    return None if storage.folder is None else storage.folder / SECOND_LOG


def last_row(storage: Storage) -> Row | None:
    """The newest row of the copy; None if there is none."""
    path = _path(storage)
    if path is None or not path.is_file():
        return None
    size = path.stat().st_size
    for length in (FEW_LINES, LONGEST_LINE, size):
        with path.open("rb") as file:
            file.seek(max(0, size - length))
            for line in reversed(file.read().splitlines()):
                if rows := list(_rows([line])):
                    return rows[-1]
    return None


def newest_written(storage: Storage) -> str | None:
    """The id of the commit that the log has to have: the newest of the copy, or of the mark in a store."""
    if storage.folder is None:
        return newest_marked(storage)
    last = last_row(storage)
    return None if last is None else str(last["commit_id"])


def second_rows(storage: Storage) -> list[Row]:
    """Every row of the copy that can be read, as the table `commits` would give it."""
    path = _path(storage)
    if path is None:
        return list(_rows((read_marked(storage) or b"").splitlines()))
    return [] if not path.is_file() else list(_rows(path.read_bytes().splitlines()))


def full_rows(storage: Storage, commits: Collection[str], version: int | None = None) -> list[Row]:
    """The rows of some commits as a version of the log has them, with their notes, oldest first."""
    rows = storage.dataset("commits", version).to_table().to_pylist() if commits else []
    return sorted((row for row in rows if row["commit_id"] in commits), key=lambda row: row["number"])


def add_rows(storage: Storage, rows: Sequence[Row]) -> None:
    """Add rows to the copy, on the disk before this returns; in a store the last of them is its newest."""
    path = _path(storage)
    if not rows:
        return
    if path is None:
        mark_newest(storage, rows[-1]["number"], rows[-1]["commit_id"], _lines(rows[-1:]))
        return
    # Without a buffer, what is written comes in one go, and a full disk is told here.
    with path.open("ab", buffering=0) as file:
        # A line that a writer could not finish must not join with the next one.
        left = memoryview(b"\n" + _lines(rows))
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())


def write_rows(storage: Storage, rows: Sequence[Row]) -> None:
    """Have the copy hold these rows and no other: until all of them are on the disk, it holds what it held."""
    if (path := _path(storage)) is not None:
        _replace(path, _lines(rows))
    else:
        add_rows(storage, rows)


def pack_rows(storage: Storage) -> None:
    """Pack the lines of long ago; of notes, those whose files are all gone are left out. For whoever has the lock."""
    path = _path(storage)
    if path is None or not path.is_file():
        return
    lines = [line for line in path.read_bytes().splitlines() if line]
    plain = [line for line in lines if not line.startswith(PACKED)]
    if len(plain) < MANY + FEW:
        return
    rows = [json.dumps(_plain(_without_gone(storage, row)), separators=(",", ":")) for row in _rows(plain[:-FEW])]
    packed = PACKED + base64.b85encode(lzma.compress("\n".join(rows).encode()))
    _replace(path, b"\n".join([*(line for line in lines if line.startswith(PACKED)), packed, *plain[-FEW:]]) + b"\n")


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    write_through([new], path.parent)
    new.replace(path)
    write_through([path], path.parent)


def _without_gone(storage: Storage, row: Row) -> Row:
    notes = row["files"] or ()
    gone = all(not (Path(storage.location(note["table"])) / note["path"]).exists() for note in notes)
    return {**row, "files": None if gone else row["files"]}


def salvaged_rows(storage: Storage) -> list[Row]:
    """What is left of the log: the rows that can be read of its newest version that opens, and those of the copy."""
    import lance

    rows = second_rows(storage)
    for version in sorted(storage.version_numbers("commits"), reverse=True):
        with suppress(OSError, ValueError, RuntimeError):
            log = lance.dataset(storage.location("commits"), version=version, storage_options=storage.options)
            if found := list(_fragment_rows(log)):
                return [*found, *rows]
    return rows


def _fragment_rows(dataset: lance.LanceDataset) -> Iterator[Row]:
    columns = [name for name in dataset.schema.names if name != "files"]
    for fragment in dataset.get_fragments():
        with suppress(OSError, ValueError, RuntimeError):
            yield from fragment.to_table(columns=columns).to_pylist()


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(_plain(row), separators=(",", ":")) + "\n" for row in rows).encode()


def _plain(row: Row) -> dict[str, Any]:
    files = None if row["files"] is None else [[note[name] for name in NOTE] for note in row["files"]]
    return {**row, "time": row["time"].isoformat(), "files": files}


def _rows(lines: Sequence[bytes]) -> Iterator[Row]:
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, AttributeError, lzma.LZMAError):
            if line.startswith(PACKED):
                yield from _rows(lzma.decompress(base64.b85decode(line.removeprefix(PACKED))).splitlines())
                continue
            row = json.loads(line)
            files = None if row["files"] is None else [dict(zip(NOTE, note, strict=True)) for note in row["files"]]
            yield {**row, "time": datetime.fromisoformat(row["time"]), "files": files}
