"""What a clean-up is dropping of a local knowledge base: noted before any file goes, for they go in no order.

Whoever dies in between leaves the note `.dropped`: nobody reads what may be gone in part, and the next one goes on.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path

from kb.store.safety.durability import write_through

logger = logging.getLogger("clear_kb.store")

DROPPED, WRITTEN = ".dropped", ".dropped.new"
"""The note, as JSON by table, and what it is called while it is written."""


def read_dropping(folder: Path) -> dict[str, list[int]]:
    """By table, the versions that are being dropped, or that a clean-up died over."""
    try:
        found: dict[str, list[int]] = json.loads((folder / DROPPED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        logger.warning("%s cannot be read, so what a clean-up was dropping is not known: %s", DROPPED, error)
        return {}
    return found


def note_dropping(folder: Path, versions: Mapping[str, Collection[int]]) -> None:
    """Note, on the disk, that these versions are being dropped, and no others; where there are none, nothing stays."""
    note, new = folder / DROPPED, folder / WRITTEN
    said = {table: sorted(which) for table, which in versions.items() if which}
    if not said:
        note.unlink(missing_ok=True)
        return
    new.write_text(json.dumps(said), encoding="utf-8")
    write_through([new], folder)
    new.replace(note)
    write_through([note], folder)


def made_whole(folder: Path, versions: Mapping[str, Collection[int]]) -> None:
    """Take versions out of the note whose files are all there again."""
    left = read_dropping(folder)
    if left:
        note_dropping(folder, {table: set(which) - set(versions.get(table, ())) for table, which in left.items()})
