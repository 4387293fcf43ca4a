"""Files that a repair takes away: they are put aside under their own names, and never deleted."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from kb.store.storage import PUT_ASIDE, Storage

SCRATCH = "anew"
"""The folder, among what was put aside, in which a repair makes a table anew."""


class PutAside:
    """One folder a repair, made when the first file comes."""

    def __init__(self, storage: Storage, *, dry_run: bool):
        self._root = Path(storage.uri)
        self._dry_run = dry_run
        self._folder = self._root / PUT_ASIDE / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")

    @property
    def used(self) -> str | None:
        """The folder, if anything was put there."""
        return str(self._folder) if self._folder.exists() else None

    def take(self, path: str) -> None:
        """Put a file or a folder aside, if it is there."""
        if (target := self._target(path)) is not None:
            (self._root / path).rename(target)

    def keep(self, path: str) -> None:
        """Put a copy of a file aside that is about to be replaced, if it is there."""
        if (target := self._target(path)) is not None:
            shutil.copy2(self._root / path, target)

    def scratch(self) -> Path:
        """An empty folder of our own beside the files put aside: for what is made anew until it takes its place."""
        folder = self._root / PUT_ASIDE / SCRATCH
        shutil.rmtree(folder, ignore_errors=True)  # of a repair that died
        folder.mkdir(parents=True)
        return folder

    def _target(self, path: str) -> Path | None:
        if self._dry_run or not (self._root / path).exists():
            return None
        target = self._folder / path
        while target.exists():  # some of its files were put aside before
            target = target.with_name(f"{target.name}.rest")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target
