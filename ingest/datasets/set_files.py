"""The files under the root of a data set, found by patterns: `train.csv` anywhere, `test/*.png` in a folder `test`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from re import Pattern
from re import compile as compiled

from ingest.datasets.description import Patterns
from kb.errors import UsageError


class SetFiles:
    """All files under a root, by their places there; hidden ones are passed over, links to folders are followed."""

    def __init__(self, root: Path):
        if not root.is_dir():
            raise UsageError(f"there is no folder {root}")
        self.root = root
        self._by_ending: dict[str, list[str]] = {}
        for place in _walk(root):
            self._by_ending.setdefault(_ending(place), []).append(place)

    def __len__(self) -> int:
        return sum(map(len, self._by_ending.values()))

    def __iter__(self) -> Iterator[str]:
        for places in self._by_ending.values():
            yield from places

    def path(self, place: str) -> Path:
        """The file at a place."""
        return self.root / place

    def find(self, patterns: Patterns) -> list[str]:
        """The places of the files that are meant: of each alternative the first pattern that any file is of."""
        found: dict[str, None] = {}
        for alternatives in patterns:
            places = next((there for pattern in alternatives if (there := self.matching(pattern))), ())
            found.update(dict.fromkeys(places))
        return list(found)

    def matching(self, pattern: str) -> list[str]:
        """The places of the files of one pattern; of a file and its packed twin, the file."""
        parts = _pattern(pattern)
        ending = _ending(pattern)
        pools: Iterable[Sequence[str]] = self._by_ending.values()
        if not set(ending) & set("*?["):
            pools = (self._by_ending.get(ending, ()),)
        found = [place for pool in pools for place in pool if _matches(place, parts)]
        there = set(found)
        return [place for place in found if not (place.endswith(".gz") and place.removesuffix(".gz") in there)]


def _matches(place: str, parts: tuple[Pattern[str], ...]) -> bool:
    # The name alone decides most of the time, and there are hundreds of thousands of places.
    steps = place.rsplit("/", len(parts))[-len(parts) :]
    return len(steps) == len(parts) and all(
        part.match(step) for part, step in zip(reversed(parts), reversed(steps), strict=True)
    )


@lru_cache(256)
def _pattern(pattern: str) -> tuple[Pattern[str], ...]:
    return tuple(compiled(f"(?i:{translate(part)})") for part in pattern.split("/"))


def _ending(place: str) -> str:
    return place.rpartition("/")[2].rpartition(".")[2].lower()


def _walk(root: Path) -> Iterator[str]:
    met: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in met:  # a link that leads back
            folders.clear()
            continue
        met.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(root).as_posix()
        for name in sorted(names):
            if not name.startswith("."):
                yield name if inside == "." else f"{inside}/{name}"
