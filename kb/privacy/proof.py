"""The proof that a patient is gone: every row of every version is asked, every byte of every file is searched."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.privacy.mentions import Contexts, Mention, contexts
from kb.privacy.traces import Traces
from kb.store.state import State
from schemas.tables import TABLES


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was searched, and where something was found.

    Attributes:
        versions: of tables whose rows were asked.
        files: whose bytes were searched; none in an object store.
        bytes: of these files.
        searched_for: ids and sentences.
        rows: tables with rows of the patient; empty if the patient is gone.
        found: files with an id or a sentence of theirs; empty if the patient is gone.
    """

    versions: int
    files: int
    bytes: int
    searched_for: int
    rows: tuple[str, ...]
    found: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The proof as plain data."""
        return asdict(self)


def prove(state: State, traces: Traces, mentions: Iterable[Mention] = ()) -> Proof:
    """Search a knowledge base for what leads to a patient, but for the texts that stay and are told of."""
    versions, rows, found = 0, [], []
    for table in TABLES:
        condition = traces.condition(table)
        if condition is None or not state.storage.has(table.name):
            continue
        for version in sorted(state.storage.versions(table.name)):
            versions += 1
            if count := state.storage.dataset(table.name, version).count_rows(condition):
                rows.append(f"{count} rows of {table.name} at version {version}")
    needles, known = [one.encode() for one in traces.needles], contexts(mentions, traces.needles)
    files = list(_files(state)) if needles else []
    for path in files:
        if needle := _first_in(path, needles, known):
            found.append(f"{path.name} holds '{needle.decode(errors='replace')[:20]}'")
    size = sum(path.stat().st_size for path in files)
    return Proof(
        versions=versions,
        files=len(files),
        bytes=size,
        searched_for=len(needles),
        rows=tuple(rows),
        found=tuple(found),
    )


def _files(state: State) -> Iterator[Path]:
    if state.storage.folder is not None:
        inside = (path for path in sorted(state.storage.folder.rglob("*")) if path.is_file())
        yield from (path for path in inside if path.name != "forgetting.json" and path.stat().st_size)


def _first_in(path: Path, needles: Sequence[bytes], known: Contexts) -> bytes | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return next((one for one in needles if _stands_in(content, one, known.get(one, frozenset()))), None)


def _stands_in(content: mmap.mmap, needle: bytes, known: Collection[tuple[bytes, bytes]]) -> bool:
    """Whether a needle stands anywhere but within a text that stays."""
    at = content.find(needle)
    while at >= 0:
        end = at + len(needle)
        if not any(
            content[max(0, at - len(before)) : at] == before and content[end : end + len(behind)] == behind
            for before, behind in known
        ):
            return True
        at = content.find(needle, end)
    return False
