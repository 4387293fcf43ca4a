"""Files that a repair takes away: they are put aside under their own names, and never deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kb.store.storage import PUT_ASIDE, Storage


class PutAside:
    """One folder a repair, made when the first file comes."""

    def __init__(self, storage: Storage, *, dry_run: bool):
        self._root = Path(storage.uri)
        self._dry_run = dry_run
        self._folder = self._root / PUT_ASIDE / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")

    def take(self, path: str) -> None:
        """Put a file or a folder aside, if it is there."""
        place = self._root / path
        if self._dry_run or not place.exists():
            return
        target = self._folder / path
        while target.exists():  # some of its files were put aside before
            target = target.with_name(f"{target.name}.rest")
        target.parent.mkdir(parents=True, exist_ok=True)
        place.rename(target)
