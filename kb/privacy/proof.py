"""The proof that a patient is gone: every row of every version is asked, every byte of every file is searched."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.privacy.traces import Traces
from kb.store.state import State
from schemas.tables import TABLES

SHORTEST_ID = 6
"""Letters of an id from which on its bytes are searched for: a shorter one stands in many files by chance."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was searched, and where something was found.

    Attributes:
        versions: of tables whose rows were asked.
        files: whose bytes were searched; none in an object store.
        bytes: of these files.
        searched_for: ids and sentences.
        found: where something was found; empty if the patient is gone.
    """

    versions: int
    files: int
    bytes: int
    searched_for: int
    found: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain data."""
        return asdict(self)


def prove(state: State, traces: Traces) -> Proof:
    """Search a knowledge base for what leads to a patient."""
    versions, found = 0, []
    for table in TABLES:
        condition = traces.condition(table)
        if condition is None or not state.storage.has(table.name):
            continue
        for version in sorted(state.storage.versions(table.name)):
            versions += 1
            if count := state.storage.dataset(table.name, version).count_rows(condition):
                found.append(f"{count} rows of {table.name} at version {version}")
    needles = sorted(_needles(traces))
    files = list(_files(state)) if needles else []
    for path in files:
        if needle := _first_in(path, needles):
            found.append(f"{path.name} holds '{needle.decode(errors='replace')[:20]}'")
    size = sum(path.stat().st_size for path in files)
    return Proof(versions=versions, files=len(files), bytes=size, searched_for=len(needles), found=tuple(found))


def _needles(traces: Traces) -> Iterator[bytes]:
    ids = (traces.patient_id, *traces.studies, *traces.reports, *traces.images)
    yield from {one.encode() for one in ids if len(one) >= SHORTEST_ID}
    yield from {sentence.encode() for sentence in traces.sentences}


def _files(state: State) -> Iterator[Path]:
    if state.storage.folder is not None:
        inside = (path for path in sorted(state.storage.folder.rglob("*")) if path.is_file())
        yield from (path for path in inside if path.name != "forgetting.json" and path.stat().st_size)


def _first_in(path: Path, needles: list[bytes]) -> bytes | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return next((needle for needle in needles if content.find(needle) >= 0), None)
