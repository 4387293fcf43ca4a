"""A tracker: where the numbers of a training go while it runs, besides its own files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A training as a tracker needs to know it.

    Attributes:
        training: its id, the same when it is resumed.
        folder: of its checkpoint.
        settings: its configuration, as plain data.
        step: the optimiser steps that are done already.
    """

    training: str
    folder: Path
    settings: Mapping[str, Any]
    step: int


class Tracker(Protocol):
    """Takes numbers by name; it may keep them back until it is closed."""

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of an optimiser step: {"train/loss": 0.3}; steps do not go down."""
        ...

    def close(self) -> None:
        """Write what was kept back."""
        ...
