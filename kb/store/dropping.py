"""What clean-ups have dropped of a local knowledge base, and what one is dropping: what else is gone was lost.

The note `.dropped` says which versions of tables go before any file does, for files go in no order. Whoever dies in
between leaves it so: nobody reads what may be gone in part, and the next clean-up goes on. What has gone stays noted,
so that a version that is not there and that nobody dropped is told as damage, and not as history.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kb.store.safety.durability import write_through

logger = logging.getLogger("clear_kb.store")

DROPPED, WRITTEN = ".dropped", ".dropped.new"
"""The note, as JSON, and what it is called while it is written."""

Versions = Mapping[str, Collection[int]]
"""Versions by table."""


Ranges = list[tuple[int, int]]
"""The first and the last of each row of numbers without a gap: a clean-up leaves few of those."""


@dataclass(frozen=True)
class Dropping:
    """By table, the versions that a clean-up is dropping, or died over, and those that were dropped before."""

    now: dict[str, set[int]] = field(default_factory=dict)
    before: dict[str, Ranges] = field(default_factory=dict)

    @property
    def going(self) -> set[tuple[str, int]]:
        """What is being dropped, as tables and versions."""
        return {(table, version) for table, versions in self.now.items() for version in versions}

    def __contains__(self, pin: tuple[str, int]) -> bool:
        table, version = pin
        return version in self.now.get(table, ()) or any(
            first <= version <= last for first, last in self.before.get(table, ())
        )


def read_dropping(folder: Path) -> Dropping:
    """What the note says; nothing where there is none."""
    try:
        found: dict[str, dict[str, Any]] = json.loads((folder / DROPPED).read_text(encoding="utf-8"))
        now = {table: set(map(int, which)) for table, which in found["now"].items()}
        before = {table: [(int(first), int(last)) for first, last in which] for table, which in found["before"].items()}
    except FileNotFoundError:
        return Dropping()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s cannot be read, so what clean-ups have dropped is not known: %s", DROPPED, error)
        return Dropping()
    return Dropping(now, before)


def note_dropping(folder: Path, versions: Versions) -> None:
    """Note, on the disk, that these versions are being dropped, beside those that somebody died over."""
    noted = read_dropping(folder)
    _write(folder, _together(noted.now, versions), _numbers(noted.before))


def note_dropped(folder: Path, versions: Versions) -> None:
    """Note that these versions are gone, with those that were being dropped."""
    noted = read_dropping(folder)
    _write(folder, {}, _together(_numbers(noted.before), noted.now, versions))


def made_whole(folder: Path, versions: Versions) -> None:
    """Take versions out of the note whose files are all there again."""
    noted = read_dropping(folder)
    if any((table, version) in noted for table, which in versions.items() for version in which):
        _write(folder, *(_without(part, versions) for part in (noted.now, _numbers(noted.before))))


def _without(part: Versions, versions: Versions) -> dict[str, set[int]]:
    return {table: {*which}.difference(versions.get(table, ())) for table, which in part.items()}


def _together(*parts: Versions) -> dict[str, set[int]]:
    tables = {table for part in parts for table in part}
    return {table: {version for part in parts for version in part.get(table, ())} for table in tables}


def _write(folder: Path, now: Versions, before: Versions) -> None:
    note, new = folder / DROPPED, folder / WRITTEN
    told = {
        "now": {table: sorted(which) for table, which in sorted(now.items()) if which},
        "before": {table: _ranges(which) for table, which in sorted(before.items()) if which},
    }
    new.write_text(json.dumps(told), encoding="utf-8")
    write_through([new], folder)
    new.replace(note)
    write_through([note], folder)


def _ranges(numbers: Iterable[int]) -> Ranges:
    found: Ranges = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found


def _numbers(ranges: Mapping[str, Ranges]) -> dict[str, set[int]]:
    return {
        table: {number for first, last in which for number in range(first, last + 1)} for table, which in ranges.items()
    }
